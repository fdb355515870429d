"""What the ways to a device have in common: start a process there, talk to it, upload a file."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from benchhub.device.events.bounds import LINE_BYTES, SAID_BYTES, STDERR_BYTES
from benchhub.device.events.parse import Broken, shown
from benchhub.errors import BenchhubError
from benchhub.text import visible

CHUNK_BYTES = 1 << 16
#: What fits into one SSH packet of 32 KiB; multiples of it need the fewest packets.
PACKET_BYTES = (1 << 15) - 64
_TAIL_BYTES = 8192

#: Called with the number of bytes that were just moved.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Completed:
    """A finished command: its exit status (negative: the signal, if known) and what it wrote."""

    status: int
    stdout: bytes
    stderr: str


class RemoteProcess(ABC):
    """A process on a device; stdin and stdout are ours, the end of stderr is kept for messages.

    Every wait has a limit and raises TimeoutError; a link that breaks raises Unreachable, so an
    empty read always means that the process closed its stdout.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._tail = bytearray()
        self._stderr_bytes = 0

    @abstractmethod
    def write(self, data: bytes | memoryview) -> None:
        """Send all of `data` to stdin; BrokenPipeError once the process no longer reads."""

    @abstractmethod
    def close_stdin(self) -> None:
        """End the process's stdin; harmless when it has ended already."""

    @abstractmethod
    def read(self, timeout_s: float) -> bytes:
        """Return the next bytes of stdout, b"" at its end."""

    @abstractmethod
    def wait(self, timeout_s: float) -> int:
        """Return the exit status."""

    @abstractmethod
    def kill(self) -> None:
        """Stop the process, or cut it off; a blocked reader is released. Never raises."""

    @abstractmethod
    def close(self) -> None:
        """Kill the process and release everything that belongs to it. Never raises."""

    def readline(
        self, timeout_s: float, quiet_s: float = float("inf"), most_bytes: int = LINE_BYTES
    ) -> bytes:
        """Return the next line with its newline (the last may lack it), b"" at the end.

        TimeoutError when it is not whole after `timeout_s`, though data still come, or when
        nothing came for `quiet_s`; Broken for one that is longer than `most_bytes`.
        """
        deadline = time.monotonic() + timeout_s
        searched = 0
        while (newline := self._pending.find(b"\n", searched)) < 0:
            searched = len(self._pending)
            if searched > most_bytes:
                raise Broken(f"a line of more than {most_bytes} bytes, {shown(self._pending)!r}")
            left_s = deadline - time.monotonic()
            if left_s <= 0 and searched:
                raise TimeoutError("a line that does not end")
            data = self.read(min(quiet_s, max(0.0, left_s)))
            if not data:
                newline = len(self._pending) - 1
                break
            self._pending += data
        if newline > most_bytes:
            raise Broken(f"a line of {newline} bytes, at most {most_bytes} are allowed")
        line = bytes(self._pending[: newline + 1])
        del self._pending[: newline + 1]
        return line

    def stderr_tail(self) -> str:
        """Return the last few kilobytes of stderr, on one line."""
        return visible(bytes(self._tail).decode("utf-8", "replace").strip())

    def _keep_tail(self, read: Callable[[], bytes]) -> threading.Thread:
        """Drain stderr in the background: a process must never block on it."""

        def drain() -> None:
            while (data := read()) and self._keep_stderr(data):
                pass

        thread = threading.Thread(target=drain, name="stderr", daemon=True)
        thread.start()
        return thread

    def _keep_stderr(self, data: bytes) -> bool:
        """Keep the end of what came on stderr; False: that was too much, and it is killed."""
        self._tail += data
        del self._tail[:-_TAIL_BYTES]
        self._stderr_bytes += len(data)
        if self._stderr_bytes > STDERR_BYTES:
            self._tail[:] = b"it wrote more than %d bytes to stderr" % STDERR_BYTES
            self.kill()
            return False
        return True


class Transport(Protocol):
    """A way to a device, and the same contract for all of them (tests/contracts)."""

    name: str
    warnings: tuple[str, ...]

    def start(self, argv: list[str]) -> RemoteProcess:
        """Start `argv` on the device, each element one argument whatever it contains."""

    def run(
        self, argv: list[str], data: bytes | Iterable[bytes] = b"", timeout_s: float = 60.0
    ) -> Completed:
        """Run `argv` to its end with `data` on stdin; TimeoutError after `timeout_s`."""

    def upload(self, source: BinaryIO, remote: str, offset: int, progress: Progress) -> None:
        """Write `source` from `offset` on to the same place of the file `remote`.

        What the file has past its new end is cut off. A broken link leaves a prefix that a later
        call can go on from; a transport that cannot start in the middle sends everything again.
        """

    def watched(self, progress: Progress) -> AbstractContextManager[Progress]:
        """Return a context in which a link that stalls is cut, and the progress to report there.

        For what is written without a limit of its own; Unreachable where the link was cut.
        """

    def close(self) -> None:
        """End the connection and every process started over it."""


def complete(
    process: RemoteProcess,
    data: bytes | Iterable[bytes],
    timeout_s: float,
    quiet_s: float | None = None,
) -> Completed:
    """Feed `data` to `process`, read it to its end and return what it said.

    `timeout_s` bounds the whole, or, where `quiet_s` is given, only the time after the last byte
    of `data`, and `quiet_s` the time without one of them going out.
    """
    started = time.monotonic()
    feeder = _Feeder(process, [data] if isinstance(data, bytes) else data)

    def left_s() -> float:
        if quiet_s is None:
            return timeout_s - (time.monotonic() - started)
        return (quiet_s if feeder.is_alive() else timeout_s) - feeder.quiet_for_s()

    try:
        feeder.start()
        stdout = bytearray()
        while True:
            if left_s() <= 0:
                raise TimeoutError(f"no end after {time.monotonic() - started:.0f} s")
            try:
                piece = process.read(min(1.0, left_s()))
            except TimeoutError:
                continue
            if not piece:
                break
            stdout += piece
            if len(stdout) > SAID_BYTES:
                raise TimeoutError(f"it wrote more than {SAID_BYTES} bytes to stdout")
        status = process.wait(max(0.1, left_s()))
        feeder.join(5.0)
        if feeder.error is not None:
            raise feeder.error
        return Completed(status, bytes(stdout), process.stderr_tail())
    finally:
        process.close()


class _Feeder(threading.Thread):
    """Writes to a process while somebody else reads from it; keeps what went wrong."""

    def __init__(self, process: RemoteProcess, chunks: Iterable[bytes]) -> None:
        super().__init__(name="stdin", daemon=True)
        self._process = process
        self._chunks = chunks
        self._moved_at = time.monotonic()
        self.error: OSError | BenchhubError | None = None

    def quiet_for_s(self) -> float:
        """Return for how long no byte has gone out."""
        return time.monotonic() - self._moved_at

    def run(self) -> None:
        """Write everything, then end stdin."""
        try:
            for chunk in self._chunks:
                self._process.write(chunk)
                self._moved_at = time.monotonic()
        except BrokenPipeError:
            pass  # the process ended early: its status says why
        except (OSError, BenchhubError) as error:
            self.error = error
        finally:
            self._process.close_stdin()
            self._moved_at = time.monotonic()
