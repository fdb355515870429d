"""The statistics of one benchmark as pytest-benchmark defines them; pure.

Quartiles are the medians of the halves where the count is even, and the interpolation of method 3
of https://en.wikipedia.org/wiki/Quartile where it is odd.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

from benchhub.model.arrays import Ints


def round_stats(samples_ns: Ints) -> dict[str, float | int | str | list[float]]:
    """Return the `stats` of a benchmark whose rounds are `samples_ns`, shape (rounds,), in seconds.

    Every call is a round of one iteration. ValueError: no rounds.
    """
    if not samples_ns.size:
        raise ValueError("no rounds: a benchmark needs at least one")
    data = [sample / 1e9 for sample in samples_ns.tolist()]
    ordered = sorted(data)
    low, high = _quartiles(ordered)
    mean = float(samples_ns.mean()) / 1e9
    stddev = float(samples_ns.std(ddof=1)) / 1e9 if len(data) > 1 else 0.0
    total = int(samples_ns.sum()) / 1e9
    far = _outside(ordered, mean - stddev, mean + stddev)
    fence_low, fence_high = low - 1.5 * (high - low), high + 1.5 * (high - low)
    beyond = _outside(ordered, fence_low, fence_high)
    within = [value for value in ordered if fence_low <= value <= fence_high] or ordered
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": mean,
        "stddev": stddev,
        "rounds": len(data),
        "median": statistics.median(ordered),
        "iqr": high - low,
        "q1": low,
        "q3": high,
        "iqr_outliers": beyond,
        "stddev_outliers": far,
        "outliers": f"{far};{beyond}",
        "ld15iqr": within[0],
        "hd15iqr": within[-1],
        "ops": len(data) / total if total else 0.0,
        "total": total,
        "data": data,
        "iterations": 1,
    }


def _quartiles(ordered: Sequence[float]) -> tuple[float, float]:
    rounds = len(ordered)
    if rounds == 1:
        return ordered[0], ordered[0]
    half, n = rounds // 2, rounds // 4
    if rounds % 2 == 0:
        return statistics.median(ordered[:half]), statistics.median(ordered[half:])
    if rounds % 4 == 1:
        below = 0.25 * ordered[n - 1] + 0.75 * ordered[n]
        return below, 0.75 * ordered[3 * n] + 0.25 * ordered[3 * n + 1]
    below = 0.75 * ordered[n] + 0.25 * ordered[n + 1]
    return below, 0.25 * ordered[3 * n + 1] + 0.75 * ordered[3 * n + 2]


def _outside(values: Sequence[float], low: float, high: float) -> int:
    array = np.asarray(values)
    return int(((array < low) | (array > high)).sum())
