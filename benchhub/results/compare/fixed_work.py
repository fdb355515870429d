"""Whether a device itself was faster or slower in one of two runs: its fixed work says; pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator

import numpy as np

from benchhub.model.launch import Launch
from benchhub.results.compare.conditions import Difference, DifferenceKind, Reach
from benchhub.results.rows.fixed_work import doubtful, samples_ns
from benchhub.stats.unpaired import unpaired_ratio


def of_fixed_work(before: Iterable[Launch], after: Iterable[Launch]) -> Iterator[Difference]:
    """Yield the devices whose fixed work took another time, from the finished launches of runs.

    Where the system may differ this is part of the answer; elsewhere it is why times of that
    device do not compare.
    """
    old, new = _medians_ms(before), _medians_ms(after)
    for device in sorted(old.keys() & new.keys()):
        if min(*old[device], *new[device]) <= 0:
            continue
        told = unpaired_ratio(new[device], old[device])
        if doubtful(told.p_value, told.ratio.estimate):
            was, now = (f"{statistics.median(of[device]):.4g} ms" for of in (old, new))
            yield Difference(
                DifferenceKind.SYSTEM, device, "time of fixed work", was, now, Reach.TIMING
            )


def _medians_ms(launches: Iterable[Launch]) -> dict[str, list[float]]:
    return {
        device: [float(np.median(one)) / 1e6 for one in samples]
        for device, samples in samples_ns(launches).items()
    }
