"""One line of the table: what was measured, beside what, and what was promised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.stats.interval import Estimate, median_interval


@dataclass(frozen=True, slots=True)
class Claim:
    """A measured comparison; `ratio` is judged against `target` where `met` is not None.

    `low` and `high` bound the ratio at 95 % or what the rounds allow; None: a single measurement.
    `met` goes by the ratio; `sure` is False where a limit lies within the interval.
    """

    name: str
    ours: str
    peer: str
    ratio: float
    low: float | None = None
    high: float | None = None
    target: str = ""
    met: bool | None = None
    sure: bool = True


def paired(values: Sequence[float], others: Sequence[float]) -> Estimate:
    """Return the median of the ratios value/other of each round, with its interval."""
    return median_interval([a / b for a, b in zip(values, others, strict=True)])


def compared(
    name: str,
    ours: str,
    peer: str,
    ratio: Estimate,
    at_most: float = math.inf,
    at_least: float = -math.inf,
    target: str = "",
) -> Claim:
    """Return the claim that `ratio` lies between two limits; without limits it is no claim."""
    judged = math.isfinite(at_most) or math.isfinite(at_least)
    return Claim(
        name=name,
        ours=ours,
        peer=peer,
        ratio=ratio.estimate,
        low=ratio.low,
        high=ratio.high,
        target=target or _target(at_most, at_least),
        met=at_least <= ratio.estimate <= at_most if judged else None,
        sure=not any(_within(limit, ratio) for limit in (at_most, at_least)),
    )


def _within(limit: float, ratio: Estimate) -> bool:
    return ratio.low is not None and ratio.high is not None and ratio.low < limit < ratio.high


def _target(at_most: float, at_least: float) -> str:
    if math.isfinite(at_most) and math.isfinite(at_least):
        return f"{at_least:g} to {at_most:g}"
    if math.isfinite(at_most):
        return f"<= {at_most:g}"
    return f">= {at_least:g}" if math.isfinite(at_least) else ""
