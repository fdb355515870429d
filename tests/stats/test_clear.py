"""Clear cases: far below a limit, far above it, and how rare launches of another kind are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from benchhub.stats.looks import clearly_above, clearly_below, deciding, looks_at
from benchhub.stats.rare_launches import launches_needed, most_missing

MS = 1e6
Made = NDArray[np.int64]


def two_speeds(count: int, seed: int = 1) -> Made:
    """Three launches of ten have six calls of ten that take .39 ms in place of .30 ms."""
    rng = np.random.default_rng(seed)
    slow = (rng.random((count, 1)) < 0.3) & (rng.random((count, 200)) < 0.6)
    return np.where(slow, 390_000, 300_000) + rng.integers(0, 1000, (count, 200))


def decided(made: Made, limit_ms: float, q: float = 0.95) -> int | None:
    (looks,) = looks_at(made, (q,))
    look = deciding(looks, limit_ms * MS)
    return look.launches if look else None


@pytest.mark.parametrize("seed", range(10))
def test_two_speeds_far_below_the_limit_are_told_at_the_first_look(seed: int) -> None:
    assert decided(two_speeds(10, seed), 5.0) == 10


def test_not_where_one_call_took_more_than_half_of_it() -> None:
    made = two_speeds(10)
    (look,), *_ = looks_at(made, (0.95,))
    assert clearly_below(look, 2 * look.most) if look.most else False
    made[3, 0] = int(2.6 * MS)  # a call of the warm-up counts as well
    (spoilt,), *_ = looks_at(made, (0.95,))
    assert spoilt.most == 2.6 * MS
    assert not clearly_below(spoilt, 5 * MS)


def test_not_with_fewer_launches_than_a_first_look_has() -> None:
    ((look,),) = looks_at(two_speeds(9), (0.95,))
    assert look.most is None


def test_not_where_the_calls_are_too_few_for_the_percentile() -> None:
    ((p99,), (p99_9,)) = looks_at(two_speeds(10), (0.99, 0.999))
    assert p99.most is not None
    assert p99_9.most is None  # a call in a thousand is not among 2,000 once in seven times


def test_a_step_of_the_clock_is_added_to_the_longest_call() -> None:
    made = np.full((10, 200), 2_000_000) * np.arange(1, 3).repeat(100)
    ((look,),) = looks_at(made, (0.95,))
    assert look.most == 6 * MS


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.2, 3.0))
def test_above_by_far_is_above_at_the_ordinary_bound_as_well(seed: int, limit_ms: float) -> None:
    rng = np.random.default_rng(seed)
    made = [
        np.asarray(MS * np.exp(rng.normal(0, 0.05) + rng.normal(0, 0.1, 200)), np.int64)
        for _ in range(3)
    ]
    ((look,),) = looks_at(made, (0.95,))
    if clearly_above(made, [(0.95, limit_ms * MS)]):
        assert look.low is not None
        assert look.low > limit_ms * MS
        assert look.estimate > limit_ms * MS


def test_nothing_is_above_a_limit_that_there_is_not() -> None:
    assert not clearly_above(two_speeds(3), [])


@pytest.mark.parametrize(
    ("share", "missed", "needed"),
    [(0.05, 0, 59), (0.1, 0, 29), (0.01, 0, 299), (0.05, 1, 93), (0.05, 2, 124), (0.5, 0, 5)],
)
def test_launches_needed(share: float, missed: int, needed: int) -> None:
    assert launches_needed(share, missed) == needed
    assert binom.cdf(missed, needed, share) <= 0.05 < binom.cdf(missed, needed - 1, share)


@given(st.integers(0, 30), st.integers(1, 200))
def test_most_missing_is_where_so_few_are_seen_once_in_twenty(missed: int, more: int) -> None:
    share = most_missing(missed, missed + more)
    assert binom.cdf(missed, missed + more, share) == pytest.approx(0.05)


def test_all_missing_bounds_nothing() -> None:
    assert most_missing(3, 3) == 1.0


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        launches_needed(share)
