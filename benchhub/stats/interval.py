"""Centres of one number a launch, with intervals over launches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with its limits; None where the launches are too few to give them.

    `confidence` is what the interval attains, which can be less than was asked for.
    """

    estimate: float
    low: float | None
    high: float | None
    n: int
    confidence: float
    method: str


#: More launches than these nobody makes to tell two things apart.
_MOST_LAUNCHES = 400


def launches_to_tell(ratio: Estimate) -> int | None:
    """Return how many launches of each would tell two times apart; None: more than anybody makes.

    As far as the ratio stays what it is: an interval narrows with the root of their number.
    """
    if ratio.low is None or ratio.high is None or ratio.estimate == 1:
        return None
    half = math.log(ratio.high / ratio.low) / 2
    wanted = ratio.n * (half / math.log(ratio.estimate)) ** 2
    return enough(wanted, ratio.n, _MOST_LAUNCHES)


def enough(wanted: float, has: int, most: int) -> int | None:
    """Return a number rounded up to two digits, more than there are now; None: beyond `most`."""
    if not wanted <= most:
        return None
    count = max(math.ceil(wanted), has + 1)
    step = int(10 ** max(0, len(str(count)) - 2))
    return math.ceil(count / step) * step


def geometric_mean_interval(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the geometric mean with a Student t interval on the logarithms.

    For rates and ratios, whose errors multiply. ValueError: no values, or one not above 0.
    """
    from scipy.special import stdtrit

    array = _checked(values)
    if (array <= 0).any():
        raise ValueError("a geometric mean needs values above 0")
    logs = np.log(array)
    centre = float(logs.mean())
    if array.size < 2:
        return Estimate(math.exp(centre), None, None, 1, confidence, "single")
    half = float(stdtrit(array.size - 1, (1 + confidence) / 2)) * float(logs.std(ddof=1))
    half /= math.sqrt(array.size)
    return Estimate(
        math.exp(centre),
        math.exp(centre - half),
        math.exp(centre + half),
        array.size,
        confidence,
        "log-t",
    )


def median_interval(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the median with the order-statistic interval (the inverted sign test).

    Below six values no pair of order statistics attains 95 %: the range is given, with the
    confidence it does attain (five: 93.75 %). One value has no interval. ValueError: no values.
    """
    array = np.sort(_checked(values))
    n = array.size
    estimate = float(np.median(array))
    if n < 2:
        return Estimate(estimate, None, None, n, confidence, "single")
    rank, attained = _sign_rank(n, confidence)
    low, high = float(array[rank - 1]), float(array[n - rank])
    return Estimate(estimate, low, high, n, attained, "order-statistics")


@cache
def _sign_rank(n: int, confidence: float) -> tuple[int, float]:
    """Return the rank (from 1) of the lower limit of n values, and the confidence it attains."""
    from scipy.special import bdtr, bdtrik

    tail = (1 - confidence) / 2
    start = float(bdtrik(tail, n, 0.5))  # below the tail of 0 there is none: NaN
    cut = max(0, int(start) - 1) if start > 0 else 0
    while bdtr(cut, n, 0.5) <= tail:
        cut += 1
    rank = max(1, cut)
    return rank, 1 - 2 * float(bdtr(rank - 1, n, 0.5))


def _checked(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    if array.size == 0:
        raise ValueError("no values: an interval needs at least one")
    if not np.isfinite(array).all():
        raise ValueError("values must be finite")
    return array
