"""How many launches it takes to know that launches of another kind are rare.

An interval over launches that are all alike says nothing of a kind that none of them was. Source:
C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits illustrated in the case of
the binomial, Biometrika 26 (1934).
"""

from __future__ import annotations

from functools import cache

from scipy.special import betaincinv

CONFIDENCE = 0.95


def most_missing(missed: int, launches: int, tries: int = 1) -> float:
    """Return the largest share of launches that miss a limit, one-sided, where so many did.

    As one of so many `tries`, all of which hold together.
    """
    if missed >= launches:
        return 1.0
    return float(betaincinv(missed + 1, launches - missed, 1 - (1 - CONFIDENCE) / tries))


@cache
def launches_needed(share: float, missed: int = 0) -> int:
    """Return the fewest launches of which so many may miss a limit for `share` to be the most.

    59 for .05 where none does. ValueError: a share that is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"a share of launches must lie between 0 and 1, not {share:g}")
    low, high = missed, missed + 1
    while most_missing(missed, high) > share:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if most_missing(missed, middle) <= share else (middle, high)
    return high
