"""Faults of benchhub's own: each is one line to the user, and a traceback in a log of its own."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import platform
import secrets
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchhub import __version__
from benchhub.errors import BenchhubError, DeviceError
from benchhub.outside.masked import masked, masked_words
from benchhub.outside.variables import Variable
from benchhub.outside.written import drafted
from benchhub.text import abridged, visible

#: What a machine runs out of, with the next step.
_USED_UP = {
    errno.EMFILE: "no more files can be opened: raise the limit, see `ulimit -n`",
    errno.ENFILE: "no more files can be opened on this machine: end programs that hold many",
    errno.ENOSPC: "no space is left on the disk: free some",
    errno.EDQUOT: "the quota of the disk is used up: free some space",
    errno.ENOMEM: "out of memory: end other programs, or raise the limit, see `ulimit -v`",
    errno.EAGAIN: "no more processes can be started: raise the limit, see `ulimit -u`",
}
#: What a file system refuses, with the next step; only of a file that is named.
_REFUSALS = {
    errno.EACCES: "may not be read or written: give this account the right, or name another place",
    errno.EPERM: "may not be changed: give this account the right, or name another place",
    errno.EROFS: "is on a disk that is read-only: name a place that can be written",
    errno.ENAMETOOLONG: "the name is too long: give a shorter one",
    errno.ENOTDIR: "a part of it is a file, where a folder is needed: name another place",
    errno.EISDIR: "is a folder, where a file is needed: name a file",
    errno.ELOOP: "its links lead in a circle: mend them",
    errno.EIO: "its disk does not answer: look at that",
    errno.EFBIG: "is larger than may be: raise the limit, see `ulimit -f`",
    errno.ESTALE: "its network disk is gone: mount that again",
    errno.ENXIO: "is no file that can be read: name another",
    errno.ENODEV: "is no file that can be read: name another",
}
#: What Python and the loader of libraries say where there is no memory.
_NO_MEMORY = ("can't start new thread", "failed to map segment", "Cannot allocate memory")
#: What Python says where it had no memory even for its MemoryError; other faults are told so, too.
_LOST = ("without exception set", "without setting an exception")
#: A process that cannot have so much more has none left for anything.
_LITTLE_BYTES = 16 << 20
#: What an exception says is in the line up to here; the log has all of it.
_SAID = 300


@contextlib.contextmanager
def of_device(name: str) -> Iterator[None]:
    """Make whatever the block stumbles over the failure of this device, with its log.

    Errors of benchhub's own pass through, Ctrl-C too.
    """
    try:
        yield
    except (BenchhubError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever it is, other devices go on
        reason = used_up(error) or f"stopped by {told(error)}"
        raise DeviceError(f"{name}: {reason}") from error


def told(error: BaseException) -> str:
    """Return what to say of a fault, and where its log is; the log is written. Never raises."""
    kept = ""
    try:
        said = " ".join(masked(visible(str(error))).split())
        kind = type(error).__name__
        kept = f"a fault of benchhub's own ({kind}{said and f': {abridged(said, _SAID)}'})"
        return f"{kept}; its log: {_logged(error)}"
    except OSError as refusal:
        return f"{kept}; no log could be written ({refusal.strerror}), so here: {_short(error)}"
    except Exception:  # noqa: BLE001 - out of memory, most likely: better few words than none
        return kept or "a fault of benchhub's own, too large to be told: is there memory left?"


def used_up(error: BaseException) -> str | None:
    """Return what of this machine is used up, or what it refuses, where `error` says that.

    None for others: they are faults.
    """
    while True:
        if isinstance(error, OSError) and error.errno in _USED_UP:
            where = f"{error.filename}: " if error.filename else ""
            return masked(visible(f"{where}{_USED_UP[error.errno]}"))
        if isinstance(error, OSError) and error.errno in _REFUSALS and _named(error):
            return masked(visible(f"{error.filename}: {_REFUSALS[error.errno]}"))
        if isinstance(error, MemoryError) or _lacks_memory(error):
            return _USED_UP[errno.ENOMEM]
        if error.__cause__ is None:
            return None
        error = error.__cause__


def _lacks_memory(error: BaseException) -> bool:
    said = str(error)
    if isinstance(error, SystemError) and any(words in said for words in _LOST):
        try:
            mmap.mmap(-1, _LITTLE_BYTES).close()
        except (OSError, ValueError):
            return True
    return any(words in said for words in _NO_MEMORY)


def folder() -> Path:
    """Return where logs are kept: `benchhub` in the user's folder of what programs keep.

    OSError: this account has no such folder.
    """
    base = os.path.expanduser(os.environ.get(Variable.XDG_STATE) or "~/.local/state")
    if base.startswith("~"):
        raise FileNotFoundError(errno.ENOENT, "this account has no home folder")
    return Path(base) / "benchhub"


def _logged(error: BaseException) -> Path:
    now = datetime.now(UTC)
    path = folder() / f"fault-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}.log"
    system = os.uname()  # `platform` would start a process to ask
    lines = (
        f"benchhub {__version__} on Python {platform.python_version()}, {system.sysname}"
        f" {system.release} {system.machine}",
        f"at {now.isoformat(timespec='seconds')}",
        f"command: {' '.join(masked_words(sys.argv))}",
        "",
        *"".join(traceback.format_exception(error)).splitlines(),
    )
    with drafted(path) as draft, draft.open("x", encoding="utf-8", errors="replace") as file:
        file.writelines(f"{masked(visible_line(line))}\n" for line in lines)
    return path


def _named(error: OSError) -> bool:
    return isinstance(error.filename, str | bytes | os.PathLike) and bool(error.filename)


def visible_line(line: str) -> str:
    """One line made visible, its indent kept."""
    bare = line.lstrip(" ")
    return " " * (len(line) - len(bare)) + visible(bare)


def _short(error: BaseException) -> str:
    """The innermost calls on one line, for where no file can be written."""
    calls = traceback.extract_tb(error.__traceback__)[-8:]
    places = (f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in calls)
    return " < ".join(reversed([*places]))
