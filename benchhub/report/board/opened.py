"""What a row of a board opens, and what stands once for all rows of a run: a text each; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Details
from benchhub.model.row import Results, Row
from benchhub.report.board.line import BoardLine
from benchhub.report.cell import facts
from benchhub.report.plain import plain
from benchhub.report.tables.notes import flat
from benchhub.report.tables.points import flags_that_matter

#: Facts that say which machine it was, of all that a report tells.
_MACHINE = (
    "cpu_model", "cores_physical", "cores_logical", "memory_bytes", "board", "os", "kernel",
    "virtualization", "container", "emulation", "python", "turbo", "clock_source", "gpus",
    "isa_flags", "packages",
)  # fmt: skip
_RUN = ("id", "suite", "suite_sha256", "task", "baseline", "effort", "status", "started_at",
        "finished_at")  # fmt: skip


@dataclass(frozen=True, slots=True)
class ToldOf:
    """A heading, and what is told under it, a line each."""

    head: str
    lines: tuple[str, ...]


def opened(of: BoardLine) -> list[ToldOf]:
    """Return what a row opens: every figure with its interval, doubts, conditions and origin."""
    row = of.row
    found: Mapping[str, list[str]] = {
        "Doubts": [f"{flag.name}: {flag.evidence}" for flag in flags_that_matter(row)],
        "Not told": list(of.lacking),
        "Measured": facts.measured(row),
        "Quality": facts.quality(row),
        "Outputs": facts.outputs(row),
        "Conditions": facts.conditions(row),
        "Provenance": facts.provenance(_in_short(row)),
    }
    return [ToldOf(head, tuple(lines)) for head, lines in found.items() if lines]


def _in_short(row: Row) -> Row:
    """Return a row without what its backend says of itself, which its report and json have."""
    return replace(row, provenance=replace(row.provenance, details=Details()))


def machines(result: Results) -> Iterator[ToldOf]:
    """Yield what a run says of itself, seeds and versions among it, then of each device."""
    run = plain(result.run)
    known = {name: run[name] for name in _RUN}
    told = [*flat(known), *flat(run["provenance"])]
    yield ToldOf("The run", tuple(f"{name}: {value}" for name, value in told))
    for device in result.devices:
        yield ToldOf(device.name, tuple(_machine(device)))


def _machine(device: DeviceInfo) -> Iterator[str]:
    facts_of = {name: device.facts.told.get(name) for name in _MACHINE}
    shown = {"labels": plain(device.labels), **facts_of}
    yield from (f"{name}: {value}" for name, value in flat(shown))
    yield from (f"{one.check}: {one.found}" for one in device.findings if one.level == "warn")
    if device.error:
        yield f"stopped: {device.error}"
