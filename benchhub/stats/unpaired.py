"""How many times one thing is the other, from launches of two runs that shared no round.

Sources: H. B. Mann and D. R. Whitney, On a test of whether one of two random variables is
stochastically larger than the other, Annals of Mathematical Statistics 18 (1947), for the rank-sum
test and its distribution; M. Hollander, D. A. Wolfe and E. Chicken, Nonparametric Statistical
Methods (3rd ed., 2014), sections 4.1 to 4.3, for the Hodges-Lehmann estimate of a shift and its
interval; B. L. Welch, The generalization of "Student's" problem when several different population
variances are involved, Biometrika 34 (1947), where launches are too few for ranks; G. Y. Zou and
A. Donner, Construction of confidence limits about effect measures: a general approach, Statistics
in Medicine 27 (2008), where of both sides only the intervals are known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchhub.stats.interval import Estimate
from benchhub.stats.ranks import mean_ranks

#: With fewer launches a side, a rank test cannot reach the levels that many cells at once ask for.
RANKS_FROM = 8
#: Largest product of the two numbers of launches for which the distribution is counted out.
_EXACT_UP_TO = 2500


@dataclass(frozen=True, slots=True)
class UnpairedRatio:
    """A ratio with its interval, and the two-sided p-value of its being 1."""

    ratio: Estimate
    p_value: float


def unpaired_ratio(
    numerator: Sequence[float], denominator: Sequence[float], confidence: float = 0.95
) -> UnpairedRatio:
    """Return the typical ratio of two groups of launches, one value above 0 a launch.

    From eight launches a side on: the Hodges-Lehmann shift of the logs with the interval of the
    rank-sum test, `rank-sum`. With fewer: the ratio of the geometric means with Welch's interval on
    the logs, `log-welch`; where all launches of both sides agree, the rank-sum test's p-value. One
    launch on a side has no interval and p-value 1. `n` is the smaller number of launches.
    ValueError: no launches, or a value that is not finite and above 0.
    """
    above, below = _logs(numerator), _logs(denominator)
    if min(above.size, below.size) >= RANKS_FROM:
        return _rank_sum(above, below, confidence)
    return _welch(above, below, confidence)


def rank_sum_p(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the two-sided p-value of the rank-sum test that neither group tends to be larger.

    Exact up to 50 launches a side, except that ties share their mean rank; beyond, by the normal
    approximation with its correction for ties. ValueError: an empty group.
    """
    from scipy.special import ndtr

    one, other = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    m, n = one.size, other.size
    if m == 0 or n == 0:
        raise ValueError("no launches: a comparison needs at least one a side")
    ranks = mean_ranks(np.concatenate((one, other)))
    larger = float(ranks[:m].sum()) - m * (m + 1) / 2
    least = min(larger, m * n - larger)
    if m * n <= _EXACT_UP_TO:
        return min(1.0, 2 * float(_distribution(m, n)[: math.ceil(least) + 1].sum()))
    _, ties = np.unique(ranks, return_counts=True)
    total = m + n
    spread = total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1))
    if spread <= 0:
        return 1.0
    deviation = math.sqrt(m * n / 12 * spread)
    return min(1.0, 2 * float(ndtr((least + 0.5 - m * n / 2) / deviation)))


def _rank_sum(
    above: NDArray[np.float64], below: NDArray[np.float64], confidence: float
) -> UnpairedRatio:
    m, n = above.size, below.size
    shifts = np.sort(np.subtract.outer(above, below), axis=None)
    drop = _critical(m, n, (1 - confidence) / 2)
    ratio = Estimate(
        estimate=math.exp(float(np.median(shifts))),
        low=math.exp(shifts[drop]),
        high=math.exp(shifts[shifts.size - 1 - drop]),
        n=min(m, n),
        confidence=confidence,
        method="rank-sum",
    )
    return UnpairedRatio(ratio, rank_sum_p(above.tolist(), below.tolist()))


def _welch(
    above: NDArray[np.float64], below: NDArray[np.float64], confidence: float
) -> UnpairedRatio:
    from scipy.special import stdtr, stdtrit

    m, n = above.size, below.size
    shift = float(above.mean() - below.mean())
    few = min(m, n)
    if few < 2:
        single = Estimate(math.exp(shift), None, None, few, confidence, "single")
        return UnpairedRatio(single, 1.0)
    parts = float(above.var(ddof=1)) / m, float(below.var(ddof=1)) / n
    error = math.sqrt(sum(parts))
    # Logs of equal values may differ in the last bit.
    if error <= 1e-12:
        known = Estimate(math.exp(shift), math.exp(shift), math.exp(shift), few, confidence,
                         "log-welch")  # fmt: skip
        return UnpairedRatio(known, rank_sum_p(above.tolist(), below.tolist()))
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (m - 1) + parts[1] ** 2 / (n - 1))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    ratio = Estimate(
        estimate=math.exp(shift),
        low=math.exp(shift - half),
        high=math.exp(shift + half),
        n=few,
        confidence=confidence,
        method="log-welch",
    )
    return UnpairedRatio(ratio, min(1.0, 2 * float(stdtr(freedom, -abs(shift) / error))))


def _critical(m: int, n: int, tail: float) -> int:
    """Return how many shifts to drop at each end: the largest u with P(U < u) <= tail."""
    from scipy.special import ndtri

    if m * n > _EXACT_UP_TO:
        deviation = math.sqrt(m * n * (m + n + 1) / 12)
        return max(0, math.floor(m * n / 2 + float(ndtri(tail)) * deviation - 0.5))
    below = np.cumsum(_distribution(m, n))
    return int(np.searchsorted(below, tail, side="right"))


@cache
def _distribution(m: int, n: int) -> NDArray[np.float64]:
    """Return P(U = u) for u = 0 .. m n where neither group tends to be larger.

    The counts are the coefficients of a Gaussian binomial; whole numbers, so nothing cancels.
    """
    counts = [1] + [0] * (m * n)
    for i in range(1, m + 1):
        for u in range(m * n, n + i - 1, -1):
            counts[u] -= counts[u - n - i]
        for u in range(i, m * n + 1):
            counts[u] += counts[u - i]
    total = sum(counts)
    return np.array([count / total for count in counts])


def _logs(values: Sequence[float]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    if array.size == 0:
        raise ValueError("no launches: a comparison needs at least one a side")
    if not (np.isfinite(array).all() and (array > 0).all()):
        raise ValueError("a ratio needs finite values above 0")
    logs: NDArray[np.float64] = np.log(array)
    return logs


@dataclass(frozen=True, slots=True)
class BoundedEstimate:
    """An estimate and its limits, from `n` independent values (None: very many)."""

    value: float
    low: float
    high: float
    n: float | None = None
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Separation:
    """One estimate less another, with its interval and the two-sided p-value of its being 0.

    `errors` are the standard errors of the two on the sides that decide about 0.
    """

    estimate: float
    low: float
    high: float
    p_value: float
    errors: tuple[float, float]


def apart(one: BoundedEstimate, other: BoundedEstimate, confidence: float = 0.95) -> Separation:
    """Return `one` less `other`, of which only the intervals are known.

    Each interval is taken back to a standard error on either side, by the quantile that made it.
    Those of the sides that face each other add up in squares, and their degrees of freedom are
    Welch's.

    ValueError: limits that are out of order or not finite, or of fewer than two values.
    """
    from scipy.special import stdtr, stdtrit

    estimate = one.value - other.value
    sides = {side: (_error(one, side), _error(other, -side)) for side in (-1, 1)}
    ends = []
    for side, errors in sides.items():
        error = math.hypot(*errors)
        t = float(stdtrit(_degrees(errors, (one, other)), (1 + confidence) / 2)) if error else 0.0
        ends.append(estimate + side * t * error)
    errors = sides[-1 if estimate > 0 else 1]
    error = math.hypot(*errors)
    if error:
        p_value = 2 * float(stdtr(_degrees(errors, (one, other)), -abs(estimate) / error))
    else:
        p_value = float(estimate == 0)
    return Separation(estimate, ends[0], ends[1], min(1.0, p_value), errors)


def _error(of: BoundedEstimate, side: int) -> float:
    """Return the standard error below (-1) or above (1) an estimate."""
    from scipy.special import stdtrit

    width = (of.high - of.value) if side > 0 else (of.value - of.low)
    if not (math.isfinite(width) and width >= 0 and math.isfinite(of.value)):
        raise ValueError("an estimate lies between its limits, and both are finite")
    if of.n is not None and of.n < 2:
        raise ValueError("one value has no interval")
    return width / float(stdtrit(_free(of), (1 + of.confidence) / 2))


def _free(of: BoundedEstimate) -> float:
    return 1e9 if of.n is None else of.n - 1


def _degrees(errors: tuple[float, float], of: tuple[BoundedEstimate, BoundedEstimate]) -> float:
    largest = max(errors)
    squares = [(error / largest) ** 2 if largest else 0.0 for error in errors]
    below = sum(square**2 / _free(one) for square, one in zip(squares, of, strict=True))
    return sum(squares) ** 2 / below if below else 1e9
