"""Files that are written whole or not at all: reports, exports, profiles, what a cache keeps."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.outside.variables import Variable

#: A draft beside the file cannot be made or take its place, and yet the file may be written to.
_IN_PLACE = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY})
#: A disk, or an account's part of it, that takes no more.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
#: What else disks and file systems say where nothing can be written.
REFUSED = frozenset(
    {
        errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EFBIG, errno.ENAMETOOLONG,
        errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ESTALE, errno.ENXIO, errno.ENODEV,
        errno.EEXIST, errno.EBUSY,
    }
)  # fmt: skip
#: What to do where the cache takes nothing.
OTHER_CACHE = f"free some room, or set {Variable.CACHE} to another folder"
_TAKES_NONE = FULL | {errno.EROFS, errno.EIO, errno.EFBIG}
_OTHER_TMPDIR = f"free some room, or set {Variable.TMPDIR} to another folder"


def write_whole(path: Path, content: str | bytes, next_step: str = "") -> None:
    """Write a file, making its folders; what was there stays until the new one is whole.

    Text is UTF-8. ConfigError, with `next_step` behind the cause, where it cannot be written.
    """
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    with explained(path, next_step):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)


@contextlib.contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Yield where to write what becomes `path` when the block ends, and is gone if it raises.

    The draft lies beside it and has its ending. OSError as whatever writes raises it.
    """
    target = Path(os.path.realpath(path))  # of a link, what it leads to
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{secrets.token_hex(4)}.{target.name[-200:]}")
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def explained(path: Path, next_step: str = "") -> Iterator[None]:
    """Make a ConfigError of an OSError in the block: the file, the cause, and `next_step`."""
    try:
        yield
    except OSError as error:
        step = f"; {next_step}" if next_step else ""
        cause = why(error)
        if error.errno in (errno.EEXIST, errno.ENOTDIR):  # of the folders that are made for it
            cause = "a part of it is a file, not a folder"
        raise ConfigError(f"{path}: cannot be written: {cause}{step}") from error


@contextlib.contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Yield a folder for temporary files, which goes with the block.

    ConfigError where there can be none, or where its disk does not take what the block writes.
    """
    with in_scratch():
        try:
            made = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
        except OSError as error:  # none of the folders that there may be takes any
            raise OSError(errno.EROFS, error.strerror or str(error)) from error
        with made as name:
            yield Path(name)


@contextlib.contextmanager
def in_scratch() -> Iterator[None]:
    """Make a ConfigError of what the disk of temporary files does not take in the block."""
    try:
        yield
    except OSError as error:
        if error.errno not in _TAKES_NONE:
            raise
        folder = os.environ.get(Variable.TMPDIR) or "/tmp"
        with contextlib.suppress(OSError):
            folder = tempfile.gettempdir()
        cause = why(error)
        raise ConfigError(
            f"{folder}: temporary files cannot be written: {cause}; {_OTHER_TMPDIR}"
        ) from error


def why(error: OSError) -> str:
    """Return the cause as the system words it; of a limit that a shell has set, how to see it."""
    cause = error.strerror or str(error)
    return f"{cause} (`ulimit -f` tells the limit)" if error.errno == errno.EFBIG else cause


def _write(path: Path, content: bytes) -> None:
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe; of a folder this is the error
        path.write_bytes(content)
        return
    try:
        with drafted(path) as draft, draft.open("xb") as file:
            file.write(content)
    except OSError as error:
        if error.errno not in _IN_PLACE or not path.is_file():
            raise
        path.write_bytes(content)
