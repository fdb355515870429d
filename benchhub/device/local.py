"""This machine as a device: processes in sessions of their own, uploads as file copies."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from benchhub.device.transport import CHUNK_BYTES, Completed, Progress, RemoteProcess, complete
from benchhub.errors import DeviceError

_COPY_BYTES = 1 << 20
#: How often a blocked reader looks whether it was released by `kill`.
_SLICE_S = 0.2
#: A process that takes no input for this long hangs, or was stopped.
STALL_S = 30.0


class LocalTransport:
    """Starts processes on this machine; `python3` is the interpreter that runs benchhub."""

    def __init__(self, name: str = "localhost") -> None:
        self.name = name
        self.warnings: tuple[str, ...] = ()
        self._processes: list[LocalProcess] = []

    def start(self, argv: list[str]) -> RemoteProcess:
        """Start `argv`; see Transport."""
        try:
            process = LocalProcess(argv)
        except OSError as error:
            reason = error.strerror or error
            raise DeviceError(f"{self.name}: cannot start {argv[0]!r}: {reason}") from error
        self._processes = [p for p in self._processes if p.alive()] + [process]
        return process

    def run(
        self, argv: list[str], data: bytes | Iterable[bytes] = b"", timeout_s: float = 60.0
    ) -> Completed:
        """Run `argv` to its end; see Transport."""
        return complete(self.start(argv), data, timeout_s)

    def upload(self, source: BinaryIO, remote: str, offset: int, progress: Progress) -> None:
        """Write `source` from `offset` on; see Transport."""
        flags = os.O_WRONLY | os.O_CREAT | (0 if offset else os.O_TRUNC)
        descriptor = os.open(remote, flags, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as target:
            if offset:
                target.truncate(offset)
                target.seek(offset)
            source.seek(offset)
            while data := source.read(_COPY_BYTES):
                view = memoryview(data)
                while view:
                    view = view[target.write(view) :]
                progress(len(data))

    @contextlib.contextmanager
    def watched(self, progress: Progress) -> Iterator[Progress]:
        """Nothing here stalls for want of a link; see Transport."""
        yield progress

    def close(self) -> None:
        """End what was started."""
        for process in self._processes:
            process.close()
        self._processes.clear()


class LocalProcess(RemoteProcess):
    """A child of this process, leader of its own session, so that Ctrl-C does not reach it."""

    def __init__(self, argv: list[str]) -> None:
        super().__init__()
        self._popen = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        assert self._popen.stdin
        assert self._popen.stdout
        assert self._popen.stderr
        self._stdin, self._stdout = self._popen.stdin, self._popen.stdout
        self._stderr = self._popen.stderr
        self._killed = False
        os.set_blocking(self._stdin.fileno(), False)
        self._room = select.poll()
        self._room.register(self._stdin, select.POLLOUT)
        self._drain = self._keep_tail(lambda: os.read(self._stderr.fileno(), CHUNK_BYTES))
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN)

    def alive(self) -> bool:
        """Tell whether the process runs still or has something left to release."""
        return not self._stdout.closed

    def write(self, data: bytes | memoryview) -> None:
        """Send all of `data` to stdin."""
        view = memoryview(data)
        moved_at = time.monotonic()
        try:
            while view:
                # None where the pipe is full: the process takes its time, or was stopped.
                count = self._stdin.write(view)
                if count is not None:
                    view = view[count:]
                    moved_at = time.monotonic()
                elif self._killed or time.monotonic() - moved_at > STALL_S:
                    raise TimeoutError("the process does not read its input")
                else:
                    self._room.poll(int(1000 * _SLICE_S))
        except ValueError as error:
            raise BrokenPipeError("stdin is closed") from error

    def close_stdin(self) -> None:
        """End stdin."""
        with contextlib.suppress(OSError):
            self._stdin.close()

    def read(self, timeout_s: float) -> bytes:
        """Return the next bytes of stdout."""
        deadline = time.monotonic() + timeout_s
        while True:
            left = deadline - time.monotonic()
            if self._poll.poll(max(0, int(1000 * min(left, _SLICE_S)))):
                return os.read(self._stdout.fileno(), CHUNK_BYTES)
            if self._killed:
                return b""
            if left <= 0:
                raise TimeoutError("no output")

    def wait(self, timeout_s: float) -> int:
        """Return the exit status."""
        try:
            status = self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError("still running") from error
        self._drain.join(1.0)
        return status

    def kill(self) -> None:
        """Kill the whole process group."""
        self._killed = True
        if self._popen.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def close(self) -> None:
        """End what was started."""
        if self._stdout.closed:
            return
        self.kill()
        self._popen.wait()
        self.close_stdin()
        # A descendant that left the session may hold stderr open; its reader is then left alone.
        self._drain.join(1.0)
        self._stdout.close()
        if not self._drain.is_alive():
            self._stderr.close()


def interpreter(python: str) -> str:
    """Return the interpreter a local profile means by `python`."""
    return sys.executable if python == "python3" else python
