"""Intervals widened for several tries: Bonferroni's correction of limits that are there already."""

from __future__ import annotations


def widening(tries: int, n: float | None, confidence: float = 0.95) -> float:
    """Return by how much the limits of one of `tries` figures move away from the figure.

    The ratio of Student's t quantiles at confidence 1 - (1 - confidence) / tries and at
    `confidence`, for `n` independent values (None: very many). Exact for a mean of normal errors,
    about right for limits that lie where those of such a mean would. Source: O. J. Dunn, Multiple
    comparisons among means, JASA 56 (1961). ValueError: fewer than one try.
    """
    from scipy.special import stdtrit

    if tries < 1:
        raise ValueError(f"{tries} tries: an interval belongs to one at least")
    if tries == 1:
        return 1.0
    degrees = 1e9 if n is None else max(1.0, n - 1)
    tail = (1 - confidence) / 2
    wide, usual = (float(stdtrit(degrees, 1 - tail / of)) for of in (tries, 1))
    return wide / usual
