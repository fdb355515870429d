"""Files that the ssh configuration names: none of them is waited for, or read without an end."""

from __future__ import annotations

import errno
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.outside.foreign.bounds import TEXT, whole


def content(path: Path) -> bytes:
    """Return the bytes of a file; OSError, also for a pipe or a device, and one that is too large.

    A fleet's known_hosts may be long: a file may have an eighth of what others may.
    """
    try:
        return whole(path, TEXT, piped=False)
    except ConfigError as error:
        raise OSError(errno.EINVAL, str(error).removeprefix(f"{path}: ")) from error
