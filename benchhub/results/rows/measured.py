"""What a cell's launches show by themselves: figures, doubts, and where they come from; pure.

Figures over launches (load, first inference, memory, energy) are medians, with order-statistic
intervals. `n_eff` is that of p95. `iterations` counts the timed calls of all launches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo
from benchhub.model.figure import Figure
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.launch import Details, Launch
from benchhub.model.quantities import QUANTITIES
from benchhub.model.row import PacingTold, Range, RowProvenance
from benchhub.model.scenario import Scenario
from benchhub.results.rows.flags import flags
from benchhub.results.rows.launch_values import LAUNCH_VALUES
from benchhub.results.rows.timing import estimated, timing
from benchhub.stats.interval import median_interval
from benchhub.stats.samples import launch_medians
from benchhub.stats.warmup import WarmupCut, warmup_cut
from benchhub.text import instant

#: Quantities of one number a launch whose median stands in every finished row that has them.
_OVER_LAUNCHES = (
    "load_ms", "first_inference_ms", "peak_rss_mib", "model_rss_mib", "gpu_mem_mib",
)  # fmt: skip


#: The launches that a cell takes its figures from, in order of their start, read when asked for.
Launches = Callable[[Cell], Sequence[Launch]]
#: Those of one cell, read anew or still there.
Again = Callable[[], Sequence[Launch]]


@dataclass(frozen=True, slots=True)
class TimedLaunch:
    """A finished launch that timed calls: its round, their median, and the wall time of each."""

    round: int
    median_ns: float
    rate_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the launches of a cell show, without them; `dropped` calls of each were warm-up.

    `launches` of them there are, and `finished` of these. `timed` are in order of their start, and
    their medians are without the warm-up. `again` has the launches for who needs another cut.
    """

    cell: Cell
    launches: int
    finished: int
    again: Again = field(repr=False, compare=False)
    timed: tuple[TimedLaunch, ...] = ()
    status: str
    reason: str | None = None
    flags: tuple[Flag, ...] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    iterations: int | None = None
    n_eff: float | None = None
    dropped: int = 0
    backend_version: str | None = None
    provider: str | None = None
    precision: str | None = None
    clock: str | None = None
    energy_source: str | None = None
    provenance: RowProvenance

    def medians_ns(self, drop: int) -> list[float]:
        """Return the medians of `timed` where `drop` calls at the start of each count as warm-up.

        A launch that ended within these has nothing else to tell: all of it counts.
        """
        if drop == self.dropped:
            return [one.median_ns for one in self.timed]
        return _medians_ns(_in_order(self.again()), drop)


def measured(
    cell: Cell,
    launches: Sequence[Launch],
    device: DeviceInfo | None,
    ended_early: bool = False,
    each_launch: bool = False,
    again: Again | None = None,
) -> Measured:
    """Return what `launches`, all of a cell's, show; `device` is its own, if it is known.

    `ended_early`: they showed enough, so that no more were made. `each_launch`: as in `timing`.
    `again` reads the launches once more; None: they are held.
    """
    again = again or (lambda: launches)
    finished = tuple(launch for launch in launches if launch.status == "finished")
    status, reason = _status(launches, finished, device)
    if status != "finished":
        return Measured(
            cell=cell, launches=len(launches), finished=len(finished), again=again, status=status,
            reason=reason,
            # What was asked for; a finished row shows what the backend says it used.
            precision=cell.precision if cell.runs_model else None,
            provenance=_provenance(cell, launches, finished, 0),
        )  # fmt: skip
    cut = WarmupCut(0, ())
    if cell.scenario is Scenario.LATENCY:
        cut = warmup_cut([one.samples_ns for one in finished if one.samples_ns.size])
    found, energy_source = dict[str, Figure](), None
    iterations = n_eff = None
    dropped = 0
    if cell.scenario is not Scenario.PROFILE:  # counting takes time and memory of its own
        timed = timing(cell, finished, cut.drop, each_launch)
        iterations, n_eff, dropped = timed.iterations, timed.n_eff, cut.drop
        energy, energy_source = _energy(finished)
        found = dict(_over_launches(finished)) | timed.figures | energy | dict(_told(finished))
    return Measured(
        cell=cell,
        launches=len(launches),
        finished=len(finished),
        again=again,
        timed=_timed(finished, dropped),
        status=status,
        flags=(*flags(finished, cut), *_of_the_record(cell, launches, finished, ended_early)),
        figures=found,
        iterations=iterations,
        n_eff=n_eff,
        dropped=dropped,
        backend_version=_several(launch.backend_version for launch in finished),
        provider=_several(launch.provider for launch in finished),
        precision=_several(launch.precision for launch in finished),
        clock=_several(launch.clock for launch in finished),
        energy_source=energy_source,
        provenance=_provenance(cell, launches, finished, dropped),
    )


def _timed(finished: Sequence[Launch], dropped: int) -> tuple[TimedLaunch, ...]:
    ordered = _in_order(finished)
    return tuple(
        TimedLaunch(one.round, median_ns, (one.elapsed_ns or 0) / one.samples_ns.size)
        for one, median_ns in zip(ordered, _medians_ns(ordered, dropped), strict=True)
    )


def _in_order(launches: Sequence[Launch]) -> list[Launch]:
    """Return the finished launches that timed calls in order of their start."""
    timed = [one for one in launches if one.status == "finished" and one.samples_ns.size]
    return sorted(timed, key=lambda one: instant(one.started_at))


def _medians_ns(launches: Sequence[Launch], drop: int) -> list[float]:
    steady = [one.samples_ns[drop:] if one.samples_ns.size > drop else one.samples_ns
              for one in launches]  # fmt: skip
    found: list[float] = launch_medians(steady).tolist() if steady else []
    return found


def _status(
    launches: Sequence[Launch], finished: Sequence[Launch], device: DeviceInfo | None
) -> tuple[str, str | None]:
    last = {launch.index: launch for launch in sorted(launches, key=lambda one: one.attempt)}
    failed = [launch for launch in last.values() if launch.status == "failed"]
    if failed:
        failure = failed[0].failure
        if failure is None:
            return "failed", "no cause given"
        return "failed", f"{failure.stage}: {failure.kind}: {failure.message}"
    if finished:
        return "finished", None
    if device is not None and device.error:
        return "unmeasured", device.error
    return "unmeasured", "every launch was interrupted" if launches else "no launch was made"


def _of_the_record(
    cell: Cell, launches: Sequence[Launch], finished: Sequence[Launch], ended_early: bool
) -> Iterator[Flag]:
    interrupted = sum(launch.status == "interrupted" for launch in launches)
    if interrupted:
        evidence = f"{interrupted} launches were interrupted and measured again"
        yield Flag(FlagKind.RELAUNCHED, evidence, caps=False)
    planned = _planned(cell, launches)
    if len(finished) < planned and ended_early:
        evidence = f"{len(finished)} of {planned} launches showed its budgets clearly broken"
        yield Flag(FlagKind.ENDED_EARLY, evidence, caps=False)
    elif len(finished) < planned:
        evidence = f"{len(finished)} of {planned} launches were made"
        yield Flag(FlagKind.INCOMPLETE, evidence, caps=False)


def _planned(cell: Cell, launches: Sequence[Launch]) -> int:
    """Return how many launches were planned for its figures, be they another cell's."""
    return launches[0].cell.launches if cell.launches_of and launches else cell.launches


def _over_launches(launches: Sequence[Launch]) -> Iterator[tuple[str, Figure]]:
    for name in _OVER_LAUNCHES:
        value = LAUNCH_VALUES[name]
        known = [one for launch in launches if (one := value.of(launch)) is not None]
        if known:
            yield name, estimated(median_interval(known), value.unit)


def _told(launches: Sequence[Launch]) -> Iterator[tuple[str, Figure]]:
    """Yield what imported sessions without samples sum up; of several, the median of theirs."""
    told = [launch.details.sums for launch in launches if launch.details.sums]
    for name in sorted({name for sums in told for name in sums} & QUANTITIES.keys()):
        yield name, Figure(median(sums[name] for sums in told if name in sums))


def _energy(launches: Sequence[Launch]) -> tuple[dict[str, Figure], str | None]:
    """Return the energy of one inference, and by which counter; idle power is included."""
    value = LAUNCH_VALUES["energy_mj"]
    known = [launch for launch in launches if value(launch) is not None]
    sources = sorted({launch.energy_source or "" for launch in known})
    if len(sources) > 1:
        why = f"launches were counted by {' and by '.join(sources)}"
        return {"energy_mj": Figure(withheld=why)}, None
    if not sources:
        return {}, None
    counted = [one for launch in known if (one := value(launch)) is not None]
    return {"energy_mj": estimated(median_interval(counted))}, sources[0] or None


def _provenance(
    cell: Cell, launches: Sequence[Launch], finished: Sequence[Launch], dropped: int
) -> RowProvenance:
    states = [state for one in finished for state in (one.before, one.after) if state]
    unavailable: dict[str, str] = {}
    for state in states:
        unavailable.update(state.unavailable)
    started = sorted((launch.started_at for launch in launches), key=instant)
    details: dict[str, Any] = {}
    for launch in finished:
        details.update(launch.details.told)
    return RowProvenance(
        model_sha256=cell.model_sha256,
        planned_launches=_planned(cell, launches),
        launches=tuple(f"{launch.index}.{launch.attempt}" for launch in finished),
        statuses=dict(Counter(launch.status for launch in launches)),
        started_at=(started[0], started[-1]) if started else None,
        governor=_several(state.governor for state in states),
        frequency_mhz=_range(state.frequency_mhz for state in states),
        temperature_c=_range(state.temperature_c for state in states),
        load_1m=_range(state.load_1m for state in states),
        unavailable=unavailable,
        gpu_memory_source=_several(launch.gpu_source for launch in finished),
        details=Details(details),
        paced=_pacing(finished),
        warmup_dropped=dropped,
        launches_of=cell.launches_of,
    )


def _pacing(finished: Sequence[Launch]) -> PacingTold | None:
    told = [known for launch in finished if (known := launch.details.pacing) is not None]
    if not told:
        return None
    return PacingTold(
        offered=sum(one.offered for one in told),
        completed=sum(one.completed for one in told),
        late_starts=sum(one.late_starts for one in told),
        start_late_p99_ns=_range(one.start_late_p99_ns for one in told),
    )


def _range(values: Iterable[float | None]) -> Range | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None


def _several(values: Iterable[str | None]) -> str | None:
    return ", ".join(sorted({value for value in values if value is not None})) or None
