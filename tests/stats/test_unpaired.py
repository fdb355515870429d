from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, ttest_ind

from benchhub.stats.unpaired import RANKS_FROM, rank_sum_p, unpaired_ratio

launches = st.lists(st.floats(1e-3, 1e9), min_size=2, max_size=14)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, 5), (8, 8), (10, 17), (50, 50)])
def test_the_distribution_is_that_of_mann_and_whitney(m: int, n: int) -> None:
    rng = np.random.default_rng(m * 100 + n)
    for _ in range(5):
        one, other = rng.normal(0.3, 1, m), rng.normal(0, 1, n)
        known = mannwhitneyu(one, other, method="exact").pvalue
        assert rank_sum_p(one.tolist(), other.tolist()) == pytest.approx(known, rel=1e-9)


def test_many_launches_go_by_the_normal_approximation() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(0.2, 1, 80).round(1), rng.normal(0, 1, 70).round(1)
    known = mannwhitneyu(one, other, method="asymptotic").pvalue
    assert rank_sum_p(one.tolist(), other.tolist()) == pytest.approx(known, rel=1e-9)


def test_few_launches_go_by_welch() -> None:
    one, other = [10.0, 11.0, 12.5], [9.0, 9.1, 8.7, 9.4]
    told = unpaired_ratio(one, other)
    known = ttest_ind(np.log(one), np.log(other), equal_var=False)
    assert told.ratio.method == "log-welch"
    assert told.p_value == pytest.approx(known.pvalue)
    limits = known.confidence_interval(0.95)
    assert (told.ratio.low, told.ratio.high) == pytest.approx(
        (math.exp(limits.low), math.exp(limits.high))
    )


@given(launches, launches)
@settings(deadline=None, max_examples=60)
def test_an_interval_holds_its_estimate_and_turns_over_with_the_sides(
    one: list[float], other: list[float]
) -> None:
    told, turned = unpaired_ratio(one, other), unpaired_ratio(other, one)
    ratio = told.ratio
    assert ratio.low is not None
    assert ratio.high is not None
    slack = 1 + 1e-9
    assert ratio.low <= ratio.estimate * slack
    assert ratio.estimate <= ratio.high * slack
    assert turned.ratio.estimate == pytest.approx(1 / ratio.estimate)
    assert turned.ratio.high == pytest.approx(1 / ratio.low)
    assert turned.p_value == pytest.approx(told.p_value)


@given(launches, launches, st.floats(1e-3, 1e3))
@settings(deadline=None, max_examples=40)
def test_another_unit_changes_nothing(one: list[float], other: list[float], unit: float) -> None:
    told = unpaired_ratio(one, other).ratio
    scaled = unpaired_ratio([unit * x for x in one], [unit * x for x in other]).ratio
    assert scaled.estimate == pytest.approx(told.estimate, rel=1e-6)
    assert scaled.low == pytest.approx(told.low, rel=1e-4)


@pytest.mark.parametrize("count", [5, RANKS_FROM])
def test_constant_launches(count: int) -> None:
    same = unpaired_ratio([100.0] * count, [100.0] * count)
    assert (same.ratio.low, same.ratio.high, same.p_value) == (1.0, 1.0, 1.0)
    other = unpaired_ratio([103.0] * count, [100.0] * count)
    assert other.ratio.estimate == pytest.approx(1.03)
    assert other.p_value == pytest.approx(2 / math.comb(2 * count, count))


def test_one_launch_says_nothing() -> None:
    told = unpaired_ratio([1.0], [2.0, 2.1, 2.2])
    assert (told.ratio.low, told.ratio.high, told.p_value) == (None, None, 1.0)


@pytest.mark.parametrize("bad", [[], [0.0, 1.0], [-1.0], [math.nan], [math.inf, 1.0]])
def test_what_is_no_duration_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match=r"launches|finite"):
        unpaired_ratio(bad, [1.0, 2.0])


@pytest.mark.parametrize(("m", "n"), [(5, 5), (10, 10), (10, 16)])
def test_the_interval_covers_and_finds(m: int, n: int) -> None:
    """500 seeded repeats: three standard errors of .95 are .029; the shift is 5 sd of a mean."""
    rng = np.random.default_rng(m + n)
    covered = found = 0
    for _ in range(500):
        other = np.exp(rng.normal(0, 0.02, n))
        one = np.exp(rng.normal(math.log(1.05), 0.02, m))
        told = unpaired_ratio(one.tolist(), other.tolist())
        covered += (told.ratio.low or 0) <= 1.05 <= (told.ratio.high or 0)
        found += (told.ratio.low or 0) > 1
    assert covered / 500 >= 0.95 - 0.029
    assert found / 500 >= 0.85
