"""The axes of charts: what they span, where a value lies on them in pixels, and their ticks.

A scale is made here and handed to the drawing as it is, so that labels can be placed by pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import altair as alt

Ends = tuple[float | None, float | None]

#: From this ratio on values are compared by ratios.
LOG_RATIO = 10.0
#: In spans of all points: how far their intervals may reach beyond, if they are wide or if not.
_MOST_BEYOND = 4.0
_LEAST_BEYOND = 1.5
_LEAST_BEYOND_LOG = 0.3


@dataclass(frozen=True, slots=True)
class AxisScale:
    """An axis from `low` to `high` over so many pixels; `up`: pixels are counted downwards."""

    low: float
    high: float
    pixels: float
    log: bool = False
    up: bool = False

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high = self._of(self.low), self._of(self.high)
        part = (self._of(value) - low) / (high - low)
        return self.pixels * (1 - part if self.up else part)

    def value(self, pixel: float) -> float:
        """Return the value at a pixel, without digits that are less than a tenth of one."""
        part = pixel / self.pixels
        low, high = self._of(self.low), self._of(self.high)
        found = low + (high - low) * (1 - part if self.up else part)
        if self.log:
            return float(f"{10**found:.6g}")
        return round(found, math.ceil(-math.log10((high - low) / self.pixels / 20)))

    def within(self, value: float) -> float:
        """Return the value, or the end of the axis that it lies beyond."""
        return min(max(value, self.low), self.high)

    def holds(self, value: float) -> bool:
        """Return whether the value lies on the axis."""
        return self.low <= value <= self.high

    def ticks(self, about: int) -> list[float]:
        """Return round values, about so many: 1, 2 and 5 times powers of ten."""
        return _log_ticks(self, about) if self.log else _linear_ticks(self, about)

    def drawn(self) -> alt.Scale:
        """Return it as the drawing library has it."""
        import altair as alt

        return alt.Scale(
            type="log" if self.log else "linear",
            domain=[self.low, self.high],
            nice=False,
            zero=False,
        )

    def _of(self, value: float) -> float:
        return math.log10(value) if self.log else value


def spanning(
    values: Iterable[float], ends: Iterable[Ends], pixels: float, *,
    zero: bool = False, floor: bool = False, positive: bool = False, may_log: bool = True,
    up: bool = False, pad: float = 14.0,
) -> AxisScale:  # fmt: skip
    """Return a scale that holds all values, and of their intervals what leaves room for values.

    `zero`: it holds 0, too, unless it is logarithmic; `floor`: and begins there where nothing is
    less. `positive`: of what cannot be less than 0. `pad` pixels are left free at each other end.
    """
    known = [value for value in values if math.isfinite(value)] or [0.0]
    log = may_log and min(known) > 0 and max(known) / min(known) > LOG_RATIO
    core = [math.log10(value) for value in known] if log else known + [0.0] * (zero or floor)
    low, high = min(core), max(core)
    found = [
        (math.log10(a), math.log10(b)) if log else (a, b)
        for a, b in ends
        if a is not None and b is not None and math.isfinite(a) and math.isfinite(b)
        if a > 0 or not log
    ]
    least_beyond = _LEAST_BEYOND_LOG if log else _LEAST_BEYOND
    beyond = _beyond(high - low, [(b - a) / 2 for a, b in found], least_beyond)
    reach = [end for pair in found for end in pair]
    least, most = min([low, *reach]), max([high, *reach])
    least, most = max(least, low - beyond), min(most, high + beyond)
    if (positive or floor) and not log and low >= 0:
        least = max(least, 0.0)
    if least == most:
        half = abs(least) / 2 or 0.01
        least, most = least - half, most + half
    spare = (most - least) * pad / max(pixels - 2 * pad, 1)
    begin = 0.0 if floor and not log and least >= 0 else least - spare
    least, most = (max(begin, 0.0) if positive and not log else begin), most + spare
    return AxisScale(*((10**least, 10**most) if log else (least, most)), pixels, log, up)


def _beyond(span: float, halves: Sequence[float], least: float) -> float:
    """How far intervals may reach beyond the outermost values."""
    usual = median(halves) if halves else 0.0
    if not span:
        return usual
    return max(least * span, min(usual, _MOST_BEYOND * span))


def _linear_ticks(scale: AxisScale, about: int) -> list[float]:
    rough = (scale.high - scale.low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.999)
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return [round(at * step, digits) for at in range(first, last + 1)]


def _log_ticks(scale: AxisScale, about: int) -> list[float]:
    first, last = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    tens = range(first, last + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [float(f"{step}e{ten}") for ten in tens for step in steps]
        found = [value for value in found if scale.holds(value)]
        if len(found) <= about * 1.5:
            return found
    return found[:: math.ceil(len(found) / about)]
