"""Lines of JSON over file descriptors: written whole, read with a time limit."""

import os
import select
import threading
from typing import Any, List, Mapping, Optional

from benchhub.ondevice.job import encode

_CHUNK = 1 << 16


class LineWriter:
    """Writes one message at a time to a descriptor; safe from several threads."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        """Write `message` as one line; OSError if the reader is gone."""
        self.send_raw(encode(message))

    def send_if_free(self, message: Mapping[str, Any]) -> None:
        """Write a short message, or nothing where that would have to wait for long."""
        if not self._lock.acquire(timeout=1.0):
            return
        try:
            if select.select([], [self._fd], [], 0)[1]:
                os.write(self._fd, encode(message))
        finally:
            self._lock.release()

    def send_raw(self, line: bytes) -> None:
        """Write a line that is encoded already, newline included."""
        with self._lock:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._fd, rest) :]


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
