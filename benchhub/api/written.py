"""Files that are written whole or not at all: reports, gates and comparisons."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from benchhub.errors import ConfigError

#: A draft beside the file cannot be made or take its place, and yet the file may be written to.
_IN_PLACE = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY})


def write_whole(path: Path, text: str, next_step: str = "") -> None:
    """Write a text file, making its folders; what was there stays until the new one is whole.

    ConfigError, with `next_step` behind the cause, where it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text.encode("utf-8", "replace"))
    except OSError as error:
        step = f"; {next_step}" if next_step else ""
        raise ConfigError(f"{path}: cannot be written: {error.strerror}{step}") from error


def _write(path: Path, content: bytes) -> None:
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe; of a folder this is the error
        path.write_bytes(content)
        return
    target = path.resolve()  # of a link, what it leads to
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        if error.errno not in _IN_PLACE or not target.is_file():
            raise
        target.write_bytes(content)
