from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchhub.stats.warmup import warmup_cut

AT = np.arange(200)


def samples(seed, start, launches=20):
    rng = np.random.default_rng(seed)
    logs = start + 0.02 * rng.standard_normal((launches, 1))
    logs = logs + 0.06 * rng.standard_normal((launches, AT.size))
    return (1e7 * np.exp(logs)).astype(np.int64)


def test_steady_launches_keep_all():
    kept = [warmup_cut(samples(seed, 0.0)) for seed in range(60)]
    assert sum(cut.drop > 0 for cut in kept) <= 9
    assert sum(bool(cut.flags) for cut in kept) <= 3


@pytest.mark.parametrize("length", [5, 20, 60])
def test_a_step_is_cut_for_all_launches_at_once(length):
    made = samples(1, math.log(1.3) * (length > AT))
    cut = warmup_cut(made)
    assert length <= cut.drop <= length + 15
    assert cut.flags == ()
    assert {one.size for one in cut.steady(made)} == {200 - cut.drop}


def test_a_decay_is_cut_until_it_is_lost_in_the_noise():
    cut = warmup_cut(samples(2, 0.5 * np.exp(-AT / 8)))
    assert 20 <= cut.drop <= 60
    assert cut.flags == ()


@pytest.mark.parametrize("length", [120, 150, 180])
def test_a_late_step_is_flagged(length):
    (flag,) = warmup_cut(samples(3, math.log(1.4) * (length > AT))).flags
    assert flag.name == "no_steady_state"
    assert "slower" in flag.evidence
    assert flag.caps


def test_a_step_too_small_to_matter_to_a_verdict_is_a_remark():
    (flag,) = warmup_cut(samples(3, math.log(1.015) * (AT < 110))).flags
    assert (flag.name, flag.caps) == ("no_steady_state", False)


@pytest.mark.parametrize("length", [20, 60, 150])
def test_launches_that_slow_down_lose_nothing(length):
    cut = warmup_cut(samples(4, math.log(1.08) * (length <= AT)))
    (flag,) = cut.flags
    assert (flag.name, cut.drop) == ("slowdown", 0)
    assert "faster" in flag.evidence


def test_a_few_launches_are_cut_by_their_curve():
    assert 20 <= warmup_cut(samples(5, math.log(1.5) * (AT < 20), launches=2)).drop <= 40


def test_launches_of_different_lengths_are_judged_up_to_the_shortest():
    made = list(samples(6, math.log(1.5) * (AT < 20)))
    made[3] = made[3][:90]
    cut = warmup_cut(made)
    assert 20 <= cut.drop <= 45
    assert [one.size for one in cut.steady([made[0], made[3], made[0][:7]])] == [
        200 - cut.drop, 90 - cut.drop,
    ]  # fmt: skip


@pytest.mark.parametrize("made", [[], [np.array([1])], np.full((20, 9), 3), np.zeros((9, 50))])
def test_nothing_to_cut(made):
    assert (warmup_cut(made).drop, warmup_cut(made).flags) == (0, ())


def test_constant_samples_are_steady():
    assert warmup_cut(np.full((10, 100), 7)).drop == 0


@pytest.mark.parametrize(
    ("made", "match"), [([np.array([math.nan])], "finite"), ([np.array([-1])], "negative")]
)
def test_bad_samples_are_named(made, match):
    with pytest.raises(ValueError, match=match):
        warmup_cut(made)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(2, 100))
def test_half_is_kept_in_any_unit(seed, launches, unit):
    made = samples(seed, 0.4 * np.exp(-AT / 30), launches)
    cut = warmup_cut(made)
    assert 0 <= cut.drop <= 100
    assert cut.drop % 5 == 0
    assert warmup_cut(made * unit).drop == cut.drop
