from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchhub.stats.quantile import quantile_intervals, required_n_eff


def independent(rng, launches=20, iterations=200):
    return np.exp(0.06 * rng.standard_normal((launches, iterations)))


def launch_effect(rng, launches=20, iterations=200):
    shift = 0.02 * rng.standard_normal((launches, 1))
    return np.exp(shift + 0.02 * rng.standard_normal((launches, iterations)))


def interval_of(values, q):
    return quantile_intervals(values, (q,))[0]


def in_ns(latencies):
    return (1e7 * latencies).astype(np.int64)


samples = arrays(
    np.int64,
    st.tuples(st.integers(1, 12), st.integers(1, 40)),
    elements=st.integers(0, 10**12),
)
levels = st.sampled_from([0.01, 0.25, 0.5, 0.9, 0.95, 0.99])


@settings(max_examples=150, deadline=None)
@given(samples, levels)
def test_limits_enclose_the_estimate_and_neff_is_possible(values, q):
    found = interval_of(values, q)
    assert found.low <= found.estimate <= found.high
    assert 0 < found.n_eff <= values.size
    assert found.estimate in values
    assert found.method == ("launches" if len(values) > 1 else "within-launch")


@settings(max_examples=80, deadline=None)
@given(samples, levels, st.integers(2, 1000))
def test_another_unit_changes_nothing_else(values, q, factor):
    one, other = interval_of(values, q), interval_of(values * factor, q)
    assert other.estimate == one.estimate * factor
    assert other.low == one.low * factor
    assert other.high == one.high * factor
    assert other.n_eff == pytest.approx(one.n_eff)


@settings(max_examples=50, deadline=None)
@given(samples, levels, st.randoms())
def test_the_order_of_launches_does_not_matter(values, q, random):
    if len(values) > 1:
        shuffled = list(values)
        random.shuffle(shuffled)
        assert interval_of(shuffled, q) == interval_of(values, q)


@pytest.mark.parametrize("q", [0.5, 0.95])
@pytest.mark.parametrize("generator", [independent, launch_effect])
def test_coverage(generator, q):
    z = {0.5: 0.0, 0.95: 1.6448536}[q]
    spread = 0.06 if generator is independent else math.hypot(0.02, 0.02)
    truth = 1e7 * math.exp(z * spread)
    rng = np.random.default_rng(20260101)
    repeats = 250
    found = [interval_of(in_ns(generator(rng)), q) for _ in range(repeats)]
    covered = sum(one.low <= truth <= one.high for one in found) / repeats
    assert covered >= 0.915  # .95 less two and a half Monte-Carlo errors
    finite = [one for one in found if not one.withheld]
    assert len(finite) == repeats


def test_launch_effects_cost_effective_samples():
    rng = np.random.default_rng(1)
    alone = interval_of(in_ns(independent(rng)), 0.5)
    grouped = interval_of(in_ns(launch_effect(rng)), 0.5)
    assert alone.n_eff > 1000
    assert grouped.n_eff < 200


def test_identical_launches_hide_nothing():
    launch = np.arange(1, 201)
    found = interval_of([launch] * 10, 0.5)
    assert found.n_eff == 2000
    assert found.estimate == 100


def test_too_few_samples_leave_the_upper_limit_unknown():
    rng = np.random.default_rng(2)
    found = quantile_intervals(in_ns(independent(rng, 5, 20)), (0.5, 0.99))
    assert not found[0].withheld
    assert found[1].withheld
    assert found[1].high == math.inf
    assert found[1].n_eff < found[1].n_eff_needed


@pytest.mark.parametrize("q", [0.5, 0.9, 0.95, 0.99])
def test_the_needed_number_is_enough_and_not_generous(q):
    rng = np.random.default_rng(3)
    needed = required_n_eff(q)
    closed_form = math.ceil(math.log(0.025) / math.log(q))
    assert closed_form <= needed <= closed_form + 14
    enough = interval_of(rng.permutation(needed)[:, None] + 1, q)
    scarce = interval_of(rng.permutation(needed - 1)[:, None] + 1, q)
    assert enough.n_eff < needed or not enough.withheld
    assert scarce.withheld


def test_fewer_launches_need_more():
    assert required_n_eff(0.99) < required_n_eff(0.99, launches=20)
    assert required_n_eff(0.99, launches=20) < required_n_eff(0.99, launches=5)


def test_one_launch_is_labelled():
    rng = np.random.default_rng(4)
    found = interval_of(in_ns(independent(rng, 1, 400)), 0.5)
    assert found.method == "within-launch"
    assert math.isfinite(found.high)
    single = interval_of([np.array([7])], 0.5)
    assert (single.estimate, single.low, single.high) == (7, -math.inf, math.inf)


def test_constant_samples_are_known_exactly():
    found = interval_of(np.full((10, 100), 5), 0.5)
    assert (found.estimate, found.low, found.high) == (5, 5, 5)


def test_launches_may_differ_in_length():
    rng = np.random.default_rng(5)
    lengths = (10, 200, 37, 64, 5, 111)
    found = interval_of([in_ns(independent(rng, 1, n))[0] for n in lengths], 0.5)
    assert found.low < 1e7 < found.high


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ([], "no launches"),
        ([np.array([1, 2]), np.array([], dtype=np.int64)], "launch 1 has no samples"),
        ([np.array([1, -2])], "negative duration"),
        ([np.array([1.0, math.nan])], "not finite"),
        ([np.ones((2, 2))], "more than one axis"),
    ],
)
def test_bad_samples_are_named(values, match):
    with pytest.raises(ValueError, match=match):
        interval_of(values, 0.5)


@pytest.mark.parametrize("q", [0, 1, 1.5, -0.1])
def test_impossible_quantiles(q):
    with pytest.raises(ValueError, match="between 0 and 1"):
        interval_of([np.array([1])], q)
