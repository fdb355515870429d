"""The axes of a cell's distribution: which times are in view, and where they lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model.row import Distribution

WIDTH, HEIGHT = 360, 176
LEFT, RIGHT, TOP, BOTTOM = 46, 348, 18, 148
#: What is in view: these shares of all calls and of the slowest launch's. A last call may be slower
#: by any factor; where it is, that is said at the edge.
_POOLED, _OF_LAUNCH = 0.975, 0.9
#: But so many times what lies below the 90th percentile, so that the bulk keeps its shape.
_BULK, _MOST = 0.9, 3.0
#: All calls are in view where that takes no more than this much more.
_ALL = 1.6
_ROOM = 0.06
#: Steps between two notches, in powers of ten, and about how many steps there are.
_STEPS, _ABOUT = (1.0, 2.0, 5.0, 10.0), 4


@dataclass(frozen=True, slots=True)
class Frame:
    """The times at both ends of the axis, in ms, and where times and shares lie, in pixels."""

    low_ms: float
    high_ms: float

    def x(self, ms: float) -> float:
        """Return how far right a time lies."""
        return LEFT + (ms - self.low_ms) / (self.high_ms - self.low_ms) * (RIGHT - LEFT)

    @staticmethod
    def y(share: float) -> float:
        """Return how far down a share lies."""
        return BOTTOM - share * (BOTTOM - TOP)

    def ticks(self) -> list[tuple[float, str]]:
        """Return round times in view, each as text; the last names the unit."""
        rough = (self.high_ms - self.low_ms) / _ABOUT
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(one * power for one in _STEPS if one * power >= rough * (1 - 1e-9))
        places = max(0, -math.floor(math.log10(step) + 1e-9))
        first = math.ceil(self.low_ms / step - 1e-9)
        last = math.floor(self.high_ms / step + 1e-9)
        found = [(at * step, f"{at * step:,.{places}f}") for at in range(first, last + 1)]
        return [*found[:-1], (found[-1][0], f"{found[-1][1]} ms")] if found else []


def framed(of: Distribution) -> Frame:
    """Return the axes that show all calls, or all but a tail that is far off."""
    low, slowest = of.lowest_ms[0], of.pooled_ms[-1]
    middle = at_share(of, of.pooled_ms, 0.5)
    wanted = max(at_share(of, of.pooled_ms, _POOLED), at_share(of, of.highest_ms, _OF_LAUNCH))
    bulk = max(at_share(of, of.pooled_ms, _BULK) - low, middle / 50)
    high = min(wanted, low + _MOST * bulk)
    if slowest <= low + _ALL * (high - low):
        high = slowest
    room = max((high - low) * _ROOM, middle / 200, 1e-9)
    return Frame(max(0.0, low - room), high + room)


def at_share(of: Distribution, times_ms: Sequence[float], share: float) -> float:
    """Return the time at the nearest share that there is."""
    return times_ms[min(range(len(of.shares)), key=lambda place: abs(of.shares[place] - share))]
