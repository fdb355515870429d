"""Limits of a loss by resampling its cases: bootstrap-t, studentised by what each case weighs.

Sources: P. Hall, The Bootstrap and Edgeworth Expansion (1992), section 3.10, for bootstrap-t; B.
Efron, The Jackknife, the Bootstrap and Other Resampling Plans (1982), chapter 6, for the standard
error of a metric that is no mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
#: From weights of cases, shape (rows, cases), to the loss of each row; NaN: undefined there.
Resample: TypeAlias = Callable[[Floats], Floats]

#: One-sided: of the upper limit, which a PASS must keep; and of both ends of the 95 % interval, the
#: lower of which makes a FAIL.
UPPER, EITHER = 0.95, 0.975
#: What the resamples are asked for UPPER: of skewed losses of some hundred cases their limits hold
#: up to a point less often than they say (docs/measurement.md).
_UPPER_DRAWN = 0.96
#: So few that the weights of a block stay in the processor's cache; and so many at least.
_ELEMENTS_AT_ONCE, _ROWS = 80_000, 16


@dataclass(frozen=True, slots=True)
class Limits:
    """An estimate, its one-sided 95 % `upper` limit, and its two-sided 95 % interval.

    They come from the same resamples: low <= estimate <= upper <= high. Infinite where unknown.
    """

    estimate: float
    low: float
    upper: float
    high: float

    def moved(self, by: float) -> Limits:
        """Return the limits of an estimate that lies `by` higher."""
        return Limits(self.estimate + by, self.low + by, self.upper + by, self.high + by)


def unknown(estimate: float) -> Limits:
    """Return the limits of what cannot be told."""
    return Limits(estimate, -math.inf, math.inf, math.inf)


def group_members(groups: ArrayLike, cases: int) -> tuple[NDArray[np.int64], int]:
    """Return the number of each case's group, from 0 on, and how many groups there are.

    ValueError: not as many as `cases`.
    """
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    if members.shape != (cases,):
        raise ValueError(f"{members.size} groups for {cases} cases")
    return members, names.size


def drawn(count: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield how often each of `count` cases is in each resample, some resamples at a time.

    Each is of shape (rows, count).
    """
    rows = max(_ROWS, _ELEMENTS_AT_ONCE // count)
    for start in range(0, resamples, rows):
        yield _weights(count, min(rows, resamples - start), rng)


def bootstrap_t(
    sums: Floats, sizes: Floats, resampled: Iterable[tuple[Floats, Floats]]
) -> tuple[Limits, ...]:
    """Return statistics of independent cases with limits: sum(sums) / sum(sizes) of each row.

    `sums` and `sizes` are (statistics, cases). `resampled` yields weights of cases (see `drawn`)
    with the statistics under these, (rows, statistics); where they are no such ratio, `sums` hold
    what each case weighs in them (see `weighed`). All limits equal the estimate where no case
    differs. They are infinite where so few differ that resamples often lack them all, and where a
    statistic is undefined for half of the resamples.
    """
    count = sums.shape[1]
    estimates = sums.sum(axis=1) / sizes.sum(axis=1)
    off, bottoms = (sums - estimates[:, None] * sizes).T, sizes.T
    products = np.hstack([off**2, off * bottoms, bottoms**2])
    errors = np.sqrt((off**2).sum(axis=0)) / np.abs(bottoms.sum(axis=0))
    found = []
    for weights, statistics in resampled:
        with np.errstate(divide="ignore", invalid="ignore"):
            total = weights @ bottoms
            shift = statistics - estimates
            spread = _errors(weights @ products, shift, total)
            ratios = np.where(spread > 1e-9 * errors, shift / spread, np.sign(shift) * np.inf)
        found.append(np.where(shift == 0, 0.0, ratios))
    pivots = np.concatenate(found)
    largest = np.abs(sums).max(axis=1).tolist()
    return tuple(
        _limits(float(estimates[i]), float(errors[i]), pivots[:, i], largest[i], count)
        for i in range(len(sums))
    )


def weighed(resample: Resample, members: NDArray[np.int64], count: int) -> tuple[Floats, Floats]:
    """Return the sums and sizes, each (count,), of a metric of weighted cases, by the jackknife.

    A group's sum is its size times the metric, and what the metric loses without it. Of a mean it
    is the sum of the group's values. NaN where the metric is undefined without it.
    """
    sizes = np.bincount(members, minlength=count).astype(np.float64)
    whole = float(np.asarray(resample(np.ones((1, members.size))))[0])
    rows = max(_ROWS, _ELEMENTS_AT_ONCE // members.size)
    without = np.concatenate([
        np.asarray(resample((1.0 - np.eye(min(rows, count - start), count, start))[:, members]))
        for start in range(0, count, rows)
    ])  # fmt: skip
    lost = (members.size - sizes) * (whole - without)
    return (whole - lost.sum() / members.size) * sizes + lost, sizes


def _limits(centre: float, error: float, pivots: Floats, largest: float, count: int) -> Limits:
    if not math.isfinite(centre) or not math.isfinite(error):
        return unknown(centre)
    if count < 2 or error <= 1e-12 * max(1e-300, largest):
        return Limits(centre, centre, centre, centre)
    known = pivots[~np.isnan(pivots)]
    if known.size <= pivots.size / 2:
        return unknown(centre)
    levels = [1 - EITHER, 1 - _UPPER_DRAWN, EITHER]
    below, upper, above = np.quantile(known, levels, method="inverted_cdf").tolist()
    return Limits(
        centre,
        min(centre, centre - above * error),
        max(centre, centre - upper * error),
        max(centre, centre - below * error),
    )


def _errors(products: Floats, shift: Floats, total: Floats) -> Floats:
    """Return the standard error of each resample's ratio, by linearisation.

    The sum over w (s - r n)^2 is multiplied out, so that products of matrices give its terms.
    """
    squares, mixed, sized = np.split(products, 3, axis=1)
    variance = squares - 2 * shift * mixed + shift**2 * sized
    errors: Floats = np.sqrt(np.maximum(variance, 0.0)) / np.abs(total)
    return errors


def _weights(count: int, rows: int, rng: np.random.Generator) -> Floats:
    """Return how often each of `count` cases is drawn, shape (rows, count)."""
    drawn = rng.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
    counts = np.bincount(drawn.reshape(-1), minlength=rows * count)
    return counts.reshape(rows, count).astype(np.float64)
