from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchhub.stats.paired import signed_rank_p
from benchhub.stats.paired_ab import ALL_LOOKS_ALPHA, LOOKS, ABChange, paired_ab_look
from benchhub.stats.sequential import level_per_look


def source(seed, factor, drift=0.05, sd=0.01, iterations=30):
    rng = np.random.default_rng(seed)

    def draw(k):
        level = drift * rng.standard_normal((k, 1))
        sides = []
        for times in (1.0, factor):
            noise = sd * rng.standard_normal((k, 1)) + 0.03 * rng.standard_normal((k, iterations))
            sides.append((1e7 * times * np.exp(level + noise)).astype(np.int64))
        return sides[0], sides[1]

    return draw


@pytest.mark.parametrize(
    ("factor", "change"),
    [(1.05, ABChange.REGRESSED), (0.95, ABChange.IMPROVED), (1.0, ABChange.EQUIVALENT)],
)
def test_changes(factor, change):
    found = paired_ab_look(*source(1, factor)(20))
    assert found.change is change
    assert (found.pairs, found.iterations) == (10, 600)
    assert [one.statistic for one in found.effects] == ["p25", "p50", "p95"]
    for effect in found.effects:
        assert effect.ratio.low <= effect.ratio.estimate <= effect.ratio.high
        assert effect.ratio.low <= factor <= effect.ratio.high
    assert "after 10 pairs" in found.reason


def test_wide_intervals_are_inconclusive():
    found = paired_ab_look(*source(2, 1.0, sd=0.1)(10), final=True)
    assert found.change is ABChange.INCONCLUSIVE


def test_a_change_of_the_tail_alone_shows_in_the_tail():
    a, b = source(3, 1.0)(20)
    b[:, ::12] = b[:, ::12] * 2
    found = paired_ab_look(a, b)
    assert found.change is ABChange.EQUIVALENT
    assert {one.statistic: one.change for one in found.effects}["p95"] is ABChange.REGRESSED
    assert paired_ab_look(a, b, primary="p95").change is ABChange.REGRESSED


def test_a_change_too_small_to_matter_is_no_regression():
    found = paired_ab_look(*source(4, 1.006, sd=0.001, iterations=300)(10))
    assert found.effects[1].ratio.low > 1
    assert found.change is ABChange.EQUIVALENT


def test_fed_pair_by_pair_it_decides_as_of_all_at_once():
    for seed in range(8):
        a, b = source(seed, 1.0 + 0.005 * seed)(40)
        for k in range(1, 41):
            fed = paired_ab_look(a[:k], b[:k])
            if fed.change is not None:
                break
            assert fed.next_look == next(look for look in LOOKS if look > k)
        assert fed == paired_ab_look(a, b)
        assert fed.pairs in LOOKS


def test_swapping_sides_turns_the_answer_round():
    a, b = source(6, 1.05)(20)
    one, other = paired_ab_look(a, b), paired_ab_look(b, a)
    assert (one.change, other.change) == (ABChange.REGRESSED, ABChange.IMPROVED)
    for effect, turned in zip(one.effects, other.effects, strict=True):
        assert turned.ratio.estimate == pytest.approx(1 / effect.ratio.estimate)
        assert turned.ratio.low == pytest.approx(1 / effect.ratio.high)
        assert turned.p_value == effect.p_value


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 1000))
def test_another_unit_changes_nothing(seed, unit):
    a, b = source(seed, 1.02)(12)
    one, other = paired_ab_look(a, b), paired_ab_look(a * unit, b * unit)
    for effect, scaled in zip(one.effects, other.effects, strict=True):
        assert scaled.ratio.estimate == pytest.approx(effect.ratio.estimate)
        assert scaled.p_value == effect.p_value


def test_looks_keep_the_level_for_the_signed_rank_test():
    level = level_per_look(LOOKS, ALL_LOOKS_ALPHA, two_sided=True)
    rng = np.random.default_rng(5)
    differences = rng.standard_normal((1500, 40))
    seen = sum(any(signed_rank_p(row[:look]) <= level for look in LOOKS) for row in differences)
    assert seen / 1500 <= ALL_LOOKS_ALPHA + 2 * math.sqrt(0.035 / 1500)


@pytest.mark.parametrize("n", [3, 6, 10, 40, 60])
def test_p_value_is_that_of_the_signed_rank_test(n):
    rng = np.random.default_rng(n)
    differences = rng.standard_normal(n) + 0.3
    method = "exact" if n <= 50 else "approx"
    expected = stats.wilcoxon(differences, method=method, correction=True).pvalue
    assert signed_rank_p(differences) == pytest.approx(expected)


def test_p_value_of_ties_and_zeros():
    assert signed_rank_p([0.0, 0.0]) == 1.0
    assert signed_rank_p([]) == 1.0
    assert signed_rank_p([1.0] * 6) == pytest.approx(2 / 2**6)
    assert signed_rank_p([1.0, -1.0] * 5) == 1.0


@pytest.mark.parametrize("pairs", [0, 1, 2, 5])
def test_few_pairs_are_inconclusive(pairs):
    a, b = source(7, 2.0)(pairs)
    open_ = paired_ab_look(a, b)
    assert (open_.change, open_.next_look) == (None, 10)
    assert paired_ab_look(a, b, final=True).change is ABChange.INCONCLUSIVE


def test_pairs_that_end_early_are_looked_at_as_they_are():
    a, b = source(8, 1.3)(8)
    found = paired_ab_look(a, b, final=True)
    assert (found.change, found.pairs) == (ABChange.REGRESSED, 8)


def test_a_coarse_clock_cannot_call_things_equivalent():
    same = np.full((20, 30), 1_000_000)
    assert paired_ab_look(same, same, final=True).change is ABChange.INCONCLUSIVE
    assert "clock" in paired_ab_look(same, same, final=True).reason
    assert paired_ab_look(same, 3 * same).change is ABChange.REGRESSED


def test_launches_may_differ_in_length():
    a, b = source(9, 1.1)(10)
    found = paired_ab_look([one[: 10 + i] for i, one in enumerate(a)], [one[:25] for one in b])
    assert found.change is ABChange.REGRESSED


@pytest.mark.parametrize(
    ("a", "b", "options", "match"),
    [
        (np.ones((3, 5)), np.ones((2, 5)), {}, "cannot pair"),
        (np.ones((6, 5)), np.zeros((6, 5)), {}, "clock is too coarse"),
        (np.ones((6, 5)), np.full((6, 5), math.nan), {}, "not finite"),
        (np.ones((6, 5)), np.full((6, 5), -1), {}, "negative"),
        (np.ones((6, 5)), np.ones((6, 5)), {"primary": "p59"}, "p25, p50, p95"),
        (np.ones((6, 5)), np.ones((6, 5)), {"delta": 0.0}, "delta"),
    ],
)
def test_bad_input_is_named(a, b, options, match):
    with pytest.raises(ValueError, match=match):
        paired_ab_look(a, b, final=True, **options)
