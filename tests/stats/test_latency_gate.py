from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchhub.model.scenario import VerdictOutcome as Outcome
from benchhub.stats.latency_gate import (
    ALL_LOOKS_ALPHA,
    ALPHA,
    LOOKS,
    latency_gate,
    latency_look,
)
from benchhub.stats.sequential import level_per_look

MS = 1e6


def source(seed, launch_sd=0.02, sd=0.03, iterations=100, level=10 * MS):
    rng = np.random.default_rng(seed)

    def draw(k):
        logs = launch_sd * rng.standard_normal((k, 1)) + sd * rng.standard_normal((k, iterations))
        return (level * np.exp(logs)).astype(np.int64)

    return draw


P95 = 10 * MS * math.exp(1.6448536 * math.hypot(0.02, 0.03))


@pytest.mark.parametrize(
    ("factor", "outcome"), [(0.8, Outcome.FAIL), (1.25, Outcome.PASS), (1.0, Outcome.INCONCLUSIVE)]
)
def test_verdicts(factor, outcome):
    found = latency_gate(source(1), factor * P95)
    assert found.verdict is outcome
    assert found.launches == (40 if outcome is Outcome.INCONCLUSIVE else 10)
    assert found.iterations == 100 * found.launches
    assert found.interval.low <= found.interval.estimate <= found.interval.high
    assert f"after {found.launches} launches" in found.reason


def test_fed_launch_by_launch_it_decides_as_when_it_draws():
    for seed in range(12):
        budget = P95 * (0.94 + 0.01 * seed)
        drawn = latency_gate(source(seed), budget)
        made = np.concatenate([source(seed)(10)])
        draw = source(seed)
        made = np.concatenate([draw(10), draw(6), draw(9), draw(15)])
        for k in range(1, 41):
            fed = latency_look(made[:k], budget)
            if fed.verdict is not None:
                break
            assert fed.next_look == next(look for look in LOOKS if look > k)
        assert fed == drawn


def test_what_was_decided_stays_decided():
    slow, fast = source(1, level=20 * MS)(10), source(2, level=1 * MS)(30)
    assert latency_look(np.concatenate([slow, fast]), P95).verdict is Outcome.FAIL
    assert latency_look(np.concatenate([fast, slow]), P95).verdict is Outcome.PASS


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(10, 60), st.integers(0, 60))
def test_more_launches_of_the_same_source_never_pass_a_clear_fail(seed, first, more):
    draw = source(seed, iterations=60)
    begun = draw(first)
    assert latency_look(begun, 0.7 * P95).verdict is Outcome.FAIL
    assert latency_look(np.concatenate([begun, draw(more)]), 0.7 * P95).verdict is Outcome.FAIL


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.9, 1.1), st.integers(2, 1000))
def test_another_unit_changes_nothing_else(seed, factor, unit):
    made = source(seed, iterations=60)(40) // 1000 * 1000
    one = latency_look(made, factor * P95)
    other = latency_look(made * unit, factor * P95 * unit)
    assert (one.verdict, one.launches) == (other.verdict, other.launches)
    assert other.interval.low == one.interval.low * unit
    assert other.interval.high == one.interval.high * unit


def test_false_pass_at_the_limit_is_rare():
    passed = sum(latency_gate(source(seed), P95).verdict is Outcome.PASS for seed in range(200))
    assert passed <= 16  # 5 % and two Monte-Carlo errors


@pytest.mark.parametrize("launches", [0, 1, 2, 9])
def test_few_launches_are_undecided_and_in_the_end_inconclusive(launches):
    made = source(3)(launches)
    found = latency_look(made, P95)
    assert (found.verdict, found.next_look) == (None, 10)
    assert f"needs 10 launches, has {launches}" in found.reason
    assert (found.interval is None) == (launches == 0)
    assert latency_look(made, P95, final=True).verdict is Outcome.INCONCLUSIVE


def test_a_source_that_ends_early_is_looked_at_as_it_is():
    for budget, outcome in ((1.25 * P95, Outcome.PASS), (P95, Outcome.INCONCLUSIVE)):
        draw = source(4)
        left = [draw(13)]

        def ends(k, left=left):
            made, left[0] = left[0][:k], left[0][k:]
            return made

        found = latency_gate(ends, budget)
        assert found.verdict is outcome
        assert found.launches == (10 if outcome is Outcome.PASS else 13)
    assert latency_gate(lambda k: [], P95).verdict is Outcome.INCONCLUSIVE


def test_launches_may_differ_in_length():
    made = [one[: 40 + 3 * index] for index, one in enumerate(source(5)(25))]
    assert latency_look(made, 2 * P95, final=True).verdict is Outcome.PASS


def test_a_percentile_that_cannot_be_known_never_passes():
    found = latency_look(source(6, iterations=5)(40), 100 * P95, q=0.999)
    assert found.verdict is Outcome.INCONCLUSIVE
    assert "effective samples, needs" in found.reason


def test_a_coarse_clock_is_allowed_for():
    coarse = np.full((10, 50), 10 * int(MS))
    assert latency_look(coarse, 21 * MS).verdict is Outcome.PASS
    assert latency_look(coarse, 15 * MS).verdict is None
    assert "clock" in latency_look(np.tile(coarse, (4, 1)), 15 * MS).reason
    mixed = coarse + 10 * int(MS) * (np.arange(50) % 2)
    assert latency_look(mixed, 9 * MS).verdict is Outcome.FAIL
    assert latency_look(mixed, 29 * MS).verdict is None
    assert latency_look(np.zeros((40, 50), dtype=np.int64), MS).verdict is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        (np.full((10, 5), math.nan), {}, "not finite"),
        (np.full((10, 5), -1), {}, "negative"),
        ([np.array([], dtype=np.int64)], {}, "no samples"),
        (np.ones((10, 5)), {"budget_ns": 0}, "above 0"),
        (np.ones((10, 5)), {"budget_ns": math.nan}, "above 0"),
        (np.ones((10, 5)), {"q": 1.0}, "less than 1"),
        (np.ones((10, 5)), {"looks": (5, 10)}, "must be at 10 or more"),
        (np.ones((10, 5)), {"looks": (10, 10)}, "increasing"),
        (np.ones((10, 5)), {"looks": ()}, "increasing"),
        (np.ones((10, 5)), {"alpha": 0.7}, "between 0 and 1"),
    ],
)
def test_bad_input_is_named(values, options, match):
    with pytest.raises(ValueError, match=match):
        latency_look(values, **{"budget_ns": 1.0, **options})


def test_ten_million_samples():
    rng = np.random.default_rng(0)
    made = rng.integers(10**6, 2 * 10**6, (10, 10**6), dtype=np.int64)
    assert latency_look(made, 3 * MS).verdict is Outcome.PASS


def test_the_level_of_a_look_is_what_all_looks_together_allow():
    assert level_per_look(LOOKS, ALL_LOOKS_ALPHA) == pytest.approx(ALPHA, abs=1e-4)
    made = source(7)(20)
    assert latency_look(made, P95, looks=(10, 20), final=True).launches <= 20


def test_a_clock_that_never_ticks_decides_nothing():
    found = latency_gate(lambda count: np.zeros((count, 200), dtype=np.int64), 1e7)
    assert found.verdict is Outcome.INCONCLUSIVE
    assert found.reason == "all samples are 0: the clock never ticked after 40 launches"
