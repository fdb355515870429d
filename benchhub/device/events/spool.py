"""The content of one output as it arrives: in memory while it is small, in a file beyond."""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import IO

from benchhub.errors import ConfigError
from benchhub.outside import Variable

#: From here on an output goes to disk: a fleet's outputs together would fill the memory.
SPOOLED_BYTES = 8 << 20


class Spool:
    """Bytes that are appended, then looked at once; the file has no name and goes by itself."""

    def __init__(self) -> None:
        self.size = 0
        self._memory = bytearray()
        self._file: IO[bytes] | None = None

    def write(self, data: bytes) -> None:
        """Append `data`; ConfigError where the controller's own disk cannot take it."""
        self.size += len(data)
        try:
            if self._file is None and self.size > SPOOLED_BYTES:
                self._file = tempfile.TemporaryFile(dir=folder(), buffering=0)  # noqa: SIM115 - it lives as long as this
                _write(self._file, self._memory)
                self._memory = bytearray()
            if self._file is None:
                self._memory += data
            else:
                _write(self._file, data)
        except OSError as error:
            raise ConfigError(
                f"outputs cannot be kept in {folder()}: {error.strerror or error}; free some room,"
                " or set TMPDIR to another disk"
            ) from error

    def content(self) -> memoryview:
        """Return all of it; of a file it is read where it is looked at."""
        if self._file is None:
            return memoryview(self._memory)
        mapped = mmap.mmap(self._file.fileno(), self.size, access=mmap.ACCESS_READ)
        self._file.close()
        return memoryview(mapped)

    def close(self) -> None:
        """Forget it, unless it was looked at."""
        if self._file is not None:
            self._file.close()


def folder() -> str:
    """Return where outputs are kept: /tmp is memory on many systems, /var/tmp is a disk."""
    if Variable.TMPDIR not in os.environ and os.access("/var/tmp", os.W_OK):
        return "/var/tmp"
    return tempfile.gettempdir()


def _write(file: IO[bytes], data: bytes | bytearray) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
