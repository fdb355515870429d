"""Held against scipy's, which is right and slow to import."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, rankdata

from benchhub.stats.interval import _sign_rank
from benchhub.stats.ranks import mean_ranks


@pytest.mark.parametrize("size", [1, 2, 9, 200])
@pytest.mark.parametrize("kinds", [1, 3, 1000])
def test_ranks_with_and_without_ties(size: int, kinds: int) -> None:
    values = np.random.default_rng([size, kinds]).integers(0, kinds, size) / 7
    np.testing.assert_array_equal(mean_ranks(values), rankdata(values))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_the_rank_of_a_medians_limit_is_the_largest_that_the_binomial_allows(
    confidence: float,
) -> None:
    for n in (*range(1, 80), 501, 20_000):
        rank, attained = _sign_rank(n, confidence)
        assert attained == pytest.approx(1 - 2 * binom.cdf(rank - 1, n, 0.5))
        assert rank == 1 or binom.cdf(rank - 1, n, 0.5) <= (1 - confidence) / 2
        assert binom.cdf(rank, n, 0.5) > (1 - confidence) / 2
