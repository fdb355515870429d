"""The quantiles in the row of a launch are those of numpy, to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

from benchhub.store.records import quantile


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_quantiles_are_numpys(q: float) -> None:
    rng = np.random.default_rng(7)
    for size in (*range(1, 60), 200, 1001):
        samples = (1e6 * np.exp(rng.normal(0, 2, size))).astype(np.int64)
        assert quantile(np.sort(samples), q) == float(np.quantile(samples, q))
        assert quantile(np.sort(samples), 0.5) == float(np.median(samples))
