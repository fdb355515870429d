"""Two estimates of which only the intervals are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from benchhub.stats.interval import geometric_mean_interval
from benchhub.stats.unpaired import BoundedEstimate, apart


def known(values: np.ndarray, confidence: float = 0.95) -> BoundedEstimate:
    """The mean of values with Student's interval."""
    half = stats.t.ppf((1 + confidence) / 2, values.size - 1) * stats.sem(values)
    mean = float(values.mean())
    return BoundedEstimate(mean, mean - half, mean + half, values.size, confidence)


def test_of_two_means_it_is_welchs_test() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(1.0, 0.3, 9), rng.normal(0.8, 0.1, 25)
    found = apart(known(one), known(other, 0.8))
    wanted = stats.ttest_ind(one, other, equal_var=False)
    assert found.estimate == pytest.approx(one.mean() - other.mean())
    assert found.p_value == pytest.approx(wanted.pvalue)
    interval = wanted.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_each_end_is_of_the_sides_that_face_each_other() -> None:
    found = apart(BoundedEstimate(10, 9, 14), BoundedEstimate(5, 3, 6))
    assert found.low == pytest.approx(5 - math.hypot(1, 1))
    assert found.high == pytest.approx(5 + math.hypot(4, 2))
    turned = apart(BoundedEstimate(5, 3, 6), BoundedEstimate(10, 9, 14))
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert turned.p_value == pytest.approx(found.p_value)


def test_what_is_very_large_or_small_is_told_apart_as_well() -> None:
    for scale in (1e-200, 1e200):
        found = apart(
            BoundedEstimate(4 * scale, 3 * scale, 5 * scale, 10),
            BoundedEstimate(2 * scale, scale, 3 * scale, 10),
        )
        assert found.p_value == pytest.approx(
            2 * stats.t.sf(2 / (math.sqrt(2) / stats.t.ppf(0.975, 9)), 18)
        )


def test_what_is_exact_is_equal_or_is_not() -> None:
    assert apart(BoundedEstimate(2, 2, 2, 9), BoundedEstimate(2, 2, 2, 9)).p_value == 1
    off = apart(BoundedEstimate(2, 2, 2, 9), BoundedEstimate(3, 3, 3, 9))
    assert (off.p_value, off.low, off.high) == (0, -1, -1)


@pytest.mark.parametrize(
    "of",
    [
        BoundedEstimate(1, 2, 3, 9),
        BoundedEstimate(1, 0, math.inf, 9),
        BoundedEstimate(1, math.nan, 2),
        BoundedEstimate(1, 0, 2, 1),
    ],
)
def test_what_is_no_interval_is_refused(of: BoundedEstimate) -> None:
    with pytest.raises(ValueError, match=r"limits|interval"):
        apart(of, BoundedEstimate(1, 0, 2, 9))


def test_equal_things_are_told_apart_one_time_in_twenty() -> None:
    rng = np.random.default_rng(2)
    told = 0
    for _ in range(2000):
        sides = []
        for count in (5, 12):
            found = geometric_mean_interval(np.exp(rng.normal(0, 0.1, count)).tolist())
            assert found.low is not None
            assert found.high is not None
            logs = [math.log(end) for end in (found.estimate, found.low, found.high)]
            sides.append(BoundedEstimate(*logs, count))
        told += apart(*sides).p_value <= 0.05
    assert 0.035 <= told / 2000 <= 0.065
