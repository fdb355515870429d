"""How fast the events of a launch are taken, so that one device leaves the others their share."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Events a second that are taken at once, and on average. Devices that answer as they should send
#: a few; the answers to many cases come in lines that a link of 1 Gbit/s makes no more of.
EVENTS_A_SECOND = 20_000


class Pace:
    """Lets events through, the first ones at once, and then no more than so many a second.

    What comes faster waits in the pipe, which is full soon: the device is slowed down, and no
    launch is refused for it.
    """

    def __init__(
        self,
        a_second: float = EVENTS_A_SECOND,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._a_second, self._now, self._sleep = a_second, now, sleep
        self._left = a_second
        self._at = now()

    def one(self) -> None:
        """Take one event, waiting where there were too many."""
        self._left -= 1
        if self._left > 0:
            return
        at = self._now()
        self._left = min(self._a_second, self._left + (at - self._at) * self._a_second)
        self._at = at
        if self._left < 0:
            self._sleep(-self._left / self._a_second)
