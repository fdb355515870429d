"""GitHub-flavoured Markdown: for pull requests, job summaries and READMEs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchhub.model.row import Results
from benchhub.report.answer.as_tables import group_table, heat_table, line_table
from benchhub.report.answer.heat import HeatMap, heat_map
from benchhub.report.answer.order import in_order
from benchhub.report.answer.said import ReportAnswer, answered
from benchhub.report.answer.verdicts import ReportVerdicts, verdicts_of
from benchhub.report.tables import by_device, cells, notes
from benchhub.report.tables import claims as claimed
from benchhub.report.tables.by_metric import by_metric
from benchhub.report.tables.conclude import conclusions, counts, overall, rests_on
from benchhub.report.tables.emulated import emulation_words
from benchhub.report.tables.table import Table

SUFFIX = ".md"

#: No more verdicts are told before the fold.
MOST_OPEN = 20
_SPECIAL = re.compile(r"([\\|`*_\[\]~#])")


def render(results: Sequence[Results], interactive: bool = False) -> str:
    """The answer, all devices and variants, and the verdicts to act on first; the rest folds."""
    return "\n".join(_lines([in_order(one) for one in results])).rstrip("\n") + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line, in a table too."""
    safe = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(results: Sequence[Results]) -> Iterator[str]:
    runs = ", ".join(f"{escape(r.run.suite)} (run {escape(r.run.id)})" for r in results)
    several = len(results) > 1
    yield f"# Benchmark report: {runs}"
    yield ""
    for result in results:
        yield from _answer(answered(result), several)
    tally = ", ".join(f"{count} {name}" for name, count in counts(results).items())
    yield f"**{overall(results)}**: {tally}"
    yield ""
    yield from _counted(results)
    for result in results:
        run = result.run
        said = f"Task {run.task}, baseline {run.baseline}, effort {run.effort}. {rests_on(result)}"
        yield escape(said)
        yield ""
    yield "Latencies are medians (p50) of one call; brackets hold 95 % intervals."
    yield "A loss above 0 is worse than the baseline."
    yield ""
    for result in results:
        yield from _map(heat_map(result), result, several)
    failures = notes.failures(results)
    if failures.rows:
        yield from _table(failures, 2)
    for result in results:
        yield from _verdicts(verdicts_of(result), several)
    for result in results:
        yield from _devices(result, several)
    yield from _qualities(results)
    yield from _folds(results)
    yield from _claims(results)


def _folds(results: Sequence[Results]) -> Iterator[str]:
    for result, device in ((r, d) for r in results for d in r.devices):
        for build in by_device.BESIDE_LATENCY:
            yield from _folded(build(result, device))
    for listing in (
        notes.flags, notes.made, notes.withheld, notes.skips, notes.selftests, cells.variants
    ):  # fmt: skip
        yield from _folded(listing(results))
    for result in results:
        yield from _folded(notes.provenance(result))


def _answer(of: ReportAnswer, several: bool) -> Iterator[str]:
    if several:
        yield f"## {escape(of.result.run.suite)}, run {escape(of.result.run.id)}"
        yield ""
    yield f"**{escape(of.sentence)}**"
    yield ""
    if of.doubts:
        yield from (f"- {_as_code(doubt)}" for doubt in of.doubts)
        yield ""
    if of.groups:
        yield from _body(group_table(of.groups))
        yield from _folded(line_table(of.lines))
    elif of.lines:
        yield from _body(line_table(of.lines))


def _counted(results: Sequence[Results]) -> Iterator[str]:
    if said := claimed.tally(results):
        yield f"{said} See the table at the end."
        yield ""


def _claims(results: Sequence[Results]) -> Iterator[str]:
    yield from _table(claimed.claims(results), 2)
    found = claimed.because(results)
    if found:
        yield f"### {claimed.BECAUSE}"
        yield ""
        for one in found:
            yield f"- {escape(one.head)}"
            yield from (f"  - {escape(line)}" for line in one.lines)
        yield ""


def _map(of: HeatMap, result: Results, several: bool) -> Iterator[str]:
    if not of.pairs:
        return
    yield f"## All devices and variants{f', run {escape(result.run.id)}' if several else ''}"
    yield ""
    yield f"{escape(of.about)}. Devices are not ranked against each other."
    yield "✓ keeps its budgets, ✗ breaks one, ? undecided, no sign: none applies; ! has flags."
    yield ""
    yield from _body(heat_table(of))
    if of.notes:
        yield from (f"- {escape(note)}" for note in of.notes)
        yield ""


def _verdicts(of: ReportVerdicts, several: bool) -> Iterator[str]:
    if not (of.failing.rows or of.undecided or of.kept.rows):
        return
    yield f"## Verdicts{f', run {escape(of.result.run.id)}' if several else ''}: {of.counted}"
    yield ""
    if of.quick:
        yield _as_code(of.quick)
        yield ""
    first, rest = of.failing.rows[:MOST_OPEN], of.failing.rows[MOST_OPEN:]
    yield from _table(replace(of.failing, rows=first), 3)
    yield from _folded(replace(of.failing, caption="Further budgets that are broken", rows=rest))
    for group in of.undecided:
        told = group.told
        about = f"{told.counted}, {told.limit}" if told.limit else told.counted
        yield f"**{told.outcome}**, {escape(about)}: {escape(told.cause)}"
        yield ""
        if told.first_reason:
            yield f"- the first: {escape(told.first_reason)}"
        if told.step:
            yield f"- next: {_as_code(told.step)}"
        yield from (f"- {escape(cell)}" for cell in told.cells())
        if left := told.left():
            yield f"- and {left} more"
        yield ""
    yield from _folded(of.kept)


def _devices(result: Results, several: bool) -> Iterator[str]:
    said = {conclusion.device: conclusion.sentences for conclusion in conclusions(result)}
    for device in result.devices:
        run = f", run {escape(result.run.id)}" if several else ""
        words = emulation_words(device)
        yield f"## {escape(device.name)}{run}{f' ({escape(words)})' if words else ''}"
        yield ""
        yield from (f"- {escape(sentence)}" for sentence in said[device.name])
        yield ""
        yield from _table(by_device.latency(result, device), 3)


def _as_code(text: str) -> str:
    """Text that Markdown shows as it is, but for commands, which stand in backticks."""
    return escape(text).replace("\\`", "`")


def _qualities(results: Sequence[Results]) -> Iterator[str]:
    for result in results:
        found = by_metric(result)
        run = f", run {result.run.id}" if len(results) > 1 else ""
        yield from _table(replace(found, caption=f"{found.caption}{run}"), 2)


def _table(table: Table, level: int) -> Iterator[str]:
    if table.rows:
        yield f"{'#' * level} {escape(table.caption)}"
        yield ""
        yield from _body(table)


def _folded(table: Table) -> Iterator[str]:
    """A table behind its caption; GitHub needs the blank line before it."""
    if table.rows:
        caption = html.escape(table.caption, quote=False)
        yield f"<details><summary>{caption} ({len(table.rows)})</summary>"
        yield ""
        yield from _body(table)
        yield "</details>"
        yield ""


def _body(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(_stacked(c.head, c.below) for c in table.columns) + " |"
    yield "|" + "|".join(" ---: " if c.numeric else " --- " for c in table.columns) + "|"
    for row in table.rows:
        yield "| " + " | ".join(_stacked(cell.text, cell.below) for cell in row) + " |"
    yield ""


def _stacked(above: str, below: str) -> str:
    return f"{escape(above)}<br><sub>{escape(below)}</sub>" if below else escape(above)
