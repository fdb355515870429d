from __future__ import annotations

import numpy as np
import pytest

from benchhub.stats.interval import geometric_mean_interval
from benchhub.stats.widened import widening


@pytest.mark.parametrize("n", [3, 10, 40])
@pytest.mark.parametrize("tries", [2, 12])
def test_it_is_the_interval_at_the_smaller_level(n: int, tries: int) -> None:
    """Of a Student interval exactly: the same as asking for it in the first place."""
    values = np.exp(np.random.default_rng(n).normal(0, 0.1, n)).tolist()
    usual = geometric_mean_interval(values)
    wide = geometric_mean_interval(values, 1 - 0.05 / tries)
    assert usual.high is not None
    assert wide.high is not None
    by_itself = np.log(usual.high / usual.estimate)
    assert np.log(wide.high / wide.estimate) == pytest.approx(by_itself * widening(tries, n))


def test_one_try_widens_nothing_and_many_values_are_normal() -> None:
    assert widening(1, 3) == 1
    assert widening(12, None) == pytest.approx(2.8653 / 1.9600, rel=1e-3)
    assert widening(12, 5) > widening(12, 10) > widening(12, None) > widening(2, None) > 1


def test_no_try_is_none() -> None:
    with pytest.raises(ValueError, match="0 tries"):
        widening(0, 10)
