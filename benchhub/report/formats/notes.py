"""What went wrong or is in doubt, as tables: failures, skips, flags, withheld numbers, facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchhub.model import DeviceInfo, Results, Row
from benchhub.report.formats.json import plain
from benchhub.report.formats.tables import Column, Table, text


def failures(results: Sequence[Results]) -> Table:
    """Devices that could not be measured, and cells that did not finish."""
    found: list[tuple[Any, ...]] = []
    for result in results:
        run = result.run.id
        found += [(run, d.name, "whole device", d.error) for d in result.devices if d.error]
        found += [
            (run, row.device, _cell(row), f"{row.status}: {row.reason or 'no reason recorded'}")
            for row in result.rows
            if row.status != "finished"
        ]
    return _listing("failures", "Failures", ("Run", "Device", "Cell", "Why"), found)


def skips(results: Sequence[Results]) -> Table:
    """What was not attempted."""
    found = [
        (result.run.id, s.device, s.variant, s.backend, s.scenario, s.reason)
        for result in results
        for s in result.skips
    ]
    heads = ("Run", "Device", "Variant", "Backend", "Scenario", "Why")
    return _listing("skips", "Skipped combinations", heads, found)


def flags(results: Sequence[Results]) -> Table:
    """Doubts, with their evidence."""
    found = [
        (f.name, row.device, _cell(row), f.evidence, "cannot PASS" if f.caps else "note only")
        for result in results
        for row in result.rows
        for f in row.flags
    ]
    return _listing("flags", "Flags", ("Flag", "Device", "Cell", "Evidence", "Effect"), found)


def withheld(results: Sequence[Results]) -> Table:
    """Numbers that were not printed."""
    found = [
        (row.device, _cell(row), column, row.withheld[column])
        for result in results
        for row in result.rows
        for column in sorted(row.withheld)
    ]
    return _listing("withheld", "Withheld numbers", ("Device", "Cell", "Column", "Why"), found)


def findings(results: Sequence[Results]) -> Table:
    """What preflight found on the devices, all right or not."""
    found = [
        (d.name, f.check, f.level, f.found, f.why, f.fix)
        for result in results
        for d in result.devices
        for f in d.findings
    ]
    heads = ("Device", "Check", "Level", "Found", "Why it matters", "What to do")
    return _listing("findings", "Preflight findings", heads, found)


def device_facts(device: DeviceInfo) -> Table:
    """A device as probed."""
    facts = {
        "transport": device.transport,
        "emulated": device.emulated,
        "labels": device.labels,
        "staged": device.staged,
        **device.facts,
    }
    caption = f"Facts of {device.name}"
    return _listing(f"facts-{device.name}", caption, ("Fact", "Value"), list(flat(facts)))


def provenance(result: Results) -> Table:
    """What is needed to repeat a run."""
    run = plain(result.run)
    order = ("id", "suite", "suite_sha256", "task", "baseline", "effort")
    known = {name: run.pop(name) for name in order}
    caption = f"Provenance of run {result.run.id}"
    return _listing(
        f"provenance-{result.run.id}", caption, ("Item", "Value"), list(flat(known | run))
    )


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Nested mappings as (dotted name, text) pairs; what is None or empty is left out."""
    if isinstance(value, Mapping):
        for key in value:
            yield from flat(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        if value:
            yield path, " ".join(str(plain(item)) for item in value)
    elif value is not None and value != "":
        yield path, {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _cell(row: Row) -> str:
    return (
        f"{row.variant} on {row.backend}, {row.scenario}, batch {row.batch}, threads {row.threads}"
    )


def _listing(
    name: str, caption: str, heads: Sequence[str], body: Sequence[tuple[Any, ...]]
) -> Table:
    rows = tuple(tuple(text(value) for value in row) for row in body)
    return Table(name, caption, tuple(Column(head) for head in heads), rows)
