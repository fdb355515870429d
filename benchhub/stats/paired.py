"""How many times one thing is the other, from launches that shared their rounds.

Source: M. Hollander, D. A. Wolfe and E. Chicken, Nonparametric Statistical Methods (3rd ed.,
2014), sections 3.1 to 3.3: the signed-rank test, its Hodges-Lehmann estimate and interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchhub.stats.interval import Estimate, geometric_mean_interval
from benchhub.stats.ranks import mean_ranks

_EXACT_UP_TO = 50


def paired_ratio(
    numerator: Sequence[float], denominator: Sequence[float], confidence: float = 0.95
) -> Estimate:
    """Return the typical ratio of pairs (same position: same round), with its interval.

    From as many pairs on as attain `confidence` that way, six for 95 %: the Hodges-Lehmann
    estimate of the log ratio and the interval of the signed-rank test, `signed-rank`. Of fewer:
    the geometric mean with a Student t interval on the logs, `log-t`; one pair has no interval.
    ValueError: no pairs, unequal lengths, or a value not above 0.
    """
    if len(numerator) != len(denominator):
        raise ValueError(f"{len(numerator)} values cannot pair with {len(denominator)}")
    above = np.asarray(numerator, dtype=np.float64)
    below = np.asarray(denominator, dtype=np.float64)
    if not ((above > 0).all() and (below > 0).all()):
        raise ValueError("a ratio of pairs needs values above 0")
    if 0.5**above.size > (1 - confidence) / 2:
        return geometric_mean_interval((above / below).tolist(), confidence)
    logs = np.log(above) - np.log(below)
    first, second = np.triu_indices(logs.size)
    averages = np.sort((logs[first] + logs[second]) / 2)
    drop = _critical(logs.size, (1 - confidence) / 2)
    return Estimate(
        estimate=math.exp(float(np.median(averages))),
        low=math.exp(averages[drop]),
        high=math.exp(averages[averages.size - 1 - drop]),
        n=logs.size,
        confidence=confidence,
        method="signed-rank",
    )


def signed_rank_p(differences: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the two-sided p-value of the signed-rank test that differences centre on 0.

    Exact up to 50 pairs, except that ties share their mean rank; differences of 0 are left out.
    """
    from scipy.special import ndtr

    values = np.asarray(differences, dtype=np.float64)
    values = values[values != 0]
    n = values.size
    if n == 0:
        return 1.0
    ranks = mean_ranks(np.abs(values))
    above = float(ranks[values > 0].sum())
    least = math.ceil(min(above, n * (n + 1) / 2 - above))
    if n > _EXACT_UP_TO:
        mean, variance = n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24
        return min(1.0, 2 * float(ndtr((least + 0.5 - mean) / math.sqrt(variance))))
    return min(1.0, 2 * float(_signed_rank_distribution(n)[: least + 1].sum()))


def _critical(n: int, tail: float) -> int:
    """Return how many Walsh averages to drop at each end: the largest t with P(T <= t) <= tail."""
    from scipy.special import ndtri

    if n > _EXACT_UP_TO:
        mean, variance = n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24
        return max(0, math.floor(mean + float(ndtri(tail)) * math.sqrt(variance) - 0.5))
    below = np.cumsum(_signed_rank_distribution(n))
    return max(0, int(np.searchsorted(below, tail, side="right")) - 1)


@cache
def _signed_rank_distribution(n: int) -> NDArray[np.float64]:
    """Return P(T = t) for t = 0 .. n (n + 1) / 2 under symmetry about 0."""
    chances = np.zeros(n * (n + 1) // 2 + 1)
    chances[0] = 1.0
    for rank in range(1, n + 1):
        shifted = np.zeros_like(chances)
        shifted[rank:] = chances[:-rank]
        chances = (chances + shifted) / 2
    return chances
