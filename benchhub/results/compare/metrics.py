"""What is compared of a cell: one number a launch for each metric, a table; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchhub.model.arrays import Ints
from benchhub.model.launch import Launch
from benchhub.model.scenario import Scenario
from benchhub.results.rows.launch_values import energy_mj, rate_per_s
from benchhub.stats.warmup import warmup_cut

#: Fewer timed calls a launch say nothing of a 95th percentile.
_LEAST_FOR_TAIL = 20
_NS_PER_MS = 1e6
_BYTES_PER_MIB = 1024 * 1024
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


#: Returns the value of each launch that has one.
Values = Callable[[Taken], list[float]]


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric: the column of its name, its unit, whether more is better and whether it is time."""

    name: str
    unit: str
    scenarios: tuple[Scenario, ...]
    values: Values
    timing: bool = True
    more_is_better: bool = False


def _calls(q: float) -> Values:
    least = _LEAST_FOR_TAIL if q > 0.5 else 1

    def values(cell: Taken) -> list[float]:
        long = [samples for samples in cell.steady_ns if samples.size >= least]
        if len({samples.size for samples in long}) == 1:  # many times as fast
            return [float(value) / _NS_PER_MS for value in np.quantile(np.stack(long), q, axis=1)]
        return [float(np.quantile(samples, q)) / _NS_PER_MS for samples in long]

    return values


def _each(value: Callable[[Launch], float | None]) -> Values:
    def values(cell: Taken) -> list[float]:
        return [one for launch in cell.launches if (one := value(launch)) is not None]

    return values


def _field(name: str, unit: float) -> Values:
    def values(cell: Taken) -> list[float]:
        known = (getattr(launch, name) for launch in cell.launches)
        return [value / unit for value in known if value is not None]

    return values


_MEMORY = (Scenario.MEMORY,)
_COLD = (Scenario.COLD_START,)

#: By column. Quality is compared case by case and is not among them.
MEASURES: Mapping[str, Measure] = {
    one.name: one
    for one in (
        Measure("p50_ms", "ms", _CALLS, _calls(0.50)),
        Measure("p95_ms", "ms", _CALLS, _calls(0.95)),
        Measure(
            "throughput_per_s", "/s", (Scenario.THROUGHPUT,), _each(rate_per_s), more_is_better=True
        ),
        Measure("energy_mj", "mJ", (Scenario.LATENCY, Scenario.THROUGHPUT), _each(energy_mj)),
        Measure("load_ms", "ms", _COLD, _field("load_ns", _NS_PER_MS)),
        Measure("first_inference_ms", "ms", _COLD, _field("first_inference_ns", _NS_PER_MS)),
        Measure("peak_rss_mib", "MiB", _MEMORY, _field("peak_rss_bytes", _BYTES_PER_MIB), False),
        Measure("gpu_mem_mib", "MiB", _MEMORY, _field("gpu_bytes", _BYTES_PER_MIB), False),
    )
}  # fmt: skip


def measures_of(scenario: str) -> tuple[Measure, ...]:
    """Return the metrics that cells of a scenario are compared by."""
    return tuple(one for one in MEASURES.values() if scenario in one.scenarios)
