"""GitHub-flavoured Markdown: for pull requests, job summaries and READMEs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchhub.model.row import Results
from benchhub.report.tables import by_device, cells, notes
from benchhub.report.tables import claims as claimed
from benchhub.report.tables.by_metric import by_metric
from benchhub.report.tables.conclude import conclusions, counts, overall, rests_on
from benchhub.report.tables.emulated import emulation_words
from benchhub.report.tables.matrix import matrix
from benchhub.report.tables.table import Table
from benchhub.report.tables.verdicts import split, verdicts

SUFFIX = ".md"

_SPECIAL = re.compile(r"([\\|`*_\[\]~#])")


def render(results: Sequence[Results], interactive: bool = False) -> str:
    """What was concluded, the verdicts to act on and latency first; the rest folds away."""
    return "\n".join(_lines(results)).rstrip("\n") + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line, in a table too."""
    safe = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(results: Sequence[Results]) -> Iterator[str]:
    runs = ", ".join(f"{escape(r.run.suite)} (run {escape(r.run.id)})" for r in results)
    yield f"# Benchmark report: {runs}"
    yield ""
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
        yield from _overview(result, len(results) > 1)
    found = verdicts(results)
    open_, kept = split(found)
    for result in results:
        yield from _devices(result, len(results) > 1)
    if open_.rows:
        yield from _table(open_, 2)
    yield from _folded(kept)
    yield from _qualities(results)
    failures = notes.failures(results)
    if failures.rows:
        yield from _table(failures, 2)
    for result, device in ((r, d) for r in results for d in r.devices):
        for build in by_device.BESIDE_LATENCY:
            yield from _folded(build(result, device))
    for listing in (
        notes.flags, notes.made, notes.withheld, notes.skips, notes.selftests, cells.variants
    ):  # fmt: skip
        yield from _folded(listing(results))
    for result in results:
        yield from _folded(notes.provenance(result))
    yield from _claims(results)


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


def _overview(result: Results, several: bool) -> Iterator[str]:
    made = matrix(result)
    if not made.table.rows:
        return
    yield f"## Overview{f', run {escape(result.run.id)}' if several else ''}"
    yield ""
    yield f"{escape(made.table.caption)}. Devices are not ranked against each other."
    yield ""
    yield from _body(made.table)
    if made.notes:
        yield from (f"- {escape(note)}" for note in made.notes)
        yield ""


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
