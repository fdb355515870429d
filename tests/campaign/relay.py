"""A TCP way to a server, in a process of its own, that does to the link what it is told."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import socket
import struct
import time
from dataclasses import dataclass, field

_PIECE_BYTES = 1 << 14
_MOST_BYTES = 1 << 18
_TICK_S = 0.01


class Relay:
    """Listens on `port` of loopback; what is told holds for links that are there and for new ones.

    `open`: all is well. `cut`: links are closed, and no new one is let through; `reset`: the same
    by a TCP reset. `half`: links that are there are dead, though nobody tells the client; new ones
    work. `silent`: nothing gets through, and nothing is lost. `slow N`: so many bytes a second.
    `lossy P`: that part of what comes arrives late, as what TCP sends again does.
    """

    def __init__(self, target: int) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(listener.getsockname()[1])
        self._control, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                self._control.close()
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                _Serving(listener, theirs, target).serve()
            finally:
                os._exit(0)
        listener.close()
        theirs.close()

    def tell(self, words: str) -> None:
        """Let it do something from now on; it does when this returns."""
        self._control.sendall(f"{words}\n".encode())
        self._control.recv(1)

    def close(self) -> None:
        """End it, and every link with it."""
        with contextlib.suppress(OSError):
            self._control.close()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


@dataclass
class _Flow:
    """One direction of a link."""

    source: socket.socket
    target: socket.socket
    waiting: bytearray = field(default_factory=bytearray)
    ended: bool = False
    not_before: float = 0.0


@dataclass
class _Link:
    """A client and its server; `dead`: the server is gone, and the client was not told."""

    client: socket.socket
    server: socket.socket
    dead: bool = False

    def __post_init__(self) -> None:
        self.flows = (_Flow(self.client, self.server), _Flow(self.server, self.client))

    def close(self, reset: bool = False) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                if reset:
                    linger = struct.pack("ii", 1, 0)
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            end.close()


class _Serving:
    def __init__(self, listener: socket.socket, control: socket.socket, target: int) -> None:
        self._listener, self._control, self._target = listener, control, target
        self._links: list[_Link] = []
        self._mode, self._value = "open", 0.0
        self._draw = random.Random(1)
        self._budget, self._counted_at = 0.0, time.monotonic()

    def serve(self) -> None:
        """Serve until nobody can tell it anything any more."""
        while True:
            reads, writes = self._wanted()
            ready = select.select(reads, writes, [], self._pause_s())
            if self._control in ready[0] and not self._told():
                return
            if self._listener in ready[0]:
                self._accept()
            self._move(set(ready[0]), set(ready[1]))

    def _pause_s(self) -> float | None:
        return _TICK_S if self._mode in ("slow", "lossy") and self._links else None

    def _wanted(self) -> tuple[list[socket.socket], list[socket.socket]]:
        reads, writes = [self._listener, self._control], []
        self._count()
        for link in self._links:
            if link.dead:
                reads.append(link.client)  # whatever it still says is taken, and lost
                continue
            if self._mode == "silent":
                continue
            for flow in link.flows:
                if not flow.ended and len(flow.waiting) < _MOST_BYTES:
                    reads.append(flow.source)
                if flow.waiting and self._lets(flow):
                    writes.append(flow.target)
        return reads, writes

    def _count(self) -> None:
        now = time.monotonic()
        self._budget += (now - self._counted_at) * self._value
        self._budget = min(self._budget, max(1.0, self._value * 0.1))
        self._counted_at = now

    def _lets(self, flow: _Flow) -> bool:
        if self._mode == "slow":
            return self._budget >= 1
        return time.monotonic() >= flow.not_before

    def _told(self) -> bool:
        words = self._control.recv(256).decode().split()
        if not words:
            return False
        self._mode, self._value = words[0], float(words[1]) if len(words) > 1 else 0.0
        if self._mode in ("cut", "reset"):
            for link in self._links:
                link.close(self._mode == "reset")
            self._links = []
        if self._mode == "half":
            for link in self._links:
                link.server.close()
                link.dead = True
            self._mode = "open"
        self._control.sendall(b".")
        return True

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._mode in ("cut", "reset"):
            _Link(client, socket.socket()).close(self._mode == "reset")
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._target), 5)
        except OSError:
            client.close()
            return
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._links.append(_Link(client, server))

    def _move(self, reads: set[socket.socket], writes: set[socket.socket]) -> None:
        for link in list(self._links):
            try:
                if link.dead:
                    if link.client in reads and not link.client.recv(_PIECE_BYTES):
                        raise ConnectionResetError
                    continue
                for flow in link.flows:
                    self._flow(flow, reads, writes)
            except OSError:
                link.close()
                self._links.remove(link)
                continue
            if all(flow.ended and not flow.waiting for flow in link.flows):
                link.close()
                self._links.remove(link)

    def _flow(self, flow: _Flow, reads: set[socket.socket], writes: set[socket.socket]) -> None:
        if flow.source in reads and not flow.ended:
            with contextlib.suppress(BlockingIOError):
                data = flow.source.recv(_PIECE_BYTES)
                flow.waiting += data
                flow.ended = not data
                if self._mode == "lossy" and self._draw.random() < self._value:
                    flow.not_before = time.monotonic() + self._draw.uniform(0.02, 0.3)
        if flow.waiting and flow.target in writes:
            most = int(self._budget) if self._mode == "slow" else len(flow.waiting)
            with contextlib.suppress(BlockingIOError):
                count = flow.target.send(flow.waiting[: max(1, most)])
                del flow.waiting[:count]
                self._budget -= count
        if flow.ended and not flow.waiting:
            with contextlib.suppress(OSError):
                flow.target.shutdown(socket.SHUT_WR)
