"""The words of benchhub as frozen types; no I/O. See docs/concepts.md for the prose.

Units live in names (`_ns`, `_bytes`, `_s`); None means not measured, never 0. Conversion to
milliseconds and mebibytes happens in `summary.py`, for the columns of a `Row`, and nowhere else.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchhub.ondevice.wire import Conditions, Failure

Ints = NDArray[np.int64]
Array = NDArray[Any]
Settings = Mapping[str, Any]


class Scenario(enum.StrEnum):
    """What a cell measures."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    PACED = "paced"
    MEMORY = "memory"
    COLD_START = "cold_start"
    QUALITY = "quality"
    PROFILE = "profile"


class VerdictOutcome(enum.StrEnum):
    """The answer to a budget."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


# --- what the user asks for -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a variant is made from a baseline: a name of the recipe table and its options."""

    name: str
    options: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """A variant as a suite asks for it: a model file, or another variant and a recipe.

    `backends` are those it is meant for; empty: all of the suite's. `against` is the variant that
    its speed-up and compression refer to; None: the suite's baseline. `approximates`: the model
    file is meant to answer as the baseline does, not one that was fitted anew; of what a recipe
    makes, the recipe tells.
    """

    name: str
    model: Path | None = None
    source: str | None = None
    recipe: Recipe | None = None
    backends: tuple[str, ...] = ()
    against: str | None = None
    approximates: bool = True


@dataclass(frozen=True, slots=True)
class ScenarioSpec:
    """One scenario with the settings it sweeps; `cases` only for quality (None: all).

    `concurrency` is swept by throughput; `rates_per_s` by paced, whose calls arrive at `arrivals`
    (fixed or poisson) times and may wait for one of `concurrency` others.
    """

    scenario: Scenario
    batches: tuple[int, ...] = (1,)
    threads: tuple[int, ...] = (1,)
    cases: int | None = None
    launches: int | None = None
    iterations: int | None = None
    max_timed_s: float | None = None
    concurrency: tuple[int, ...] = (1,)
    rates_per_s: tuple[float, ...] = ()
    arrivals: str = "poisson"


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits that cells must keep; empty selectors match everything.

    `latency_ms` maps a percentile ("p50", "p90", "p95", "p99") to its limit in milliseconds, and
    `paced_ms` does so for paced cells. `paced_min_rate_per_s` asks for the limits of `paced_ms`
    to be met at that rate or a higher one, not at every rate.
    `quality_loss_relative` reads the loss limit as a share of the baseline's quality.
    """

    name: str
    devices: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    paced_ms: Mapping[str, float] = field(default_factory=dict)
    paced_min_rate_per_s: float | None = None
    throughput_min_per_s: float | None = None
    peak_rss_mib: float | None = None
    load_ms: float | None = None
    model_bytes: int | None = None
    quality_loss_max: float | None = None
    quality_loss_relative: bool = False
    quality_min_cases: int = 200

    @property
    def limits_anything(self) -> bool:
        """Whether there is a limit in it."""
        limits = (
            self.throughput_min_per_s, self.peak_rss_mib, self.load_ms, self.model_bytes,
            self.quality_loss_max,
        )  # fmt: skip
        return bool(self.latency_ms or self.paced_ms or any(x is not None for x in limits))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a variant's outputs may lie from its reference before they count as garbage.

    The measure is the root mean square difference over the root mean square spread of the
    reference outputs about their mean (0: identical; 1: no better than a constant answer).
    """

    max_relative: float = 0.5


@dataclass(frozen=True, slots=True)
class Effort:
    """How much measuring a cell gets: launches, timed iterations a launch, seconds a launch.

    A cell that a budget leaves open after its launches goes on, look by look, up to
    `most_launches`, and no further once its timed calls took `max_cell_s` altogether.
    """

    name: str
    launches: int
    iterations: int
    max_timed_s: float
    most_launches: int = 0
    max_cell_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite file, parsed."""

    name: str
    path: Path
    task: str
    baseline: str
    backends: tuple[str, ...]
    variants: tuple[VariantSpec, ...]
    scenarios: tuple[ScenarioSpec, ...]
    budgets: tuple[Budget, ...]
    effort: str
    data: Settings
    precisions: tuple[str, ...]
    agreement: Agreement
    seed: int
    deadline_s: float = 120.0
    options: Mapping[str, Settings] = field(default_factory=dict)
    requires_selftest: bool = False
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """A device as registered: how to reach it, what limits it has. `emulated`: never ranked.

    Devices with the same `machine` share hardware and are measured one after another.
    """

    name: str
    transport: str
    host: str = ""
    port: int | None = None
    user: str | None = None
    host_key: str | None = None
    identity_file: Path | None = None
    proxy_jump: str | None = None
    ssh_config: Path | None = None
    ciphers: tuple[str, ...] = ()
    python: str = "python3"
    root: str = "~/.cache/benchhub/device"
    emulated: bool = False
    machine: str = ""
    connect_timeout_s: float = 10.0
    lease_wait_s: float = 0.0
    max_temperature_c: float | None = None
    cooldown_s: float = 30.0
    max_load: float | None = None
    reboot_wait_s: float = 180.0
    labels: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None


# --- what a run is made of --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a model; an open dimension is None."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One artifact, identified by its sha256; `params` counts weights, `macs` one batch-1 pass.

    `approximates` is the variant whose answers it is meant to give, by name: itself where it was
    pruned or fitted anew; empty: the baseline's.
    """

    name: str
    path: Path
    sha256: str
    format: str
    model_bytes: int
    gzip_bytes: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    recipe: Recipe | None = None
    params: int | None = None
    nonzero_params: int | None = None
    macs: int | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    against: str | None = None
    sparse_bytes: int | None = None
    approximates: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """Device x variant x backend x scenario settings: what one row of the report stands for.

    `options` are the backend's own, as sorted JSON. `rate_per_s` and `arrivals` are of paced cells.
    """

    device: str
    variant: str
    model_sha256: str
    backend: str
    scenario: Scenario
    batch: int
    threads: int
    precision: str
    launches: int
    iterations: int
    max_timed_s: float
    cases: int | None = None
    options: str = "{}"
    concurrency: int = 1
    rate_per_s: float | None = None
    arrivals: str = ""

    @property
    def key(self) -> str:
        """A name that is the same in every run of the same cell: 16 hex digits."""
        return _cell_key(self)

    @property
    def identity(self) -> tuple[Any, ...]:
        """What makes cells of several runs the same: all but the model file and the effort."""
        return (
            self.device, self.variant, self.backend, self.scenario, self.batch, self.threads,
            self.precision, self.options, self.concurrency, self.rate_per_s, self.arrivals,
        )  # fmt: skip


@lru_cache(maxsize=16384)  # asked for once a launch, not once a cell
def _cell_key(cell: Cell) -> str:
    # Settings that came later count only where they are set: older runs keep their keys.
    later = {"concurrency": 1, "rate_per_s": None, "arrivals": ""}
    facts = [str(getattr(cell, name)) for name in cell.__slots__ if name not in later]
    facts += [
        f"{name}={getattr(cell, name)}"
        for name, usual in later.items()
        if getattr(cell, name) != usual
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Skip:
    """A combination that will not be measured, and why."""

    device: str
    variant: str
    backend: str
    scenario: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run will do."""

    cells: tuple[Cell, ...]
    skips: tuple[Skip, ...]


@dataclass(frozen=True, slots=True)
class Launch:
    """One fresh process measuring one cell once: the record, raw.

    `status` is finished, failed (the cell is closed) or interrupted (the link broke or the run
    was stopped; it is measured again under the next `attempt`). `outputs` are the arrays the
    device computed, in the model's output order. Of a quality launch whose task predicts they are
    those of the check cases, `predictions` is what the task made of the first output of all cases,
    and `postprocess_ns` how long that took on the controller, case by case.
    """

    run: str
    cell: Cell
    index: int
    attempt: int
    round: int
    started_at: str
    status: str
    failure: Failure | None
    samples_ns: Ints
    warmup_ns: Ints
    outputs: tuple[Array, ...] = ()
    backend_version: str | None = None
    provider: str | None = None
    precision: str | None = None
    clock: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    import_ns: int | None = None
    load_ns: int | None = None
    first_inference_ns: int | None = None
    elapsed_ns: int | None = None
    imported_rss_bytes: int | None = None
    peak_rss_bytes: int | None = None
    memory_reset: bool | None = None
    wall_ns: int | None = None
    involuntary_switches: int | None = None
    before: Conditions | None = None
    after: Conditions | None = None
    tracks_ns: Mapping[str, Ints] = field(default_factory=dict)
    energy_uj: int | None = None
    energy_elapsed_ns: int | None = None
    energy_source: str | None = None
    gpu_bytes: int | None = None
    gpu_source: str | None = None
    predictions: Array | None = None
    postprocess_ns: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run: one suite on some devices. `status` is running, done, interrupted or failed.

    `request` holds what `--resume` needs to plan the same run again, `provenance` the versions,
    the command line, dataset and seeds that a reader needs to repeat it.
    """

    id: str
    suite: str
    suite_sha256: str
    task: str
    baseline: str
    effort: str
    started_at: str
    finished_at: str | None
    status: str
    request: Mapping[str, Any]
    provenance: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device in a run: its facts as probed, what preflight found, why it failed if it did."""

    name: str
    transport: str
    emulated: bool
    facts: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    error: str | None = None
    staged: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of a device. `level` is ok, warn or refuse; `fix` is a line the user can run."""

    check: str
    level: str
    found: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Selftest:
    """What a device showed of itself as an instrument, at a time (ISO 8601, UTC).

    `checks` of level refuse are those it did not pass; `figures` are their numbers, with their
    units in their names (None: not measured); `run` holds the raw samples.
    """

    device: str
    at: str
    passed: bool
    run: str
    checks: tuple[Finding, ...]
    figures: Mapping[str, float | None] = field(default_factory=dict)


# --- quality ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CaseTable:
    """What a metric needs to know of each case: outputs and labels are compared once, not anew.

    `of(outputs, labels)` returns numbers of each case, shape (cases, columns), each from that case
    alone; metrics that are given the same function share its tables. `weighted`, `parts` and
    `by_case` are those of `Metric`, with the table in place of outputs and labels; `parts` None:
    the metric's own. `column` says that the metric is the mean of that column, in which NaN marks
    cases that do not count; None: it is no mean.
    """

    of: Callable[[Array, Array], NDArray[np.float64]]
    weighted: Callable[[NDArray[np.float64], Array], NDArray[np.float64]]
    parts: Callable[[NDArray[np.float64], tuple[str, ...]], dict[str, float]] | None = None
    by_case: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A quality metric that can be resampled.

    `weighted(outputs, labels, weights)` takes what the task predicts from the model's first output
    (that output itself where it does not predict) and the labels, both with
    the cases on axis 0, and weights of shape (resamples, cases): how often each case counts. It
    returns shape (resamples,); NaN where a resample leaves the metric undefined. `parts` returns
    the metric of the unweighted cases by name (per label, per class); empty when it has none.
    `by_case(outputs, labels)` returns what each case adds, shape (cases,), with the metric as mean:
    the values of a metric that is a mean of values; of others the metric plus the number of cases
    times what a case's weight changes. None: found by leaving cases out, which is slow. With a
    `table` the functions above are called only by who has no table: build such metrics with
    `benchhub.tasks.case_tables`.
    """

    name: str
    unit: str
    higher_is_better: bool
    weighted: Callable[[Array, Array, Array], NDArray[np.float64]]
    parts: Callable[[Array, Array, tuple[str, ...]], dict[str, float]]
    by_case: Callable[[Array, Array], NDArray[np.float64]] | None = None
    table: CaseTable | None = None


@dataclass(frozen=True, slots=True)
class Cases:
    """A task's cases: inputs by model input name (axis 0 runs over cases), truth and grouping.

    `groups` says which cases belong together (a patient); resampling draws whole groups.
    """

    inputs: Mapping[str, Array]
    labels: Array
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    label_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnReference:
    """What the controller computed with a variant that is no approximation of the baseline.

    `outputs` are those of the check cases, `spreads` how far each tensor spreads over more cases.
    """

    outputs: tuple[Array, ...]
    spreads: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """What outputs are judged against: the labels, and the baseline's own reference outputs.

    `reference` was computed on the controller with the baseline at float32; `rows` cases, the
    first of which are also the check cases of every launch. Where the task predicts, `predict`
    names how (see `benchhub.tasks.predictions`), `predictions` is what it makes of the reference,
    `reference` holds the check cases only, `spreads` how far each of its tensors spreads over all
    cases, and `sketch` a few numbers of each case's, to know the cases by. `also` names further
    metrics. `own` are the references of variants that do not approximate the baseline, by name.
    """

    metric: str
    labels: Array
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    label_names: tuple[str, ...]
    reference: tuple[Array, ...]
    also: tuple[str, ...] = ()
    predict: str = ""
    predictions: Array | None = None
    sketch: Array | None = None
    spreads: tuple[float, ...] = ()
    own: Mapping[str, OwnReference] = field(default_factory=dict)


# --- what a report shows ----------------------------------------------------------------------

#: The `method` in `Row.intervals` of what is no measurement: the baseline against itself.
BY_DEFINITION = "by definition"


@dataclass(frozen=True, slots=True)
class Flag:
    """A doubt about a cell, with its evidence; `caps` keeps its verdicts from being PASS."""

    name: str
    evidence: str
    caps: bool = True


@dataclass(slots=True, kw_only=True)
class Row:
    """One cell in a report; the columns of csv and json, in order. None: not measured.

    `withheld` gives the reason for a column that is empty though the cell was measured;
    `provenance` and `intervals` go to json only. `quality_also` holds the further metrics by name:
    value, low, high, loss, loss_low, loss_high, method, unit, higher_is_better.
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
    launches: int = 0
    iterations: int | None = None
    n_eff: float | None = None
    status: str = "finished"
    reason: str | None = None
    flags: tuple[Flag, ...] = ()
    load_ms: float | None = None
    first_inference_ms: float | None = None
    mean_ms: float | None = None
    p50_ms: float | None = None
    p50_low_ms: float | None = None
    p50_high_ms: float | None = None
    p90_ms: float | None = None
    p90_low_ms: float | None = None
    p90_high_ms: float | None = None
    p95_ms: float | None = None
    p95_low_ms: float | None = None
    p95_high_ms: float | None = None
    p99_ms: float | None = None
    p99_low_ms: float | None = None
    p99_high_ms: float | None = None
    throughput_per_s: float | None = None
    throughput_low_per_s: float | None = None
    throughput_high_per_s: float | None = None
    peak_rss_mib: float | None = None
    model_rss_mib: float | None = None
    gpu_mem_mib: float | None = None
    energy_mj: float | None = None
    model_bytes: int | None = None
    gzip_bytes: int | None = None
    params: int | None = None
    nonzero_params: int | None = None
    macs: int | None = None
    compression_params: float | None = None
    compression_bytes: float | None = None
    speedup: float | None = None
    speedup_low: float | None = None
    speedup_high: float | None = None
    quality_metric: str | None = None
    quality: float | None = None
    quality_low: float | None = None
    quality_high: float | None = None
    quality_loss: float | None = None
    quality_loss_low: float | None = None
    quality_loss_high: float | None = None
    quality_cases: int | None = None
    agreement_max_abs: float | None = None
    clock: str | None = None
    concurrency: int = 1
    rate_per_s: float | None = None
    options: str | None = None
    service_p50_ms: float | None = None
    device_p50_ms: float | None = None
    copy_in_p50_ms: float | None = None
    copy_out_p50_ms: float | None = None
    overhead_p50_ms: float | None = None
    energy_source: str | None = None
    postprocess_p50_ms: float | None = None
    sparse_bytes: int | None = None
    # json only
    cell: str = ""
    agreement_relative: float | None = None
    withheld: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    quality_parts: Mapping[str, float] = field(default_factory=dict)
    quality_also: Mapping[str, Any] = field(default_factory=dict)


#: The columns of csv, in order: every field of Row up to and including `sparse_bytes`.
COLUMNS: tuple[str, ...] = tuple(Row.__dataclass_fields__)[
    : list(Row.__dataclass_fields__).index("sparse_bytes") + 1
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A budget applied to one cell: what was asked, what was seen, what follows.

    `next_step` is what to do about it, empty for a PASS. `looks` are the numbers of launches at
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


@dataclass(frozen=True, slots=True)
class Results:
    """A run as reports see it: rows, verdicts, skips, and where it all came from.

    `selftests` holds for each device the last one before the run began; `unjudged` names the
    budgets, or parts of them, that no measured cell answers; `claims` are the suite's, answered.
    """

    run: RunInfo
    devices: tuple[DeviceInfo, ...]
    rows: tuple[Row, ...]
    verdicts: tuple[Verdict, ...]
    skips: tuple[Skip, ...]
    variants: tuple[Variant, ...]
    selftests: tuple[Selftest, ...] = ()
    unjudged: tuple[str, ...] = ()
    claims: tuple[ClaimAnswer, ...] = ()


# --- claims: what a paper says, held against a run ----------------------------------------------


@dataclass(frozen=True, slots=True)
class Selector:
    """Which rows a claim is about; what is empty or None chooses all.

    Names may be patterns with `*`. `gpu` and `emulated` choose rows computed on a GPU, or of
    emulated devices (True), or only others (False).
    """

    variants: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    precisions: tuple[str, ...] = ()
    gpu: bool | None = None
    emulated: bool | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A quantity and its limits, at least one of them; see `benchhub.claims.names`.

    `metric` is one of quality other than the first. With `over` the quantity is divided by that of
    the rows chosen there, with `minus` it is lessened by it.
    """

    quantity: str
    at_least: float | None = None
    at_most: float | None = None
    metric: str = ""
    over: Selector | None = None
    minus: Selector | None = None


@dataclass(frozen=True, slots=True)
class ClaimPart:
    """What is claimed of the candidates that `of` and `where` choose: of all of them, or of any.

    `scenario` is whose rows are read; empty: that of the first timing quantity.
    """

    of: Selector
    ask: tuple[Ask, ...]
    where: tuple[Ask, ...] = ()
    any: bool = False
    scenario: str = ""
    min_cases: int = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """What a paper says, as a rule: all `parts` must hold. `each` asks once for each of a kind."""

    id: str
    text: str
    source: str
    parts: tuple[ClaimPart, ...]
    each: str = ""


class ClaimOutcome(enum.StrEnum):
    """The answer to a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNTOLD = "cannot be told"


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """A claim held against a run: the deciding figure with its limits, what follows, and why.

    `asked` is what the figure is, with the limits it was held to; figures are None where there is
    none. `because` are lines of evidence from the run, for what does not hold.
    """

    id: str
    text: str
    source: str
    measured: float | None
    low: float | None
    high: float | None
    verdict: ClaimOutcome
    reason: str
    asked: str = ""
    because: tuple[str, ...] = ()
