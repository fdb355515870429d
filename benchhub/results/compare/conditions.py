"""What differs between two runs, and which of it forbids a comparison; pure."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchhub.model.cell import Cell, Variant
from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results, Row
from benchhub.tasks.own.code import CODE


class Question(enum.StrEnum):
    """What a comparison is about: the one thing that may differ. `stack`: all three together."""

    MODEL = "model"
    BACKEND = "backend"
    SYSTEM = "system"
    STACK = "stack"


class DifferenceKind(enum.StrEnum):
    """What a difference is of.

    model, backend and system (kernel, libraries, drivers, firmware) may be the question. machine
    (hardware and how it is set), settings of the cell, and data never are. note: worth knowing,
    and no obstacle.
    """

    MODEL = "model"
    BACKEND = "backend"
    SYSTEM = "system"
    MACHINE = "machine"
    SETTINGS = "settings"
    DATA = "data"
    NOTE = "note"


class Reach(enum.StrEnum):
    """Which metrics a difference bears on."""

    ALL = "all"
    TIMING = "timing"
    QUALITY = "quality"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same in both runs; `where` names a device or variant, or is empty.

    Values are texts; empty where a run does not have it.
    """

    kind: DifferenceKind
    where: str
    what: str
    before: str
    after: str
    reach: Reach = Reach.ALL

    def said(self) -> str:
        """Return it as `what: before -> after`."""
        return f"{self.what}: {self.before or 'none'} → {self.after or 'none'}"


_ALLOWED: Mapping[Question, frozenset[DifferenceKind]] = {
    Question.MODEL: frozenset({DifferenceKind.MODEL}),
    Question.BACKEND: frozenset({DifferenceKind.BACKEND}),
    Question.SYSTEM: frozenset({DifferenceKind.SYSTEM}),
    Question.STACK: frozenset(
        {DifferenceKind.MODEL, DifferenceKind.BACKEND, DifferenceKind.SYSTEM}
    ),
}
#: Facts that differ from one hour to the next, or are told in other words here.
_PASSING = frozenset(
    {"uptime_s", "disk_free_bytes", "swap_used_bytes", "throttled", "clock_sources", "backends",
     "boot_id", "hostname", "executable", "root", "emulation"}
)  # fmt: skip
_MACHINE = frozenset(
    {"arch", "machine", "board", "cpu_model", "isa_flags", "cores_logical", "cores_physical",
     "cores", "memory_bytes", "virtualization", "container", "gpus"}
)  # fmt: skip
#: They change how long things take, not what comes out nor how much memory it needs.
_CLOCKS = frozenset({"turbo", "clock_source", "clock_resolution_ns", "governor"})
#: Smaller gaps between the ranges of a condition are not worth telling.
_APART = {"temperature_c": 5.0, "load_1m": 0.5}
#: The kernel counts the same memory a little differently from version to version.
_SAME_MEMORY = 0.02
_SAME_CLOCK = 1.10
#: What a run tells of its data that can change what is measured; nothing else of its provenance
#: forbids anything: not where it comes from, nor what a task of one's own has to say.
_DATA = frozenset(
    {"dataset", "sha256", "generator", "size", "side", "shrink", "slices", "field_mm",
     "spacing_mm", "labels_in_mean", "test_fold", "test_images", "test_patients", "test_volumes",
     "test_cases", "test_slides"}
)  # fmt: skip
#: They change what may be said of quality, and no time; so does a file of the user's own code.
_CASES = frozenset({"cases"})
#: Told in other words, or of no run but its own.
_UNTOLD = frozenset({"command", "max_relative_disagreement"})
#: What imported runs tell of a system in place of its name and version.
_FAMILIES = frozenset({"Linux", "Darwin", "Windows"})
#: Clocks that are one clock under two names: of imported runs, and of benchhub's own.
_ONE_CLOCK = frozenset({"perf_counter_ns", "perf_counter", "time.perf_counter"})


def obstacles(
    differences: Sequence[Difference], question: Question, reaches: Sequence[Reach]
) -> tuple[str, ...]:
    """Return why metrics that any of `reaches` bears on cannot be compared; empty if they can."""
    return tuple(
        one.said()
        for one in differences
        if one.kind is not DifferenceKind.NOTE
        and one.kind not in _ALLOWED[question]
        and (one.reach is Reach.ALL or one.reach in reaches)
    )


def of_runs(before: Results, after: Results) -> Iterator[Difference]:
    """Yield what differs between the runs as a whole: suite, effort, data, harness."""
    one, other = before.run, after.run
    for name in ("suite", "suite_sha256", "effort"):
        yield from _differing(
            DifferenceKind.NOTE, "", name, getattr(one, name), getattr(other, name)
        )
    if one.task and other.task:
        yield from _differing(DifferenceKind.DATA, "", "task", one.task, other.task)
    yield from _differing(DifferenceKind.NOTE, "", "baseline", one.baseline, other.baseline)
    yield from _of_provenance(one.provenance.told, other.provenance.told)


def _of_provenance(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    """Yield what the runs tell of themselves in other words; what one does not tell is a note."""
    for name in dict.fromkeys([*before, *after]):
        values = before.get(name), after.get(name)
        if name in _UNTOLD:
            continue
        of_quality = name in _CASES or name.startswith(CODE)
        if None not in values and (name in _DATA or of_quality):
            reach = Reach.QUALITY if of_quality else Reach.ALL
            yield from _differing(DifferenceKind.DATA, "", f"data: {name}", *values, reach)
        else:
            yield from _differing(DifferenceKind.NOTE, "", name, *values)


def of_devices(before: DeviceInfo, after: DeviceInfo) -> Iterator[Difference]:
    """Yield what differs between a device's facts, as far as both runs know them."""
    name = before.name
    yield from _differing(DifferenceKind.MACHINE, name, "emulated", before.emulated, after.emulated)
    yield from _differing(DifferenceKind.NOTE, name, "transport", before.transport, after.transport)
    yield from _differing(
        DifferenceKind.NOTE, name, "labels", dict(before.labels), dict(after.labels)
    )
    was, now = before.facts.told, after.facts.told
    for fact in sorted(was.keys() & now.keys()):
        one, other = was[fact], now[fact]
        if fact in _PASSING or one is None or other is None:
            continue
        if fact == "memory_bytes" and abs(one - other) <= _SAME_MEMORY * max(one, other):
            continue
        if fact == "os" and _FAMILIES & {one, other}:
            continue
        if fact == "gpus":
            drivers = [[gpu.get("driver") for gpu in gpus] for gpus in (one, other)]
            yield from _differing(DifferenceKind.SYSTEM, name, "GPU driver", drivers[0], drivers[1])
            one, other = (
                [{k: v for k, v in gpu.items() if k not in ("driver", "source")} for gpu in gpus]
                for gpus in (one, other)
            )
        kind = DifferenceKind.MACHINE if fact in _MACHINE | _CLOCKS else DifferenceKind.SYSTEM
        reach = Reach.TIMING if fact in _CLOCKS else Reach.ALL
        yield from _differing(kind, name, fact, one, other, reach)


def of_variants(before: Variant, after: Variant) -> Iterator[Difference]:
    """Yield what differs between two artifacts of one name."""
    name = before.name
    yield from _differing(
        DifferenceKind.MODEL, name, "model", before.sha256 and before.sha256[:12], after.sha256[:12]
    )
    for fact in ("model_bytes", "params", "macs", "recipe"):
        yield from _differing(
            DifferenceKind.NOTE, name, fact, getattr(before, fact), getattr(after, fact)
        )


def of_cells(before: tuple[Row, Cell], after: tuple[Row, Cell]) -> Iterator[Difference]:
    """Yield what differs between two cells: settings, backend, and how the device was set."""
    (one, asked), (other, wanted) = before, after
    model = one.model_sha256[:12], other.model_sha256[:12]
    yield from _differing(DifferenceKind.MODEL, one.variant, "model", *model)
    for name in ("batch", "threads", "concurrency", "rate_per_s", "options", "arrivals"):
        values = getattr(asked, name), getattr(wanted, name)
        yield from _differing(DifferenceKind.SETTINGS, one.device, name, *values)
    if one.status == other.status == "finished":
        yield from _as_measured(one, other)
    governors = one.provenance.governor, other.provenance.governor
    yield from _both(DifferenceKind.MACHINE, one.device, "governor", *governors, Reach.TIMING)
    yield from _conditions(one, other)


def _as_measured(one: Row, other: Row) -> Iterator[Difference]:
    """Yield what two finished cells were measured with, as far as both know it."""
    device, backend = one.device, one.backend
    precisions = one.precision, other.precision
    yield from _both(DifferenceKind.SETTINGS, device, "precision", *precisions)
    versions = one.backend_version, other.backend_version
    yield from _both(DifferenceKind.BACKEND, device, f"{backend} version", *versions)
    providers = one.provider, other.provider
    yield from _both(DifferenceKind.BACKEND, device, f"{backend} provider", *providers)
    clocks = one.clock, other.clock
    if not _ONE_CLOCK.issuperset(clocks):
        yield from _both(DifferenceKind.MACHINE, device, "clock", *clocks, Reach.TIMING)


def _conditions(one: Row, other: Row) -> Iterator[Difference]:
    """Yield conditions whose ranges over the launches do not meet."""
    facts = (("frequency_mhz", "CPU clock, MHz"), ("temperature_c", "temperature, °C"),
             ("load_1m", "load"))  # fmt: skip
    for name, said in facts:
        was, now = getattr(one.provenance, name), getattr(other.provenance, name)
        if not was or not now or (was[0] <= now[1] and now[0] <= was[1]):
            continue
        if max(was[0] - now[1], now[0] - was[1]) < _APART.get(name, 0.0):
            continue
        kind = DifferenceKind.NOTE
        if name == "frequency_mhz":
            if max(was[0] / now[1], now[0] / was[1]) <= _SAME_CLOCK:
                continue
            kind = DifferenceKind.MACHINE
        texts = [f"{low:g} to {high:g}" if low != high else f"{low:g}" for low, high in (was, now)]
        yield Difference(kind, one.device, said, texts[0], texts[1], Reach.TIMING)


def _both(
    kind: DifferenceKind, where: str, what: str, before: Any, after: Any, reach: Reach = Reach.ALL
) -> Iterator[Difference]:
    """Yield a difference of what both runs know."""
    if before not in (None, "") and after not in (None, ""):
        yield from _differing(kind, where, what, before, after, reach)


def _differing(
    kind: DifferenceKind, where: str, what: str, before: Any, after: Any, reach: Reach = Reach.ALL
) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}, key=str):
            yield from _differing(
                kind, where, f"{what}.{key}", before.get(key), after.get(key), reach
            )
        return
    if isinstance(before, list) and isinstance(after, list):
        # Of long lists only what is not in both.
        shared = [item for item in before if item in after]
        before = [item for item in before if item not in shared] or (before if not shared else [])
        after = [item for item in after if item not in shared] or (after if not shared else [])
        if before == after == []:  # the same items, in another order or number
            return
    yield Difference(kind, where, what, _text(before), _text(after), reach)


def _text(value: Any) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_text(item)}" for key, item in value.items() if item is not None)
    if hasattr(value, "name") and hasattr(value, "options"):  # a recipe
        return f"{value.name} {_text(value.options)}".strip()
    return f"{value:,}" if isinstance(value, int) else str(value)
