"""The bytes that follow a request on stdin: read by who answers it while the reader stands by."""

import contextlib
import fcntl
import os
import select
import threading

from benchhub.ondevice.lines import Silence

_CHUNK = 1 << 16
# linux/fcntl.h; the fcntl module has it from Python 3.10 on.
_F_SETPIPE_SZ = 1031
_PIPE_BYTES = 1 << 20


class Payload:
    """`count` bytes on a descriptor; `over` is set once they were read, or will not come.

    `silent` tells that for `timeout_s` nothing came.
    """

    def __init__(self, fd: int, count: int, timeout_s: float) -> None:
        self.over = threading.Event()
        self.silent = False
        self._fd = fd
        self._left = count
        self._timeout_s = timeout_s
        self._begun = memoryview(b"")
        self._ready = threading.Event()

    def begin(self, begun: bytes) -> bytes:
        """Let reading start with the bytes that were read already; return those past the end."""
        self._begun = memoryview(begun[: self._left])
        # With room for more, sshd and this process take turns less often; a pipe may refuse it,
        # and stdin need not be one.
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._fd, _F_SETPIPE_SZ, _PIPE_BYTES)
        self._ready.set()
        return begun[self._left :]

    def read_into(self, buffer: memoryview) -> int:
        """Fill some of `buffer` and return how much; 0 at the end, or once nothing more comes."""
        self._ready.wait()
        wanted = min(len(buffer), self._left)
        if not wanted:
            return 0
        if self._begun:
            count = min(wanted, len(self._begun))
            buffer[:count] = self._begun[:count]
            self._begun = self._begun[count:]
        else:
            count = self._read(buffer[:wanted])
        # After the end of stdin there is nothing left to wait for.
        self._left = self._left - count if count else 0
        if not self._left:
            self.over.set()
        return count

    def close(self) -> None:
        """Skip what was not read, so that the next request is found; harmless when it is over."""
        if not self.over.is_set():
            scratch = memoryview(bytearray(_CHUNK))
            while self.read_into(scratch):
                continue

    def _read(self, buffer: memoryview) -> int:
        try:
            ready, _, _ = select.select([self._fd], [], [], self._timeout_s)
            if not ready:
                raise Silence()
            return os.readv(self._fd, [buffer])
        except Silence:
            self.silent = True
        except OSError:
            pass  # the same as the end, and the reader will find it
        return 0
