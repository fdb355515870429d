"""What takes long at a gateway: begun once, heard of in pieces, as often as somebody asks."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from benchhub.device.events import spool
from benchhub.device.gateway.messages import PIECE_BYTES, GatewayHello, Reply, ToldError, told
from benchhub.errors import BenchhubError
from benchhub.outside.faults import of_device

#: From here on lines go to disk: those of a fleet together would fill the memory.
_SPOOLED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Came:
    """What an operation came to, beside its lines."""

    staged: tuple[int, int] | None = None
    opened: GatewayHello | None = None
    reserved: tuple[str, ...] = ()


class Operation:
    """`work` in a thread of its own; it may call `line`, `say` and `move` while it goes on."""

    def __init__(self, device: str, work: Callable[[Operation], Came]) -> None:
        self._device, self._work = device, work
        self._changed = threading.Condition()
        self._lines: IO[bytes] | None = None
        self._size = self._moved = 0
        self._said = ""
        self._over = False
        self._came = Came()
        self._error: ToldError | None = None
        threading.Thread(target=self._run, name=f"gateway-{device}", daemon=True).start()

    def line(self, line: bytes) -> None:
        """Keep a line of the agent's, to be told."""
        with self._changed:
            if self._lines is None:
                self._lines = tempfile.SpooledTemporaryFile(_SPOOLED_BYTES, dir=spool.folder())  # noqa: SIM115 - it lives as long as this
            if not self._lines.closed:
                self._lines.seek(self._size)
                self._lines.write(line)
                self._size += len(line)

    def say(self, text: str) -> None:
        """Keep what is waited for, to be told."""
        self._said = text

    def move(self, count: int) -> None:
        """Note that more bytes reached the device."""
        self._moved += count

    def hear(self, after: int, wait_s: float) -> tuple[Reply, bytes]:
        """Return what came after `after`, once it is over, much came, or `wait_s` are over."""
        until = time.monotonic() + wait_s
        with self._changed:
            while not self._over and self._size - after < PIECE_BYTES:
                left_s = until - time.monotonic()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            data = b""
            if self._lines is not None and not self._lines.closed:
                self._lines.seek(min(after, self._size))
                data = self._lines.read(PIECE_BYTES)
            to = after + len(data)
            over = self._over and to >= self._size
            answer = Reply(
                error=self._error if over else None, over=over, next=to, moved=self._moved,
                said=self._said, staged=self._came.staged,
                opened=self._came.opened if over else None, reserved=self._came.reserved,
            )  # fmt: skip
            return answer, data

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over

    def forget(self) -> None:
        """Let its lines go."""
        with self._changed:
            if self._lines is not None:
                self._lines.close()

    def _run(self) -> None:
        came, error = Came(), None
        try:
            with of_device(self._device):
                came = self._work(self)
        except BenchhubError as failed:
            error = told(failed)
        with self._changed:
            self._came, self._error, self._over = came, error, True
            self._changed.notify_all()
