"""The axes of a cell's distribution: which times are in view, and where they lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model.row import Distribution

WIDTH, HEIGHT = 360, 176
LEFT, RIGHT, TOP, BOTTOM = 46, 348, 18, 148
#: The bulk of calls, up to this share, has at least so much of the width; this one is in view.
_BULK, _BULK_WIDTH, _IN_VIEW = 0.9, 0.3, 0.95
#: The tail that is in view where the bulk leaves it room: shares of all calls, or all of them.
_TAILS = (1.0, 0.99, 0.975)
_ROOM = 0.04
#: From so wide an axis on its notches are 1, 2 and 5 of each power of ten, and then these alone;
#: about how many of others there are, and how many pixels lie between two.
_WIDE, _WIDEST, _ABOUT, _APART = 4.0, 100.0, 5, 40
_STEPS = (1.0, 2.0, 5.0, 10.0)
#: No time is shown as shorter than this share of the longest: clocks may say 0.
_SHORTEST = 1e-4


@dataclass(frozen=True, slots=True)
class Axes:
    """The times at both ends of an axis of ratios, in ms, and where times and shares lie."""

    low_ms: float
    high_ms: float

    def x(self, ms: float) -> float:
        """Return how far right a time lies, in pixels."""
        ratio = math.log(max(ms, self.low_ms) / self.low_ms)
        return LEFT + ratio / math.log(self.high_ms / self.low_ms) * (RIGHT - LEFT)

    @staticmethod
    def y(share: float) -> float:
        """Return how far down a share lies, in pixels."""
        return BOTTOM - share * (BOTTOM - TOP)

    def ticks(self) -> list[tuple[float, str]]:
        """Return round times in view, each as text; the last names the unit."""
        values = self._powers() if self.high_ms >= _WIDE * self.low_ms else self._steps()
        found: list[float] = []
        for value in reversed(values):  # the longest first: times are long where it is crowded
            if not found or self.x(found[-1]) - self.x(value) >= _APART:
                found.append(value)
        return [(one, f"{_plain(one)}{' ms' if one == found[0] else ''}") for one in found[::-1]]

    def _steps(self) -> list[float]:
        rough = (self.high_ms - self.low_ms) / _ABOUT
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(one * power for one in _STEPS if one * power >= rough * (1 - 1e-9))
        first = math.ceil(self.low_ms / step - 1e-9)
        return [at * step for at in range(first, math.floor(self.high_ms / step + 1e-9) + 1)]

    def _powers(self) -> list[float]:
        first, last = (math.floor(math.log10(one)) for one in (self.low_ms, self.high_ms))
        steps = _STEPS[:3] if self.high_ms < _WIDEST * self.low_ms else _STEPS[:1]
        every = [one * 10.0**power for power in range(first, last + 1) for one in steps]
        return [one for one in every if self.low_ms <= one <= self.high_ms]


def axes_of(of: Distribution) -> Axes:
    """Return the axes that show all calls, or all but a tail that is far off."""
    high = of.pooled_ms[-1] or 1.0
    low = max(of.pooled_ms[0], high * _SHORTEST)
    bulk = max(at_share(of, of.pooled_ms, _BULK), low * 1.02)
    widest = low * (bulk / low) ** (1 / _BULK_WIDTH)
    tails = (at_share(of, of.pooled_ms, share) for share in _TAILS)
    least = at_share(of, of.pooled_ms, _IN_VIEW)
    high = max(next((one for one in tails if one <= widest), widest), least, low * 1.02)
    room = (high / low) ** _ROOM
    return Axes(low / room, high * room)


def at_share(of: Distribution, times_ms: Sequence[float], share: float) -> float:
    """Return the time at the nearest share that there is."""
    return times_ms[min(range(len(of.shares)), key=lambda place: abs(of.shares[place] - share))]


def _plain(value: float) -> str:
    """Return a round number without needless digits, and without an exponent."""
    return f"{value:,.9f}".rstrip("0").rstrip(".")
