"""How far two estimates lie apart of which only the intervals are known.

Each interval is taken back to a standard error on either side, by the quantile that made it. The
errors of the sides that face each other add up in squares: G. Y. Zou and A. Donner, Construction of
confidence limits about effect measures: a general approach, Statistics in Medicine 27 (2008). Their
degrees of freedom are those of B. L. Welch, The generalization of "Student's" problem when several
different population variances are involved, Biometrika 34 (1947).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """An estimate and its limits, from `n` independent values (None: very many)."""

    value: float
    low: float
    high: float
    n: float | None = None
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Apart:
    """One estimate less another, with its interval and the two-sided p-value of its being 0.

    `errors` are the standard errors of the two on the sides that decide about 0.
    """

    estimate: float
    low: float
    high: float
    p_value: float
    errors: tuple[float, float]


def apart(one: Known, other: Known, confidence: float = 0.95) -> Apart:
    """Return `one` less `other`, which were measured apart from each other.

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
    return Apart(estimate, ends[0], ends[1], min(1.0, p_value), errors)


def _error(of: Known, side: int) -> float:
    """Return the standard error below (-1) or above (1) an estimate."""
    from scipy.special import stdtrit

    width = (of.high - of.value) if side > 0 else (of.value - of.low)
    if not (math.isfinite(width) and width >= 0 and math.isfinite(of.value)):
        raise ValueError("an estimate lies between its limits, and both are finite")
    if of.n is not None and of.n < 2:
        raise ValueError("one value has no interval")
    return width / float(stdtrit(_free(of), (1 + of.confidence) / 2))


def _free(of: Known) -> float:
    return 1e9 if of.n is None else of.n - 1


def _degrees(errors: tuple[float, float], of: tuple[Known, Known]) -> float:
    squares = [error**2 for error in errors]
    below = sum(square**2 / _free(one) for square, one in zip(squares, of, strict=True))
    return sum(squares) ** 2 / below if below else 1e9
