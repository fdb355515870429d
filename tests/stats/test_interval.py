from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchhub.stats.interval import geometric_mean_interval, median_interval
from benchhub.stats.paired import paired_ratio


def test_geometric_mean_is_a_t_interval_of_the_logs():
    values = [1.0, 2.0, 4.0, 3.0]
    found = geometric_mean_interval(values)
    logs = np.log(values)
    low, high = stats.t.interval(0.95, 3, logs.mean(), stats.sem(logs))
    assert found.estimate == pytest.approx(stats.gmean(values))
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)))


def test_one_value_has_no_interval():
    for interval in (geometric_mean_interval([3.0]), median_interval([3.0])):
        assert (interval.estimate, interval.low, interval.high) == (pytest.approx(3.0), None, None)


@pytest.mark.parametrize(
    ("n", "rank", "attained"), [(5, 1, 0.9375), (6, 1, 0.96875), (10, 2, 0.97852), (20, 6, 0.95861)]
)
def test_median_interval_has_the_ranks_of_the_sign_test(n, rank, attained):
    found = median_interval(np.arange(1, n + 1)[::-1].tolist())
    assert (found.low, found.high) == (rank, n + 1 - rank)
    assert found.confidence == pytest.approx(attained, abs=1e-5)
    assert found.estimate == (n + 1) / 2


@pytest.mark.parametrize("use", [geometric_mean_interval, median_interval])
def test_bad_values(use):
    with pytest.raises(ValueError, match="no values"):
        use([])
    with pytest.raises(ValueError, match="finite"):
        use([1.0, math.nan])


def test_geometric_mean_refuses_zero():
    with pytest.raises(ValueError, match="above 0"):
        geometric_mean_interval([1.0, 0.0])


def test_paired_ratio_agrees_with_the_signed_rank_test():
    rng = np.random.default_rng(6)
    for n in (6, 10, 25, 60):
        below = np.exp(rng.standard_normal(n))
        above = below * 1.3 * np.exp(0.05 * rng.standard_normal(n))
        found = paired_ratio(above.tolist(), below.tolist())
        assert found.method == "signed-rank"
        assert found.low <= found.estimate <= found.high
        logs = np.log(above) - np.log(below)

        def p_value(ratio, logs=logs):
            return stats.wilcoxon(
                logs - math.log(ratio), method="approx" if len(logs) > 50 else "exact"
            ).pvalue

        assert p_value(found.low * 0.9999) <= 0.05 < p_value(found.low * 1.0001)
        assert p_value(found.high * 1.0001) <= 0.05 < p_value(found.high * 0.9999)


def test_paired_ratio_covers_the_true_ratio():
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(300):
        drift = rng.standard_normal(10)
        below = np.exp(drift)
        above = np.exp(drift + math.log(1.03) + 0.02 * rng.standard_normal(10))
        found = paired_ratio(above.tolist(), below.tolist())
        covered += found.low <= 1.03 <= found.high
    assert covered / 300 >= 0.915


def test_few_pairs_say_how_they_were_judged():
    found = paired_ratio([2.0, 2.2, 1.8], [1.0, 1.0, 1.0])
    assert found.method == "log-t"
    assert found.low < found.estimate < found.high
    assert paired_ratio([2.0], [1.0]).low is None


def test_bad_pairs():
    with pytest.raises(ValueError, match="cannot pair"):
        paired_ratio([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="above 0"):
        paired_ratio([1.0, 2.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="no values"):
        paired_ratio([], [])
