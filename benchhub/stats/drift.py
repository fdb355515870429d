"""Whether a cell's launches changed while they were measured.

Sources: E. S. Page, Continuous inspection schemes, Biometrika 41 (1954), for the cumulative sum;
A. N. Pettitt, A non-parametric approach to the change-point problem, Applied Statistics 28 (1979),
for taking it over ranks; its distribution here is that of permutations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchhub.model.flag import Flag, FlagKind
from benchhub.stats.ranks import mean_ranks
from benchhub.stats.samples import Samples, checked, launch_medians

LEVEL = 0.01
_PERMUTATIONS, _AT_ONCE = 9_999, 250


@dataclass(frozen=True, slots=True)
class Drift:
    """The likeliest change: after `launches_before` launches, the median by the factor `shift`.

    `p_value` is the chance of a change as marked as this among launches whose order says nothing.
    """

    p_value: float
    launches_before: int
    shift: float
    flags: tuple[Flag, ...]


def drift(samples_ns: Samples, level: float = LEVEL) -> Drift:
    """Return the most marked change of the launch medians, in the order they were measured.

    A change with p < `level` raises the flag `drift`. Fewer than three launches show none.
    ValueError: as `checked`.
    """
    medians = launch_medians(checked(samples_ns))
    if medians.size < 3:
        return Drift(1.0, 0, 1.0, ())
    sums = np.abs(np.cumsum(mean_ranks(medians) - (medians.size + 1) / 2))[:-1]
    at = int(np.argmax(sums)) + 1
    null = _null(medians.size)
    above = null.size - int(np.searchsorted(null, sums[at - 1] - 1e-9))
    p_value = (1 + above) / (1 + null.size)
    before, after = float(np.median(medians[:at])), float(np.median(medians[at:]))
    shift = after / before if before else 1.0
    if p_value >= level:
        return Drift(p_value, at, shift, ())
    evidence = (
        f"the median moved by {shift - 1:+.1%} after launch {at} of {medians.size}"
        f" (rank-CUSUM, p = {p_value:.2g})"
    )
    return Drift(p_value, at, shift, (Flag(FlagKind.DRIFT, evidence, caps=True),))


@cache
def _null(launches: int) -> NDArray[np.float64]:
    """Return the largest sums of shuffled ranks, sorted; ties only make them smaller."""
    ranks = np.arange(1.0, launches + 1) - (launches + 1) / 2
    rng = np.random.default_rng(launches)
    largest = np.empty(_PERMUTATIONS)
    for start in range(0, _PERMUTATIONS, _AT_ONCE):  # of a thousand launches all take 240 MB
        part = largest[start : start + _AT_ONCE]
        shuffled = rng.permuted(np.broadcast_to(ranks, (part.size, launches)), axis=1)
        part[:] = np.abs(np.cumsum(shuffled, axis=1)).max(axis=1)
    return np.sort(largest)
