"""Percentiles of launches with intervals that know iterations of one launch are not independent.

Sources: R. S. Woodruff, Confidence intervals for medians and other position measures, JASA 47
(1952), for inverting the interval of a proportion into one of a quantile; E. L. Korn and B. I.
Graubard, Confidence intervals for proportions with small expected number of positive counts
estimated from survey data, Survey Methodology 24 (1998), for the effective sample size and the
degrees-of-freedom correction put into Clopper-Pearson limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchhub.stats.samples import Samples, checked

BLOCKS = 20
#: Neighbouring thresholds, as shifts of the log odds; for p95 they are .90 .925 .95 .97.
_SHIFTS = (-0.747, -0.432, 0.0, 0.532)


@dataclass(frozen=True, slots=True)
class QuantileInterval:
    """A quantile with its limits, in the unit of the samples.

    A limit that the samples cannot give is infinite. `n_eff` is the number of independent samples
    that would say as much; `n_eff_needed` the number at which, with as many launches, both limits
    are finite. `method` is `launches` or `within-launch`.
    """

    estimate: float
    low: float
    high: float
    n_eff: float
    n_eff_needed: int
    method: str

    @property
    def withheld(self) -> bool:
        """Whether the upper limit is unknown, so that the estimate must not be shown as known."""
        return not math.isfinite(self.high)


def quantile_intervals(
    samples_ns: Samples, qs: Sequence[float], confidence: float = 0.95
) -> tuple[QuantileInterval, ...]:
    """Return each pooled quantile of `qs` with its two-sided interval over launches.

    `samples_ns` has shape (launches, iterations), or is a sequence of launches of any lengths. A
    single launch is cut into 20 consecutive blocks that stand in for launches; its interval then
    knows nothing of the difference between launches. ValueError: no launch, an empty launch, a
    negative or non-finite sample, a quantile or confidence outside (0, 1).
    """
    if not 0 < confidence < 1 or not all(0 < q < 1 for q in qs):
        raise ValueError("quantiles and confidence must lie between 0 and 1, both excluded")
    launches = checked(samples_ns)
    if not launches:
        raise ValueError("no launches: a quantile needs at least one")
    method = "launches"
    if len(launches) == 1:
        method = "within-launch"
        launches = np.array_split(launches[0], min(BLOCKS, launches[0].size))
    flat = np.concatenate(launches)
    sizes = np.array([launch.size for launch in launches])
    ordered = np.sort(flat)
    return tuple(_interval(flat, sizes, ordered, q, confidence, method) for q in qs)


@cache
def required_n_eff(q: float, confidence: float = 0.95, launches: int | None = None) -> int:
    """Return the smallest effective n from which both limits of `q` are finite.

    Without `launches` the samples are taken as independent: 8, 38, 76 and 382 for p50, p90, p95
    and p99. That is a little more than the 6, 36, 72 and 368 at which the largest (or smallest)
    of n samples is a two-sided 95 % limit, as the rule takes the next rank outwards. Few launches
    need more, because their spread is known badly. Rank rounding aside, it is sufficient.
    """
    from scipy.special import stdtrit

    tail = (1 - confidence) / 2
    wanted = math.ceil(math.log(tail) / math.log(max(q, 1 - q)))
    while not all(map(math.isfinite, _ranks(q, wanted, wanted, tail))):
        wanted += 1
    if launches is None or launches < 2:
        return wanted
    widening = float(stdtrit(launches - 1, tail)) / float(stdtrit(math.inf, tail))
    return math.ceil(wanted * widening**2)


def _interval(
    flat: NDArray[np.int64],
    sizes: NDArray[np.int64],
    ordered: NDArray[np.int64],
    q: float,
    confidence: float,
    method: str,
) -> QuantileInterval:
    from scipy.special import stdtrit

    n, k = flat.size, sizes.size
    tail = (1 - confidence) / 2
    estimate = float(ordered[_rank(q, n) - 1])
    needed = required_n_eff(q, confidence, k)
    if k < 2:
        return QuantileInterval(estimate, -math.inf, math.inf, float(n), needed, method)
    side = 1 if q >= 0.5 else -1
    odds = math.log(q / (1 - q))
    shares = [1 / (1 + math.exp(-(odds + side * shift))) for shift in _SHIFTS]
    thresholds = ordered[[_rank(share, n) - 1 for share in shares]]
    n_eff = n / _design_effect(flat, sizes, thresholds)
    n_star = n_eff * (stdtrit(n - 1, tail) / stdtrit(k - 1, tail)) ** 2
    low, high = _ranks(q, n_star, n, tail)
    return QuantileInterval(
        estimate=estimate,
        low=float(ordered[int(low) - 1]) if math.isfinite(low) else -math.inf,
        high=float(ordered[int(high) - 1]) if math.isfinite(high) else math.inf,
        n_eff=n_eff,
        n_eff_needed=needed,
        method=method,
    )


def values_at(ordered: NDArray[np.int64], qs: Sequence[float]) -> NDArray[np.int64]:
    """Return the values, of some in ascending order, that each share of `qs` of them reach.

    What `quantile_intervals` estimates; 0 and 1 give the ends.
    """
    found: NDArray[np.int64] = ordered[[_rank(q, ordered.size) - 1 for q in qs]]
    return found


def _rank(q: float, n: int) -> int:
    """Return the rank (from 1) of the q quantile; the slack absorbs the rounding of q * n."""
    return min(n, max(1, math.ceil(q * n - 1e-9)))


def _design_effect(
    flat: NDArray[np.int64], sizes: NDArray[np.int64], thresholds: NDArray[np.int64]
) -> float:
    """Return the largest variance inflation of the share at or below each threshold, at least 1."""
    n, k = flat.size, sizes.size
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    counts = np.add.reduceat(flat <= thresholds[:, None], starts, axis=1, dtype=np.int64)
    share = counts.sum(axis=1, keepdims=True) / n
    squares = np.sort((counts - sizes * share) ** 2, axis=1)  # sorted: the same sum in any order
    variance = k / (k - 1) * squares.sum(axis=1) / n**2
    spread = (share * (1 - share))[:, 0]
    inflation = np.divide(n * variance, spread, out=np.ones_like(spread), where=spread > 0)
    return float(max(1.0, inflation.max()))


def _ranks(q: float, n_star: float, n: int, tail: float) -> tuple[float, float]:
    """Return the ranks (from 1) of the limits among n samples; infinite when outside them."""
    from scipy.special import betaincinv

    hits = q * n_star
    low = math.floor(betaincinv(hits, n_star - hits + 1, tail) * n)
    high = math.ceil(betaincinv(hits + 1, n_star - hits, 1 - tail) * n) + 1
    return (low if low >= 1 else -math.inf), (high if high <= n else math.inf)
