"""What a report shows: rows, verdicts, and a run's results as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchhub.model.asked import Budget
from benchhub.model.cell import Cell, CellKind, Skip, Variant
from benchhub.model.claim import ClaimAnswer
from benchhub.model.columns import ENDS
from benchhub.model.device import DeviceInfo, Selftest
from benchhub.model.figure import NOT_MEASURED, Figure, Interval, MetricFigures
from benchhub.model.flag import WRONG_OUTPUTS, Flag
from benchhub.model.launch import Details, RunInfo
from benchhub.model.quantities import QUANTITIES
from benchhub.model.scenario import VerdictOutcome

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PacingTold:
    """How well the arrivals of a paced cell were kept, over all launches."""

    offered: int
    completed: int
    late_starts: int
    start_late_p99_ns: Range | None


@dataclass(frozen=True, slots=True)
class QualitySource:
    """Which cell's outputs were judged, and against whose."""

    cell: str
    against: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProvenance:
    """Where a row's figures come from: launches, the state of the device, what the backend says.

    Ranges are over the states before and after each launch. `details` are the backend's own.
    `warmup_dropped` calls at the start of every launch are in no figure. `launches_of` is the key
    of the cell whose launches these are; empty: its own.
    """

    model_sha256: str = ""
    planned_launches: int = 0
    launches: tuple[str, ...] = ()
    statuses: Mapping[str, int] = field(default_factory=dict)
    started_at: tuple[str, str] | None = None
    governor: str | None = None
    frequency_mhz: Range | None = None
    temperature_c: Range | None = None
    load_1m: Range | None = None
    unavailable: Mapping[str, str] = field(default_factory=dict)
    gpu_memory_source: str | None = None
    details: Details = field(default_factory=Details)
    paced: PacingTold | None = None
    warmup_dropped: int = 0
    quality: QualitySource | None = None
    launches_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cell in a report: what it is of, and `figures` by the name of the quantity.

    `row["p95_ms"]` is a figure, also where nothing was measured. `quality` is what the first metric
    says, `quality_also` the others by name; `unjudged` gives for each that is missing the reason,
    the first metric's under its empty name. `several_metrics`: the task has further ones.
    `of_suite`: there is a suite file, whose settings a reader may change; `left_out` are its
    scenarios that the run was narrowed down without.
    `medians_ms` are those of a latency cell's launches, each with the round it was made in.
    """

    run: str
    device: str
    arch: str | None = None
    emulated: bool = False
    backend: str
    backend_version: str | None = None
    provider: str | None = None
    variant: str
    recipe: str | None = None
    model_sha256: str
    scenario: str
    batch: int
    threads: int
    precision: str | None = None
    concurrency: int = 1
    rate_per_s: float | None = None
    options: str | None = None
    shapes: str | None = None
    launches: int = 0
    iterations: int | None = None
    n_eff: float | None = None
    status: str = "finished"
    reason: str | None = None
    flags: tuple[Flag, ...] = ()
    clock: str | None = None
    energy_source: str | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    quality: MetricFigures | None = None
    quality_also: Mapping[str, MetricFigures] = field(default_factory=dict)
    several_metrics: bool = False
    medians_ms: tuple[tuple[int, float], ...] = ()
    unjudged: Mapping[str, str] = field(default_factory=dict)
    agreement_relative: float | None = None
    cell: str = ""
    kind: CellKind = CellKind.MODEL
    of_suite: bool = True
    left_out: tuple[str, ...] = ()
    provenance: RowProvenance = field(default_factory=RowProvenance)

    def __getitem__(self, quantity: str) -> Figure:
        """Return the figure of a quantity; KeyError if there is no such one."""
        if quantity in _OF_QUALITY:
            return self._of_quality(quantity)
        if quantity not in QUANTITIES:
            raise KeyError(quantity)
        return self.figures.get(quantity, NOT_MEASURED)

    def column(self, name: str) -> Any:
        """Return a column of csv: an attribute, a quantity's value, or an end of its interval."""
        if name in QUANTITIES:
            value = self[name].value
            return int(value) if value is not None and QUANTITIES[name].whole else value
        if name in ENDS:
            quantity, lower = ENDS[name]
            figure = self[quantity]
            if figure.value is None:
                return None
            return figure.low if lower else figure.high
        if name == "quality_metric":
            return self.quality.metric if self.quality else None
        if name == "quality_cases":
            return self.quality.cases if self.quality else None
        return getattr(self, name)

    @property
    def runs_model(self) -> bool:
        """Whether a model ran, of which budgets and reports speak."""
        return self.kind is CellKind.MODEL

    @property
    def calls_nothing(self) -> bool:
        """Whether its calls do nothing at all: its times are what the harness itself costs."""
        return not self.runs_model and self.options is None

    @property
    def outputs_wrong(self) -> tuple[Flag, ...]:
        """The flags that say that its outputs are not those that were meant."""
        return tuple(flag for flag in self.flags if flag.name in WRONG_OUTPUTS)

    def _of_quality(self, quantity: str) -> Figure:
        known = self.quality
        if known is None:
            return Figure(withheld=self.unjudged.get("", "")) if quantity == "quality" else Figure()
        if quantity == "quality":
            return Figure(known.value, Interval(known.low, known.high, "bootstrap-t"))
        loss = known.loss
        return Figure(loss.estimate, Interval(loss.low, loss.high, known.method))


_OF_QUALITY = frozenset({"quality", "quality_loss"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """A budget applied to one cell: what was asked, what was seen, what follows.

    `key` is the budget's entry, which limits the quantity in `column`.
    `next_step` is what to do about it, empty for a PASS. `cause` is why it is INCONCLUSIVE, without
    figures of this cell alone; empty otherwise. `looks` are the numbers of launches at
    which a percentile was judged, up to the look that decided or the last; the value and its
    limits are those of that look. Empty: judged once, over all launches.
    """

    cell: str
    device: str
    variant: str
    backend: str
    scenario: str
    batch: int
    threads: int
    budget: str
    key: str
    column: str
    limit: float
    value: float | None
    low: float | None
    high: float | None
    launches: int
    outcome: VerdictOutcome
    reason: str
    next_step: str = ""
    looks: tuple[int, ...] = ()
    cause: str = ""

    @property
    def by_definition(self) -> bool:
        """Whether it is the baseline's loss against itself: no interval, and nothing was judged."""
        known = self.low is not None or self.high is not None
        return self.outcome is VerdictOutcome.PASS and not known


@dataclass(frozen=True, slots=True)
class Lead:
    """How many times as fast as another file's cell the fastest is, with its limits.

    `launches` of each would tell the two apart if the ratio stays; None: more than anybody makes.
    """

    other: Cell
    ratio: float
    low: float | None
    high: float | None
    launches: int | None

    @property
    def told(self) -> bool:
        """Whether the whole interval lies above 1."""
        return self.low is not None and self.low > 1


@dataclass(frozen=True, slots=True)
class Race:
    """Cells of several files at one setting of one device: the fastest, and its leads.

    `backend`: all on one; None: each file on the backend where its median is lowest.
    """

    fastest: Cell
    leads: tuple[Lead, ...]
    backend: str | None


@dataclass(frozen=True, slots=True)
class LaunchTold:
    """A launch as the details of its cell tell it; `values` are of their `measures`.

    `calls` are those that count. Temperature and clock are those after it, the load is that before
    it. `flags` are doubts about this launch alone; `failure` is empty where it did not fail.
    """

    index: int
    attempt: int
    round: int
    started_at: str
    status: str
    values: tuple[float | None, ...] = ()
    calls: int = 0
    temperature_c: float | None = None
    frequency_mhz: float | None = None
    load_1m: float | None = None
    flags: tuple[Flag, ...] = ()
    failure: str = ""

    @property
    def id(self) -> str:
        """Its number and attempt, as in provenance."""
        return f"{self.index}.{self.attempt}"


@dataclass(frozen=True, slots=True)
class Distribution:
    """How long calls took: the times in ms within which `shares` of them ended, from 0 to 1.

    `pooled_ms` is of the `calls` of all `launches`; between `lowest_ms` and `highest_ms` lies each
    launch by itself. The slowest call is number `slowest_call`, from 1, of what the launch
    `slowest_in` timed.
    """

    shares: tuple[float, ...]
    pooled_ms: tuple[float, ...]
    lowest_ms: tuple[float, ...]
    highest_ms: tuple[float, ...]
    calls: int
    launches: int
    slowest_in: str
    slowest_call: int


@dataclass(frozen=True, slots=True)
class CellDetails:
    """What a cell opens: its launches in order of their start, and how long their calls took.

    `measures` are the quantities of which each launch has a value; empty where its scenario has
    none. `gone` is when its samples were deleted; empty: they are there.
    """

    measures: tuple[str, ...] = ()
    launches: tuple[LaunchTold, ...] = ()
    distribution: Distribution | None = None
    gone: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """A run as reports see it: rows, verdicts, skips, and where it all came from.

    `selftests` holds for each device the last one before the run began; `unjudged` names the
    budgets, or parts of them, that no measured cell answers, `unapplied` those that match no cell
    that was planned; `claims` are the suite's, answered; `races` hold files without a
    suite against each other; `details` are what cells open, by key, where somebody asked for them.
    `budgets` are those that the verdicts are of.
    """

    run: RunInfo
    devices: tuple[DeviceInfo, ...]
    rows: tuple[Row, ...]
    verdicts: tuple[Verdict, ...]
    skips: tuple[Skip, ...]
    variants: tuple[Variant, ...]
    selftests: tuple[Selftest, ...] = ()
    unjudged: tuple[str, ...] = ()
    unapplied: tuple[str, ...] = ()
    claims: tuple[ClaimAnswer, ...] = ()
    races: tuple[Race, ...] = ()
    budgets: tuple[Budget, ...] = ()
    details: Mapping[str, CellDetails] = field(default_factory=dict)
