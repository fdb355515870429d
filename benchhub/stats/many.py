"""P-values of many cells at once: which of them still count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Return p-values adjusted so that those <= alpha hold all together with chance 1 - alpha.

    For a list of regressions that blocks. Source: S. Holm, A simple sequentially rejective multiple
    test procedure, Scandinavian Journal of Statistics 6 (1979). ValueError: not between 0 and 1.
    """
    given = _checked(p_values)
    order = np.argsort(given)
    adjusted = np.empty_like(given)
    steps = np.arange(given.size, 0, -1) * given[order]
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Return p-values adjusted so that of those <= q a share of q is wrong, on average.

    For a dashboard, with q = .10. As `scipy.stats.false_discovery_control`, which takes a second
    to import. Source: Y. Benjamini and Y. Hochberg, Controlling the false discovery rate, JRSS B
    57 (1995). ValueError: not between 0 and 1.
    """
    given = _checked(p_values)
    order = np.argsort(given)
    steps = given[order] * (given.size / np.arange(1, given.size + 1))
    adjusted = np.empty_like(given)
    adjusted[order] = np.clip(np.minimum.accumulate(steps[::-1])[::-1], 0.0, 1.0)
    return adjusted


def _checked(p_values: Sequence[float]) -> NDArray[np.float64]:
    given = np.asarray(p_values, dtype=np.float64).reshape(-1)
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError("p-values must lie between 0 and 1")
    return given
