"""Weights in float16: what it can hold, and what became of those that it cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from benchhub.model.arrays import Array

#: What float16 can hold: the largest finite value, and the smallest above zero.
LARGEST, SMALLEST = 65504.0, 5.960464477539063e-08


@dataclass(slots=True)
class Halved:
    """What became of a model's float32 weights, in values; `kept_by` are operators that read
    weights which stay in float32."""

    converted: int = 0
    kept: int = 0
    clipped: int = 0
    raised: int = 0
    kept_by: Counter[str] = field(default_factory=Counter)


def halved_values(values: Array) -> tuple[Array, int, int]:
    """Return values in float16, and how many were clipped to what it holds and raised from 0.

    A value keeps its sign, stays finite if it was, and is zero only if it was.
    """
    size = np.abs(values)
    over = np.isfinite(values) & (size > LARGEST)
    under = (size > 0) & (size < SMALLEST)
    fitting = np.where(over, np.copysign(LARGEST, values), values)
    fitting = np.where(under, np.copysign(SMALLEST, values), fitting)
    return fitting.astype(np.float16), int(over.sum()), int(under.sum())
