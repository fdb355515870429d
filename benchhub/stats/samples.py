"""What samples of launches must be before anything is computed from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Durations in ns: an array of shape (launches, iterations), or launches of any lengths.
Samples: TypeAlias = NDArray[np.int64] | Iterable[NDArray[np.int64]]
Launches: TypeAlias = list[NDArray[np.int64]]


def checked(samples_ns: Samples) -> Launches:
    """Return the launches as a list of one-dimensional arrays; there may be none.

    ValueError: an empty launch, one of more than one axis, a negative or non-finite sample.
    """
    launches = [np.asarray(launch) for launch in samples_ns]
    for index, launch in enumerate(launches):
        if launch.ndim != 1 or launch.size == 0:
            raise ValueError(f"launch {index} has no samples, or more than one axis")
        if launch.dtype.kind == "f" and not np.isfinite(launch).all():
            raise ValueError(f"launch {index} has samples that are not finite")
        if launch.min() < 0:
            raise ValueError(f"launch {index} has a negative duration: its clock went back")
    return launches


def tick_ns(launches: Sequence[NDArray[np.int64]]) -> float:
    """Return the step of the clock as the samples show it: their greatest common divisor.

    A clock of 1 ns gives 1. Constant samples give themselves: the clock may be that coarse. Zeros
    alone give infinity: it never ticked.
    """
    flat = np.concatenate(launches)
    step = int(np.gcd.reduce(np.asarray(flat, dtype=np.int64)))
    return float(step) if step else float("inf")


def tick_slack_ns(launches: Sequence[NDArray[np.int64]]) -> float:
    """Return by how much the clock's step may hide a limit: nothing for a clock of 1 ns."""
    tick = tick_ns(launches)
    return 0.0 if tick <= 1 else tick


def launch_medians(launches: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return the median of each launch, in ns; launches of one length are sorted all at once."""
    if len({launch.size for launch in launches}) == 1:
        return np.asarray(np.median(np.stack(launches), axis=1), dtype=np.float64)
    return np.array([np.median(launch) for launch in launches], dtype=np.float64)
