"""What launches say at each look, and which look decides."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchhub.stats.looks import ALPHA, LOOKS, deciding, looks_at
from benchhub.stats.sequential import level_per_look

MS = 1e6


def launches(count: int, size: int = 200, seed: int = 1) -> list[np.ndarray]:
    logs = np.random.default_rng(seed).normal(0, 0.05, (count, size))
    return list((1e7 * np.exp(logs)).astype(np.int64))


def unlike(count: int, seed: int, iterations: int = 100, level: float = 10 * MS) -> np.ndarray:
    """Launches that differ by 2 %, calls by 3 %; their p95 is P95 where the level is 10 ms."""
    rng = np.random.default_rng(seed)
    logs = 0.02 * rng.standard_normal((count, 1)) + 0.03 * rng.standard_normal((count, iterations))
    return (level * np.exp(logs)).astype(np.int64)


P95 = 10 * MS * math.exp(1.6448536 * math.hypot(0.02, 0.03))


def decided(samples, limit: float, q: float = 0.95) -> tuple[bool | None, int]:
    """Return whether the limit is kept (None: open), and at which look that was decided."""
    (looks,) = looks_at(samples, (q,), with_warmup=False)
    look = deciding(looks, limit)
    if look is None:
        return None, looks[-1].launches if looks else 0
    return look.high is not None and look.high <= limit, look.launches


def test_a_look_is_of_its_launches_alone() -> None:
    samples = launches(16)
    (early,) = looks_at(samples[:10], (0.95,))
    (both,) = looks_at(samples, (0.95,))
    assert [look.launches for look in both] == [10, 16]
    assert both[0] == early[0]


@pytest.mark.parametrize("seed", range(5))
def test_the_limits_of_a_look_hold_its_estimate(seed: int) -> None:
    for looks in looks_at(launches(40, seed=seed), (0.5, 0.95)):
        for look in looks:
            assert look.low is not None
            assert look.high is not None
            assert look.low <= look.estimate <= look.high


def test_a_clock_that_never_moved_bounds_nothing() -> None:
    ((look,),) = looks_at([np.zeros(200, np.int64)] * 10, (0.5,))
    assert (look.low, look.high) == (0.0, None)
    assert deciding([look], 1e9) is None


@pytest.mark.parametrize(
    ("factor", "expected"), [(0.8, (False, 10)), (1.25, (True, 10)), (1.0, (None, 40))]
)
def test_the_first_look_that_can_tell_decides(factor, expected) -> None:
    assert decided(unlike(40, 1), factor * P95) == expected


def test_what_was_decided_stays_decided() -> None:
    slow, fast = unlike(10, 1, level=20 * MS), unlike(30, 2, level=1 * MS)
    assert decided(np.concatenate([slow, fast]), P95) == (False, 10)
    assert decided(np.concatenate([fast, slow]), P95) == (True, 10)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(10, 60), st.integers(0, 60))
def test_more_launches_of_the_same_source_never_keep_what_is_clearly_broken(seed, first, more):
    made = unlike(first + more, seed, iterations=60)
    assert decided(made[:first], 0.7 * P95)[0] is False
    assert decided(made, 0.7 * P95)[0] is False


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.9, 1.1), st.integers(2, 1000))
def test_another_unit_changes_nothing_else(seed, factor, unit):
    made = unlike(40, seed, iterations=60) // 1000 * 1000
    assert decided(made, factor * P95) == decided(made * unit, factor * P95 * unit)
    (looks,), (others,) = (looks_at(one, (0.95,)) for one in (made, made * unit))
    assert [look.low for look in others] == [unit * (look.low or 0.0) for look in looks]


def test_a_limit_that_is_the_truth_is_seldom_kept() -> None:
    kept = sum(decided(unlike(40, seed), P95)[0] is True for seed in range(200))
    assert kept <= 16  # 5 % and two Monte-Carlo errors


def test_launches_that_end_between_looks_are_looked_at_in_the_end() -> None:
    samples = launches(13)
    for final, expected in ((False, [10]), (True, [10, 13])):
        (looks,) = looks_at(samples, (0.95,), final=final)
        assert [look.launches for look in looks] == expected
    assert looks_at([], (0.5, 0.95)) == ((), ())


def test_launches_may_differ_in_length() -> None:
    made = [one[: 40 + 3 * index] for index, one in enumerate(unlike(25, 5))]
    assert decided(made, 2 * P95)[0] is True


def test_a_percentile_that_cannot_be_known_is_never_kept() -> None:
    assert decided(unlike(40, 6, iterations=5), 100 * P95, q=0.999) == (None, 40)


def test_a_coarse_clock_is_allowed_for() -> None:
    coarse = np.full((10, 50), 10 * int(MS))
    assert decided(coarse, 21 * MS)[0] is True
    assert decided(coarse, 15 * MS)[0] is None
    mixed = coarse + 10 * int(MS) * (np.arange(50) % 2)
    assert decided(mixed, 9 * MS)[0] is False
    assert decided(mixed, 29 * MS)[0] is None


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (np.full((10, 5), math.nan), "not finite"),
        (np.full((10, 5), -1), "negative"),
        ([np.array([], dtype=np.int64)], "no samples"),
    ],
)
def test_bad_input_is_named(values, match) -> None:
    with pytest.raises(ValueError, match=match):
        looks_at(values, (0.95,))


def test_ten_million_samples() -> None:
    made = np.random.default_rng(0).integers(10**6, 2 * 10**6, (10, 10**6), dtype=np.int64)
    assert decided(made, 3 * MS) == (True, 10)


def test_the_level_of_a_look_is_what_all_looks_together_allow() -> None:
    assert level_per_look(LOOKS, 0.0185) == pytest.approx(ALPHA, abs=1e-4)
