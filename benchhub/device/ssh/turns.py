"""Who may connect now: so many at a server that has not let them in yet, so many at work here.

Nothing is held for a device that is silent: one that does not answer delays no other.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

#: sshd refuses at random from 10 unauthenticated connections on (MaxStartups 10:30:100).
CALLERS = 8
#: Handshakes are this processor's work, a few hundredths of a second each: more at once than it
#: can do within their time limits would all fail. Over a slow link they mostly wait.
HANDSHAKES, HANDSHAKE_S = 32, 3.0
#: A server lets in, or hangs up, within so long (LoginGraceTime); a gateway that we know as a
#: command alone has by then, and what is silent may be the device behind it.
SERVER_S, GATEWAY_S = 120.0, 3.0


class Turns:
    """At most so many at once, of whom none counts for longer than `longest_s`.

    One that waits for something else after that does not keep others waiting.
    """

    def __init__(self, most: int, longest_s: float) -> None:
        self._most, self._longest_s = most, longest_s
        self._changed = threading.Condition()
        self._until: dict[object, float] = {}

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Have a turn, once there is one."""
        me = object()
        with self._changed:
            while (left_s := self._left_s()) > 0:
                self._changed.wait(left_s)
            self._until[me] = time.monotonic() + self._longest_s
        try:
            yield
        finally:
            with self._changed:
                del self._until[me]
                self._changed.notify()

    def _left_s(self) -> float:
        """Return how long the next turn may be away; 0: there is one now."""
        now = time.monotonic()
        counted = [until for until in self._until.values() if until > now]
        return 0.0 if len(counted) < self._most else min(counted) - now


class AtServers:
    """At most so many at once for each server, whatever other servers do."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._of: dict[str, Turns] = {}

    def at(self, server: str, longest_s: float) -> contextlib.AbstractContextManager[None]:
        """Be one of those at a server, once there is room; none counts for longer."""
        with self._lock:
            turns = self._of.setdefault(server, Turns(self._most, longest_s))
        return turns.turn()
