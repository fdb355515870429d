from __future__ import annotations

from array import array
from collections.abc import Callable

import pytest

from benchhub.ondevice.measure.loop import time_calls


def clock_and_call(costs: list[int]) -> tuple[Callable[[], int], Callable[[], None]]:
    """A clock that costs 1 ns to read, and a call that takes `costs` in turn."""
    now = 0
    made = iter(costs)

    def clock() -> int:
        nonlocal now
        now += 1
        return now

    def call() -> None:
        nonlocal now
        now += next(made)

    return clock, call


def test_samples_are_the_calls_alone_and_elapsed_is_everything() -> None:
    clock, call = clock_and_call([10, 20, 30])
    buffer = array("q", [0, 0, 0])
    assert time_calls(call, clock, buffer, 3, 1, 10**9) == (3, 66)
    assert list(buffer) == [11, 21, 31]


@pytest.mark.parametrize(
    ("max_timed_ns", "min_iterations", "count"),
    [(111, 1, 1), (112, 1, 2), (0, 1, 1), (0, 3, 3), (0, 9, 5), (10**9, 1, 5)],
)
def test_ends_at_the_first_call_past_the_limit(
    max_timed_ns: int, min_iterations: int, count: int
) -> None:
    clock, call = clock_and_call([110, 110, 110, 110, 110])
    buffer = array("q", [0] * 5)
    made, _ = time_calls(call, clock, buffer, 5, min_iterations, max_timed_ns)
    assert made == count
    assert list(buffer) == [111] * count + [0] * (5 - count)


def test_no_iterations_make_no_call() -> None:
    clock, call = clock_and_call([])
    assert time_calls(call, clock, array("q"), 0, 1, 10**9) == (0, 0)
    assert clock() == 1
