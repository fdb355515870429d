"""Passing over whoever does not take their turn: a process that was stopped keeps no device free.

Those behind look at a free device now and then, and count how long each in front has let it be.
Nothing is taken from who is passed over: their ticket stays, and so does their place. If they come
back to life they find the device taken, by its lock, and go on waiting.
"""

import time
from typing import Callable, Dict, Optional, Sequence

from benchhub.ondevice.turns.order import Ticket

#: Who has not taken a free device after this long is passed over; it takes milliseconds.
TURN_S = 10.0
#: The first one behind looks this often, the second half as often, and so on.
_LOOK_S, _MOST_LOOK_S = 0.25, 5.0


class Patience:
    """How long those in front have let the device be free, as far as this one was awake to see."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._let_s: Dict[str, float] = {}
        self._looked_at: Optional[float] = None
        self._again_s = 0.0

    def again_s(self, front: Sequence[Ticket]) -> Optional[float]:
        """Return when to look again, the device being free for `front`; None: all had their turn.

        They have it one after the other.
        """
        now = self._clock()
        if self._looked_at is not None:
            # Where everything was stopped for a while, nobody in front could have moved.
            seen_s = min(now - self._looked_at, 2 * self._again_s)
            first = self._first(front)
            if first is not None:
                self._let_s[first.name] = self._let_s.get(first.name, 0.0) + seen_s
        self._looked_at = now
        if self._first(front) is None:
            return None
        self._again_s = min(_LOOK_S * len(front), _MOST_LOOK_S)
        return self._again_s

    def begin_anew(self) -> None:
        """Forget what was seen: the device is not free, or not for who is in front."""
        self._let_s.clear()
        self._looked_at = None

    def _first(self, front: Sequence[Ticket]) -> Optional[Ticket]:
        return next((one for one in front if self._let_s.get(one.name, 0.0) < TURN_S), None)
