from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from benchhub.stats.sequential import level_per_look


def test_pocock_has_published_levels():
    """Levels of two-sided tests at .05, from Pocock's table of equally spaced looks."""
    for looks, level in ((2, 0.0294), (3, 0.0221), (4, 0.0182), (5, 0.0158)):
        spaced = range(10, 10 * looks + 1, 10)
        assert level_per_look(spaced, 0.05, two_sided=True) == pytest.approx(level, abs=1e-4)


def test_one_look_spends_all():
    assert level_per_look((40,), 0.05) == 0.05


@pytest.mark.parametrize("two_sided", [False, True])
def test_levels_are_kept(two_sided):
    looks = (10, 16, 25, 40)
    level = level_per_look(looks, 0.05, two_sided)
    sums = np.cumsum(np.random.default_rng(1).standard_normal((20_000, 40)), axis=1)
    scores = sums[:, np.array(looks) - 1] / np.sqrt(looks)
    scores = np.abs(scores) if two_sided else scores
    edge = norm.isf(level / 2 if two_sided else level)
    assert (scores > edge).any(axis=1).mean() == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("looks", [(), (0, 3), (10, 10), (20, 10)])
def test_looks_must_increase(looks):
    with pytest.raises(ValueError, match="increasing"):
        level_per_look(looks, 0.05)
