"""Taking turns with other accounts of a device, each of which has a root of its own.

An agent that measures holds a shared `flock` on its account's file in the hall; one that finds
another account's file held may not. Earlier versions know no other way, so it stays beside the
tickets. Several roots of one account are its own affair. What others left there is read with
distrust, and never written.
"""

import fcntl
import os
import time
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence

from benchhub.ondevice.agent.private import NotPrivate, account, opened
from benchhub.ondevice.turns.claims import MOST_BYTES, told, written
from benchhub.ondevice.turns.hall import FOLDERS, Busy, Hall, entered, is_sticky, locked

PREFIX = "benchhub-lease-"
_TOLD = ("run", "user", "host", "since", "pid")
#: One that waited for us shares the lock for a moment.
_PATIENCE_S = 0.5


class HeldElsewhere(NamedTuple):
    """The file by which another account holds the device, and what it says."""

    name: str
    holder: Mapping[str, Any]


def take(holder: Mapping[str, Any], folders: Sequence[str] = FOLDERS) -> Optional[int]:
    """Return a locked descriptor that keeps other accounts waiting while it is open anywhere.

    None where the system has no such folder, Busy where another account is at it, NotPrivate where
    another's file has this account's name.
    """
    folder = next((folder for folder in folders if is_sticky(folder)), None)
    if folder is None:
        return None
    with entered(folder) as hall:
        theirs = held_by_another(hall)
        if theirs is not None:
            raise Busy(theirs.holder)
        return take_ours(hall, holder)


def held_by_another(hall: Hall) -> Optional[HeldElsewhere]:
    """Return the file by which another account holds the device, None if none does."""
    for name in hall.names(PREFIX):
        says = _held(hall, name)
        if says is not None:
            return HeldElsewhere(name, says)
    return None


def _held(hall: Hall, name: str) -> Optional[Dict[str, Any]]:
    uid = name[len(PREFIX) :]
    if not uid.isdigit() or uid == str(os.geteuid()):
        return None
    fd = hall.opened(name)
    if fd is None:
        return None
    try:
        # A name of somebody else's is a forgery; their own is theirs to hold.
        if str(os.fstat(fd).st_uid) != uid or locked(fd, fcntl.LOCK_EX):
            return None
        return dict(shown(told(os.pread(fd, MOST_BYTES, 0))), account=account(int(uid)))
    finally:
        os.close(fd)


def shown(says: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what of somebody's words is told of who holds a device."""
    return {name: says[name] for name in _TOLD if name in says}


def take_ours(hall: Hall, holder: Mapping[str, Any]) -> int:
    """Return a locked descriptor of this account's file; NotPrivate where it is another's."""
    name = PREFIX + str(os.geteuid())
    path = os.path.join(hall.folder, name)
    try:
        fd = opened(name, os.O_RDWR, hall.fd)
    except FileNotFoundError:
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=hall.fd)
    except PermissionError as error:
        raise _foreign(path) from error
    try:
        facts = os.fstat(fd)
        # A second name would be that of another file of ours, which somebody wants overwritten.
        if facts.st_uid != os.geteuid() or facts.st_nlink != 1:
            raise _foreign(path)
        os.fchmod(fd, 0o644)  # others have to be able to look
        until = time.monotonic() + _PATIENCE_S
        while not locked(fd, fcntl.LOCK_SH):
            if time.monotonic() > until:
                raise Busy({})
            time.sleep(0.005)
        os.ftruncate(fd, 0)
        os.pwrite(fd, written({n: holder[n] for n in _TOLD if n in holder}), 0)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _foreign(path: str) -> NotPrivate:
    text = "%s is not a file of %s, by which accounts take turns: have it removed, `sudo rm %s`"
    return NotPrivate(text % (path, account(os.geteuid()), path))
