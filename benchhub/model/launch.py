"""The record: runs, and their launches with raw samples and what backends tell of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, TypeGuard

import numpy as np

from benchhub.model.arrays import Array, Ints
from benchhub.model.cell import Cell
from benchhub.model.facts import Provenance
from benchhub.model.request import RunKind, RunRequest
from benchhub.ondevice.wire import Conditions, Failure


@dataclass(frozen=True, slots=True)
class Pacing:
    """How well the arrivals of a paced launch were kept: calls, and the 99th percentile of how
    late they began."""

    offered: int
    completed: int
    late_starts: int
    start_late_p99_ns: float | None


@dataclass(frozen=True, slots=True)
class OperatorTimes:
    """What a call took, and its operators by type, in the mean, in ns."""

    call_ns: float
    operators_ns: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Processors:
    """Cores that a launch had, parts of one included, and what left it no more than these: an
    affinity mask, a cpuset, a CPU quota; empty: it had all there are."""

    cores: float
    limited_by: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """How far a launch's second answers to its first `cases` lie off, root mean square by output.

    `again` in a second call, `turned` in another order of their batch, each case against its own
    answer; empty: they were not asked so. Infinite: finite in one of both only. Of
    `again_any_order` each column's numbers were sorted first: rows may have another order.
    """

    cases: int
    again: tuple[float, ...]
    turned: tuple[float, ...]
    again_any_order: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Details:
    """Details as `told`, names to JSON values; what is asked for by name has a property here."""

    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def calls_per_round(self) -> int:
        """Calls that an imported sample is the mean of; 1: samples are calls."""
        known = self.told.get("calls_per_round", 1)
        return known if _is_count(known) and known else 1

    @property
    def sums(self) -> Mapping[str, float]:
        """What another program summed up, by column and in its unit; empty: it kept its samples."""
        known = self.told.get("sums")
        return known if isinstance(known, Mapping) else {}

    @property
    def sums_as(self) -> str:
        """By whom these are told, and how finely."""
        return str(self.told.get("sums_as", ""))

    @property
    def processors(self) -> Processors | None:
        """The cores it had; None: it does not tell."""
        known = self.told.get("processors")
        if not isinstance(known, Mapping) or not _is_number(known.get("cores")):
            return None
        return Processors(known["cores"], str(known.get("limited_by") or ""))

    @property
    def threads_at_once(self) -> int | None:
        """How many threads of its session may compute at one time; None: it does not tell."""
        known = self.told.get("threads_at_once")
        return known if _is_count(known) else None

    @property
    def repeated(self) -> Repeated | None:
        """How alike it answered when it was asked again; None: it was not."""
        known = self.told.get("repeated")
        if not isinstance(known, Mapping) or not isinstance(known.get("cases"), int):
            return None
        again, turned, any_order = (
            tuple(_size(one) for one in told) if isinstance(told, list | tuple) else ()
            for told in map(known.get, ("again", "turned", "again_any_order"))
        )
        return Repeated(known["cases"], again, turned, any_order)

    @property
    def engine_rebuilt(self) -> str | None:
        """Why an engine was built again, in words; None: it was not."""
        said = str(self.told.get("engine", ""))
        return said if said.startswith("built again") else None

    @property
    def pacing(self) -> Pacing | None:
        """How its arrivals were kept; None: it has none."""
        known = self.told.get("paced")
        if not isinstance(known, Mapping):
            return None
        offered, completed, late = (
            known.get(name, 0) for name in ("offered", "completed", "late_starts")
        )
        p99_ns = known.get("start_late_p99_ns")
        if not (_is_count(offered) and _is_count(completed) and _is_count(late)):
            return None
        return Pacing(offered, completed, late, p99_ns if _is_number(p99_ns) else None)

    @property
    def operators(self) -> OperatorTimes | None:
        """Where its calls' time went; None: it was not asked for, or is not told."""
        known = self.told.get("profile")
        if not isinstance(known, Mapping):
            return None
        kept, call_ns = known.get("operators_ns"), known.get("call_ns")
        taken: Mapping[str, Any] = kept if isinstance(kept, Mapping) else {}
        if known.get("calls_ns"):  # earlier versions kept each call's, and showed their medians
            series = (known["calls_ns"], *taken.values())
            if all(isinstance(one, list) and one and all(map(_is_number, one)) for one in series):
                medians = {name: median(values) for name, values in taken.items()}
                return OperatorTimes(median(known["calls_ns"]), medians)
        elif known.get("calls") and _is_number(call_ns) and all(map(_is_number, taken.values())):
            return OperatorTimes(call_ns, taken)
        return None


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _size(told: object) -> float:
    return float(told) if _is_number(told) and told >= 0 else math.inf


@dataclass(frozen=True, slots=True)
class Launch:
    """One fresh process measuring one cell once: the record, raw.

    `status` is finished, failed (the cell is closed) or interrupted (the link broke or the run
    was stopped; it is measured again under the next `attempt`). `outputs` are the arrays the
    device computed, in the model's output order. Of a quality launch whose task predicts they are
    those of the check cases, `predictions` is what the task made of the first output of all cases,
    and `postprocess_ns` how long that took on the controller, case by case. `own_scores` is what
    metrics of the user's own made of each case, (cases, columns).
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
    details: Details = field(default_factory=Details)
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
    own_scores: Array | None = None


def launches_by_cell(cells: Sequence[Cell], launches: Iterable[Launch]) -> dict[str, list[Launch]]:
    """Return the launches that each cell takes its figures from, by its key, in their order.

    Those of cells that are not in `cells` are there, too; cells without launches are not.
    """
    found: dict[str, list[Launch]] = {}
    for launch in launches:
        found.setdefault(launch.cell.key, []).append(launch)
    for cell in cells:
        if cell.launches_of in found:
            found[cell.key] = found[cell.launches_of]
    return found


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run: one suite on some devices.

    `status` is running, done, interrupted, failed, or damaged where its record cannot be read.
    `request` holds what `--resume` needs to plan the same run again.
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
    request: RunRequest
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def kind(self) -> RunKind:
        """What the run is."""
        return self.request.kind
