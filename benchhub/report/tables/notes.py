"""What went wrong or is in doubt, as tables: failures, skips, flags, withheld numbers, facts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchhub.model.device import DeviceInfo
from benchhub.model.flag import Flag
from benchhub.model.quantities import QUANTITIES
from benchhub.model.row import Results, Row
from benchhub.report.plain import plain
from benchhub.report.tables.points import flags_that_matter
from benchhub.report.tables.settings import spoken
from benchhub.report.tables.table import Table, listing

#: Before a reason why a number is not shown.
NOT_AVAILABLE = "n/a: "
#: No more cells with one reason are told one by one.
MOST_ALIKE = 6


def failures(results: Sequence[Results]) -> Table:
    """Devices that could not be measured, and cells that did not finish.

    Many cells of a device that share a reason share a line.
    """
    found: list[tuple[Any, ...]] = []
    for result in results:
        run = result.run.id
        found += [(run, d.name, "whole device", d.error) for d in result.devices if d.error]
        alike: dict[tuple[str, str], list[Row]] = {}
        for row in result.rows:
            if row.status != "finished":
                why = f"{row.status}: {row.reason or 'no reason recorded'}"
                alike.setdefault((row.device, why), []).append(row)
        for (device, why), rows in alike.items():
            told = [[row] for row in rows] if len(rows) <= MOST_ALIKE else [rows]
            found += [(run, device, _first(group), why) for group in told]
    return listing("failures", "Failures", ("Run", "Device", "Cell", "Why"), found)


def skips(results: Sequence[Results]) -> Table:
    """What was not attempted, with the scenarios that share a reason in one line."""
    groups: dict[tuple[str, str, str, str, str], list[str]] = {}
    for result in results:
        for s in result.skips:
            key = (result.run.id, s.device, s.variant, s.backend, s.reason.text)
            groups.setdefault(key, []).append(s.what)
    found = [
        (run, device, variant, backend, "; ".join(scenarios), why)
        for (run, device, variant, backend, why), scenarios in groups.items()
    ]
    heads = ("Run", "Device", "Variant", "Backend", "Scenarios", "Why")
    return listing("skips", "Skipped combinations", heads, found)


def made(results: Sequence[Results]) -> Table:
    """What recipes did beyond what was asked, or left: weights clipped, another opset, bodies."""
    found = [
        (result.run.id, variant.name, variant.recipe.name if variant.recipe else "", told)
        for result in results
        for variant in result.variants
        for told in variant.remarks
    ]
    return listing("made", "How variants were made", ("Run", "Variant", "Recipe", "What"), found)


def flags(results: Sequence[Results]) -> Table:
    """Doubts: a line for each flag, device and effect, with the worst of the evidence."""
    groups: dict[tuple[str, str, str], list[tuple[Flag, Row]]] = {}
    for row, flag in _raised(results):
        groups.setdefault((flag.name, row.device, _effect(flag)), []).append((flag, row))
    found = []
    for (name, device, effect), hits in groups.items():
        flag, row = max(hits, key=lambda hit: _leading_number(hit[0].evidence))
        worst = f"{flag.evidence}; {_cell(row)}"
        found.append((name, device, len(hits), worst, effect))
    heads = ("Flag", "Device", "Cells", "Evidence, of the worst cell", "Effect")
    return listing("flags", "Flags", heads, found)


def flagged_cells(results: Sequence[Results]) -> Table:
    """Every doubt about every cell, with its evidence."""
    found = [
        (flag.name, row.device, _cell(row), flag.evidence, _effect(flag))
        for row, flag in _raised(results)
    ]
    heads = ("Flag", "Device", "Cell", "Evidence", "Effect")
    return listing("flagged-cells", "Flags of every cell", heads, found)


def _raised(results: Sequence[Results]) -> Iterator[tuple[Row, Flag]]:
    for result in results:
        for row in result.rows:
            if row.runs_model:
                yield from ((row, flag) for flag in flags_that_matter(row))


def _effect(flag: Flag) -> str:
    if flag.caps_quality:
        return "quality cannot PASS"
    return "cannot PASS" if flag.caps else "note only"


def _leading_number(evidence: str) -> float:
    found = re.match(r"\d+(\.\d+)?", evidence)
    return float(found.group()) if found else 0.0


def withheld(results: Sequence[Results]) -> Table:
    """Numbers that were not printed; cells that share a device and a reason share a line."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for result in results:
        for row in result.rows:
            if row.runs_model:
                for column, why in sorted(reasons_of(row).items()):
                    groups.setdefault((row.device, column, f"{NOT_AVAILABLE}{why}"), []).append(row)
    found = [(device, _first(rows), column, why) for (device, column, why), rows in groups.items()]
    return listing("withheld", "Withheld numbers", ("Device", "Cells", "Column", "Why"), found)


def reasons_of(row: Row, rare: bool = False) -> dict[str, str]:
    """Why numbers of a row are withheld, by column; `rare`: those nobody expects, too."""
    found = {
        name: figure.withheld
        for name, figure in row.figures.items()
        if figure.withheld and (rare or not QUANTITIES[name].rare)
    }
    for metric, why in row.unjudged.items():
        found[f"quality_also.{metric}" if metric else "quality"] = why
    return found


def _first(rows: Sequence[Row]) -> str:
    return _cell(rows[0]) + (f"; and {len(rows) - 1} more" if len(rows) > 1 else "")


def findings(results: Sequence[Results]) -> Table:
    """What preflight found on the devices, all right or not."""
    found = [
        (d.name, f.check, f.level, f.found, f.why, f.fix)
        for result in results
        for d in result.devices
        for f in d.findings
    ]
    heads = ("Device", "Check", "Level", "Found", "Why it matters", "What to do")
    return listing("findings", "Preflight findings", heads, found)


def selftests(results: Sequence[Results]) -> Table:
    """How the devices did as instruments, by the last self-test before each run."""
    words = {"ok": "passed", "warn": "in doubt", "refuse": "not passed"}
    found = dict.fromkeys(
        (one.device, one.at, check.check, words[check.level], check.found, check.why)
        for result in results
        for one in result.selftests
        for check in one.checks
    )
    heads = ("Device", "Tested", "Check", "Outcome", "Found", "Why it matters")
    return listing("selftests", "Self-tests of the devices", heads, list(found))


def device_facts(device: DeviceInfo) -> Table:
    """A device as probed."""
    facts = {
        "transport": device.transport,
        "emulated": device.emulated,
        "labels": device.labels,
        "staged": device.staged,
        **device.facts.told,
    }
    caption = f"Facts of {device.name}"
    return listing(f"facts-{device.name}", caption, ("Fact", "Value"), list(flat(facts)))


def provenance(result: Results) -> Table:
    """What is needed to repeat a run."""
    run = plain(result.run)
    order = ("id", "suite", "suite_sha256", "task", "baseline", "effort")
    known = {name: run.pop(name) for name in order}
    caption = f"Provenance of run {result.run.id}"
    return listing(
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
    """A cell in words; settings beside batch and threads only where they are set."""
    usual = {"concurrency": 1, "rate_per_s": None, "options": None}
    others = [name for name, value in usual.items() if getattr(row, name) != value]
    if row.precision not in (None, "f32", "none"):
        others.append("precision")
    more = f", {spoken(row, others)}" if others else ""
    return (
        f"{row.variant} on {row.backend}, {row.scenario}, "
        f"batch {row.batch}, threads {row.threads}{more}"
    )
