from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchhub.stats.drift import drift


def samples(seed, level):
    rng = np.random.default_rng(seed)
    logs = np.asarray(level) + 0.015 * rng.standard_normal(len(level))
    return (1e7 * np.exp(logs[:, None] + 0.03 * rng.standard_normal((len(level), 50)))).astype(
        np.int64
    )


def test_a_step_is_found_where_it_is():
    found = drift(samples(1, [0.0] * 12 + [0.06] * 8))
    assert found.p_value < 0.01
    assert abs(found.launches_before - 12) <= 1
    assert found.shift == pytest.approx(1.06, abs=0.02)
    (flag,) = found.flags
    assert flag.name == "drift"
    assert "of 20" in flag.evidence


def test_false_alarms_are_rare():
    raised = sum(bool(drift(samples(seed, [0.0] * 20)).flags) for seed in range(400))
    assert raised <= 10  # 1 % and three Monte-Carlo errors


@settings(max_examples=40, deadline=None)
@given(st.permutations(list(range(12))))
def test_p_value_is_the_share_of_orders_as_marked(order):
    found = drift([np.array([1000 + rank]) for rank in order])
    rng = np.random.default_rng(0)
    ranks = np.arange(12) - 5.5
    rows = rng.permuted(np.tile(ranks, (4000, 1)), axis=1)
    null = np.abs(np.cumsum(rows, axis=1)).max(axis=1)
    seen = np.abs(np.cumsum(np.asarray(order) - 5.5)).max()
    assert found.p_value == pytest.approx((null >= seen - 1e-9).mean(), abs=0.04)
    assert drift([np.array([1000 + rank]) for rank in order[::-1]]).p_value == found.p_value


@pytest.mark.parametrize("made", [[], np.ones((1, 5)), np.ones((2, 5)), np.full((20, 5), 7)])
def test_nothing_to_see(made):
    found = drift(made)
    assert (found.p_value, found.flags) == (1.0, ())


def test_launches_may_differ_in_length():
    made = [np.full(1 + index, 100 if index < 10 else 200) for index in range(20)]
    assert drift(made).flags


@pytest.mark.parametrize(
    ("made", "match"), [([np.array([math.nan])], "finite"), ([np.array([-1])], "negative")]
)
def test_bad_samples_are_named(made, match):
    with pytest.raises(ValueError, match=match):
        drift(made)
