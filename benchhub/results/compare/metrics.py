"""What is compared of a cell: one number a launch for each quantity; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchhub.model.arrays import Ints
from benchhub.model.launch import Launch
from benchhub.model.quantities import QUANTITIES, Quantity
from benchhub.model.scenario import Scenario
from benchhub.results.rows.launch_values import LAUNCH_VALUES, NS_PER_MS
from benchhub.stats.warmup import warmup_cut

#: Fewer timed calls a launch say nothing of a 95th percentile.
_LEAST_FOR_TAIL = 20
_CALLS = (Scenario.LATENCY, Scenario.PACED)


@dataclass(frozen=True, slots=True)
class Taken:
    """The finished launches of a cell in one run, and their timed calls behind the warm-up."""

    launches: tuple[Launch, ...]
    steady_ns: tuple[Ints, ...]


def taken(launches: Sequence[Launch], scenario: str) -> Taken:
    """Return launches to be measured; the cut is one for all of them, and of latency alone."""
    timed = scenario in _CALLS
    calls = [launch.samples_ns for launch in launches if launch.samples_ns.size] if timed else []
    if calls and scenario == Scenario.LATENCY:
        calls = warmup_cut(calls).steady(calls)
    return Taken(tuple(launches), tuple(calls))


def compared_in(scenario: str) -> tuple[Quantity, ...]:
    """Return the quantities that cells of a scenario are compared by; quality is by its cases."""
    return tuple(one for one in QUANTITIES.values() if scenario in one.compared_in)


def values(quantity: Quantity, cell: Taken) -> list[float]:
    """Return the quantity of each launch that tells it, in its own unit."""
    if quantity.quantile is None:
        value = LAUNCH_VALUES[quantity.name]
        return [one for launch in cell.launches if (one := value(launch)) is not None]
    q = quantity.quantile
    least = _LEAST_FOR_TAIL if q > 0.5 else 1
    long = [samples for samples in cell.steady_ns if samples.size >= least]
    if len({samples.size for samples in long}) == 1:  # many times as fast
        return [float(value) / NS_PER_MS for value in np.quantile(np.stack(long), q, axis=1)]
    return [float(np.quantile(samples, q)) / NS_PER_MS for samples in long]
