"""What launches say at each look."""

from __future__ import annotations

import numpy as np
import pytest

from benchhub.stats.looks import deciding, looks_at


def launches(count: int, size: int = 200, seed: int = 1) -> list[np.ndarray]:
    logs = np.random.default_rng(seed).normal(0, 0.05, (count, size))
    return list((1e7 * np.exp(logs)).astype(np.int64))


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
