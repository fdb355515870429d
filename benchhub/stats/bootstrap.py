"""One-sided limits of a paired loss by resampling its cases.

Sources: P. Hall, The Bootstrap and Edgeworth Expansion (1992), section 3.10, for bootstrap-t; B.
Efron, Better bootstrap confidence intervals, JASA 82 (1987), for BCa.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats: TypeAlias = NDArray[np.float64]
#: From weights of cases, shape (rows, cases), to the loss of each row; NaN: undefined there.
Resample: TypeAlias = Callable[[Floats], Floats]

#: One-sided: of the upper limit, which a PASS must keep, and of the lower, which makes a FAIL.
UPPER, LOWER = 0.95, 0.975
_ELEMENTS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """An estimate between its one-sided limits, at 97.5 % below and 95 % above."""

    estimate: float
    low: float
    high: float


def bootstrap_t(sums: Floats, sizes: Floats, resamples: int, rng: np.random.Generator) -> Limits:
    """Return sum(sums) / sum(sizes) over independent cases, with its bootstrap-t limits.

    Both limits equal the estimate where no case differs. They are infinite where so few differ that
    resamples often lack them all.
    """
    count = sums.size
    centre = float(sums.sum() / sizes.sum())
    error = float(_error(sums, sizes, np.array([centre]), np.ones((1, count)))[0])
    if count < 2 or error <= 1e-12 * max(1e-300, float(np.abs(sums).max())):
        return Limits(centre, centre, centre)
    step = max(1, _ELEMENTS_AT_ONCE // count)
    found: list[Floats] = []
    for start in range(0, resamples, step):
        weights = _weights(count, min(step, resamples - start), rng)
        ratios = (weights @ sums) / (weights @ sizes)
        errors = _error(sums, sizes, ratios, weights)
        shift = ratios - centre
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(np.where(errors > 1e-9 * error, shift / errors, np.sign(shift) * np.inf))
    pivots = np.nan_to_num(np.concatenate(found), nan=0.0, posinf=np.inf, neginf=-np.inf)
    upper, lower = np.quantile(pivots, [1 - UPPER, LOWER], method="inverted_cdf").tolist()
    return Limits(centre, centre - lower * error, centre - upper * error)


def _error(sums: Floats, sizes: Floats, ratios: Floats, weights: Floats) -> Floats:
    """Return the standard error of each row's ratio, weights counting how often a case was drawn.

    By linearisation. The sum over w (s - r n)^2 is multiplied out: three products of matrices.
    """
    squares = weights @ (sums**2) - 2 * ratios * (weights @ (sums * sizes))
    squares += ratios**2 * (weights @ (sizes**2))
    errors: Floats = np.sqrt(np.maximum(squares, 0.0)) / (weights @ sizes)
    return errors


def bca(
    resample: Resample, members: NDArray[np.int64], count: int, resamples: int,
    rng: np.random.Generator,
) -> Limits:  # fmt: skip
    """Return the BCa limits of a metric of weighted cases, drawing `count` groups of `members`.

    Infinite where the metric is undefined for half of the resamples.
    """
    centre = float(np.asarray(resample(np.ones((1, members.size))))[0])
    rows = max(1, _ELEMENTS_AT_ONCE // members.size)

    def values(weights: Floats) -> Floats:
        return np.asarray(resample(weights[:, members]), dtype=np.float64)

    drawn = np.concatenate([
        values(_weights(count, min(rows, resamples - start), rng))
        for start in range(0, resamples, rows)
    ])  # fmt: skip
    drawn = drawn[np.isfinite(drawn)]
    if math.isnan(centre) or drawn.size <= resamples / 2:
        return Limits(centre, -math.inf, math.inf)
    without = np.concatenate([
        values(1.0 - np.eye(min(rows, count - start), count, start))
        for start in range(0, count, rows)
    ])  # fmt: skip
    away = np.nanmean(without) - without[np.isfinite(without)]
    squares = float((away**2).sum())
    skew = float((away**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0
    below = float((drawn < centre).mean() + (drawn == centre).mean() / 2)
    bias = float(ndtri(min(max(below, 1 / resamples), 1 - 1 / resamples)))
    low, high = (_bca_limit(drawn, bias, skew, level) for level in (1 - LOWER, UPPER))
    return Limits(centre, low, high)


def _bca_limit(drawn: Floats, bias: float, skew: float, level: float) -> float:
    moved = bias + float(ndtri(level))
    if skew * moved >= 1:
        return math.inf if level > 0.5 else -math.inf
    return float(np.quantile(drawn, float(ndtr(bias + moved / (1 - skew * moved)))))


def _weights(count: int, rows: int, rng: np.random.Generator) -> Floats:
    """Return how often each of `count` cases is drawn, shape (rows, count)."""
    drawn = rng.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
    counts = np.bincount(drawn.reshape(-1), minlength=rows * count)
    return counts.reshape(rows, count).astype(np.float64)
