"""Where those who want to measure find one another: a sticky folder of the system.

Everybody may make files there, and nobody can remove another's. Who looks or changes something is
alone with that, by a lock on the folder itself, for a millisecond.
"""

import contextlib
import fcntl
import os
import stat
import time
from typing import Any, Iterator, Mapping, Optional, Sequence

from benchhub.ondevice.agent.private import NotPrivate, opened

#: The first of these that is as described; all accounts of a device see the same.
FOLDERS = ("/var/tmp", "/tmp")
#: Somebody who holds the folder's lock for longer than this is in the way.
_GATE_S = 3.0


class Busy(Exception):
    """Somebody else comes first; `holder` is what they said of themselves, `queue` a report."""

    def __init__(
        self, holder: Mapping[str, Any], queue: Optional[Mapping[str, Any]] = None
    ) -> None:
        super().__init__(_describe(holder))
        self.holder = dict(holder)
        self.queue = queue


class Hall:
    """A folder that was looked at and locked; `fd` leads there, whatever happens to its name."""

    def __init__(self, folder: str, fd: int) -> None:
        self.folder = folder
        self.fd = fd

    def names(self, prefix: str) -> Sequence[str]:
        """Return the names of files that begin so."""
        return [name for name in os.listdir(self.fd) if name.startswith(prefix)]

    def opened(self, name: str, flags: int = os.O_RDONLY) -> Optional[int]:
        """Return a descriptor of a plain file; None where there is none, or a trap."""
        try:
            return opened(name, flags, self.fd)
        except (OSError, NotPrivate):
            return None

    def made(self, name: str) -> int:
        """Return a descriptor of a new file of ours, which others can read; an old one goes.

        FileExistsError where that is another account's.
        """
        with contextlib.suppress(FileNotFoundError, PermissionError):
            os.unlink(name, dir_fd=self.fd)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        fd = os.open(name, flags, 0o600, dir_fd=self.fd)
        if is_sticky(self.folder):
            os.fchmod(fd, 0o644)
        return fd


def folder_of(root: str, folders: Sequence[str] = FOLDERS) -> str:
    """Return the folder where accounts meet; the root where the system has none."""
    return next((folder for folder in folders if is_sticky(folder)), root)


@contextlib.contextmanager
def entered(folder: str) -> Iterator[Hall]:
    """Be alone with a folder; Busy where somebody does not let its lock go."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        until = time.monotonic() + _GATE_S
        while not locked(fd, fcntl.LOCK_EX):
            if time.monotonic() > until:
                raise Busy({})
            time.sleep(0.01)
        yield Hall(folder, fd)
    finally:
        os.close(fd)


def is_sticky(folder: str) -> bool:
    """Return whether a folder is the system's, and each one's files there are their own."""
    try:
        facts = os.lstat(folder)
    except OSError:
        return False
    mode = stat.S_ISVTX | stat.S_IWOTH
    sticky = stat.S_ISDIR(facts.st_mode) and facts.st_mode & mode == mode
    return sticky and facts.st_uid == 0 and os.access(folder, os.R_OK | os.W_OK)


def locked(fd: int, kind: int) -> bool:
    """Take a lock without waiting; return whether it was to be had."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def now_s() -> float:
    """Return seconds since the device was started; they go on while it sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def boot_id() -> str:
    """Return what tells one start of the device from another; empty where nothing does."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read(64).decode("ascii").strip()
    except (OSError, ValueError):
        return ""


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
