"""Taking turns with other accounts of a device, each of which has a root of its own.

An agent holds a shared `flock` on its account's file in a sticky folder of the system, where
everybody may make files and nobody remove another's; one that finds another account's file held is
refused. Who looks and who takes is alone with that, by a lock on the folder itself. Several roots
of one account are its own affair. What others left there is read with distrust, and never written.
"""

import fcntl
import json
import os
import stat
import time
from typing import Any, Dict, Mapping, Optional, Sequence

from benchhub.ondevice.agent.private import NotPrivate, account, opened

#: The first of these that is as described; all accounts of a device see the same.
FOLDERS = ("/var/tmp", "/tmp")
PREFIX = "benchhub-lease-"

#: Looking takes a millisecond; somebody who holds the folder's lock for longer is in the way.
_GATE_S = 3.0
_MOST_BYTES = 4096
_MOST_CHARS = 200
_TOLD = ("run", "user", "host", "since", "pid")


class Busy(Exception):
    """Somebody else holds the lease; `holder` is what they said of themselves."""

    def __init__(self, holder: Mapping[str, Any]) -> None:
        super().__init__(_describe(holder))
        self.holder = dict(holder)


def take(holder: Mapping[str, Any], folders: Sequence[str] = FOLDERS) -> Optional[int]:
    """Return a locked descriptor that keeps other accounts waiting while it is open anywhere.

    None where the system has no such folder, Busy where another account is at it, NotPrivate where
    another's file has this account's name.
    """
    for folder in folders:
        if _is_sticky(folder):
            break
    else:
        return None
    gate = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        until = time.monotonic() + _GATE_S
        while not _locked(gate, fcntl.LOCK_EX):
            if time.monotonic() > until:
                raise Busy({})
            time.sleep(0.01)
        for name in os.listdir(gate):
            theirs = _held_by_another(gate, name)
            if theirs is not None:
                raise Busy(theirs)
        return _take_ours(gate, folder, holder)
    finally:
        os.close(gate)


def _is_sticky(folder: str) -> bool:
    try:
        facts = os.lstat(folder)
    except OSError:
        return False
    mode = stat.S_ISVTX | stat.S_IWOTH
    is_sticky = stat.S_ISDIR(facts.st_mode) and facts.st_mode & mode == mode
    return is_sticky and facts.st_uid == 0 and os.access(folder, os.R_OK | os.W_OK)


def _locked(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _held_by_another(gate: int, name: str) -> Optional[Dict[str, Any]]:
    """Return who holds the file `name`, None if nobody else does."""
    uid = name[len(PREFIX) :]
    if not name.startswith(PREFIX) or not uid.isdigit() or uid == str(os.geteuid()):
        return None
    try:
        fd = opened(name, os.O_RDONLY, gate)
    except (OSError, NotPrivate):
        return None
    try:
        # A name of somebody else's is a forgery; their own is theirs to hold.
        if str(os.fstat(fd).st_uid) != uid or _locked(fd, fcntl.LOCK_EX):
            return None
        return dict(_told(os.pread(fd, _MOST_BYTES, 0)), account=account(int(uid)))
    finally:
        os.close(fd)


def _told(data: bytes) -> Dict[str, Any]:
    try:
        said = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    told: Dict[str, Any] = {}
    for name in _TOLD:
        value = said.get(name)
        if isinstance(value, str):
            told[name] = value[:_MOST_CHARS]
        elif type(value) is int and 0 <= value < 1 << 31:
            told[name] = value
    return told


def _take_ours(gate: int, folder: str, holder: Mapping[str, Any]) -> int:
    name = PREFIX + str(os.geteuid())
    path = os.path.join(folder, name)
    try:
        fd = opened(name, os.O_RDWR, gate)
    except FileNotFoundError:
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=gate)
    except PermissionError as error:
        raise _foreign(path) from error
    try:
        facts = os.fstat(fd)
        # A second name would be that of another file of ours, which somebody wants overwritten.
        if facts.st_uid != os.geteuid() or facts.st_nlink != 1:
            raise _foreign(path)
        os.fchmod(fd, 0o644)  # others have to be able to look
        if not _locked(fd, fcntl.LOCK_SH):
            raise Busy({})
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps({n: holder[n] for n in _TOLD if n in holder}).encode("utf-8"), 0)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _foreign(path: str) -> NotPrivate:
    text = "%s is not a file of %s, by which accounts take turns: have it removed, `sudo rm %s`"
    return NotPrivate(text % (path, account(os.geteuid()), path))


def _describe(holder: Mapping[str, Any]) -> str:
    if not holder:
        return "the device is in use; its holder left no name"
    text = "the device is in use by %s@%s" % (holder.get("user", "?"), holder.get("host", "?"))
    if holder.get("run"):
        text += ", run %s" % holder["run"]
    if holder.get("pid"):
        text += ", pid %s" % holder["pid"]
    if holder.get("account"):
        text += ", account %s" % holder["account"]
    return text + ", since %s" % holder.get("since", "?")
