"""How strict each look must be when a test may stop at several of them.

Sources: S. J. Pocock, Group sequential methods in the design and analysis of clinical trials,
Biometrika 64 (1977), for one level at every look; P. Armitage, C. K. McPherson and B. C. Rowe,
Repeated significance tests on accumulating data, JRSS A 132 (1969), for the recursion.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache

import numpy as np

_FAR = 8.0
_POINTS = 200


def level_per_look(looks: Sequence[int], alpha: float, two_sided: bool = False) -> float:
    """Return the level at which to test at each of `looks` so that all of them together keep alpha.

    `looks` are the increasing numbers of launches, two or more apart or not; normal increments are
    assumed. Levels of `two_sided` tests count both sides. ValueError: looks that do not increase.
    """
    if not looks or looks[0] < 1 or any(a >= b for a, b in itertools.pairwise(looks)):
        raise ValueError(f"looks must be increasing numbers of launches, not {tuple(looks)}")
    return _level(tuple(looks), alpha, two_sided)


@cache
def _level(looks: tuple[int, ...], alpha: float, two_sided: bool) -> float:
    from scipy.special import ndtr

    if len(looks) == 1:
        return alpha
    from scipy.optimize import brentq  # takes long to import, and runs without budgets need none

    z = brentq(lambda z: _crossing(looks, z, two_sided) - alpha, 0.1, 6.0)
    return float((2 if two_sided else 1) * ndtr(-z))


def _crossing(looks: tuple[int, ...], z: float, two_sided: bool) -> float:
    """Return the chance that a driftless standardised sum passes z at some look."""
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    start = -z if two_sided else -_FAR
    grid, weights = start + (z - start) / 2 * (nodes + 1), (z - start) / 2 * weights
    density = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    for before, after in itertools.pairwise(looks):
        kept, spread = np.sqrt(before / after), np.sqrt(1 - before / after)
        steps = np.exp(-(((grid[:, None] - kept * grid) / spread) ** 2) / 2)
        density = steps @ (density * weights) / (spread * np.sqrt(2 * np.pi))
    return float(1 - density @ weights)
