"""Lines of JSON over file descriptors: written whole, read with a time limit."""

import os
import select
from typing import Iterable, List, Optional

_CHUNK = 1 << 16


def write_all(fd: int, parts: Iterable[memoryview]) -> None:
    """Write all of `parts`, one after the other; OSError if the reader is gone."""
    for rest in parts:
        while rest:
            rest = rest[os.write(fd, rest) :]


class LineBuffer:
    """Cuts a stream of bytes into lines."""

    def __init__(self) -> None:
        self._parts: List[bytes] = []

    def feed(self, data: bytes) -> List[bytes]:
        """Return the lines that `data` completes, without their newline."""
        *done, rest = data.split(b"\n")
        if done:
            done[0] = b"".join(self._parts) + done[0]
            self._parts = []
        self._parts.append(rest)
        return done

    def take(self) -> bytes:
        """Return what came after the last newline, and forget it."""
        rest = b"".join(self._parts)
        self._parts = []
        return rest


class Silence(Exception):
    """Nothing came within the time limit."""


def read_some(fd: int, timeout_s: Optional[float]) -> bytes:
    """Return what there is to read, b"" at the end of the stream; Silence after `timeout_s`."""
    ready, _, _ = select.select([fd], [], [], timeout_s)
    if not ready:
        raise Silence()
    return os.read(fd, _CHUNK)
