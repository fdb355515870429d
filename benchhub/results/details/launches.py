"""What each launch of a cell says by itself; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchhub.model.cell import Cell
from benchhub.model.launch import Launch
from benchhub.model.quantities import PERCENTILES, QUANTITIES
from benchhub.model.row import LaunchTold
from benchhub.model.scenario import Scenario
from benchhub.results.details.distribution import Steady
from benchhub.results.rows.flags import of_launch
from benchhub.results.rows.launch_values import LAUNCH_VALUES, NS_PER_MS
from benchhub.stats.quantile import values_at

#: What a launch is asked for, by what its cell measures; some devices do not tell it.
_MEASURES: Mapping[Scenario, tuple[str, ...]] = {
    Scenario.LATENCY: ("p50_ms", "p95_ms"),
    Scenario.PACED: ("p50_ms", "p95_ms"),
    Scenario.THROUGHPUT: ("throughput_per_s",),
    Scenario.MEMORY: ("peak_rss_mib", "model_rss_mib", "gpu_mem_mib"),
    Scenario.COLD_START: ("load_ms", "first_inference_ms"),
}
#: Of what another program summed up, so many.
_MOST_TOLD = 3


def measures_of(cell: Cell, launches: Sequence[Launch], timed: bool) -> tuple[str, ...]:
    """Return the quantities that launches have a value of; `timed`: there are times of calls."""
    finished = [launch for launch in launches if launch.status == "finished"]
    wanted = _MEASURES.get(cell.scenario, ())
    told = {name for launch in finished for name in launch.details.sums}
    known = tuple(
        name
        for name in wanted
        if name in told or (timed if name in PERCENTILES else _is_told(name, finished))
    )
    return known or tuple(name for name in QUANTITIES if name in told)[:_MOST_TOLD]


def _is_told(name: str, launches: Sequence[Launch]) -> bool:
    return any(LAUNCH_VALUES[name](launch) is not None for launch in launches)


def launches_told(
    launches: Sequence[Launch], measures: Sequence[str], steady: Mapping[int, Steady]
) -> tuple[LaunchTold, ...]:
    """Return what each launch says; `steady` are the calls that count, by its place."""
    return tuple(
        _told(launch, measures, steady.get(place)) for place, launch in enumerate(launches)
    )


def _told(launch: Launch, measures: Sequence[str], steady: Steady | None) -> LaunchTold:
    finished, before, after = launch.status == "finished", launch.before, launch.after
    why = launch.failure
    return LaunchTold(
        index=launch.index,
        attempt=launch.attempt,
        round=launch.round,
        started_at=launch.started_at,
        status=launch.status,
        values=tuple(_value(launch, name, steady) for name in measures) if finished else (),
        calls=int((steady.calls_ns if steady else launch.samples_ns).size),
        temperature_c=after.temperature_c if after else None,
        frequency_mhz=after.frequency_mhz if after else None,
        load_1m=before.load_1m if before else None,
        flags=of_launch(launch) if finished else (),
        failure=f"{why.stage}: {why.kind}: {why.message}" if why else "",
    )


def _value(launch: Launch, name: str, steady: Steady | None) -> float | None:
    if name in PERCENTILES and steady is not None:
        return float(values_at(steady.ordered_ns, (PERCENTILES[name],))[0]) / NS_PER_MS
    known = LAUNCH_VALUES[name](launch) if name in LAUNCH_VALUES else None
    if known is not None:
        return known
    told = launch.details.sums.get(name)
    return told if isinstance(told, int | float) and not isinstance(told, bool) else None
