"""GitHub-flavoured Markdown: for pull requests, job summaries and READMEs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from benchhub.model import Results
from benchhub.report.formats import notes, tables
from benchhub.report.formats.conclude import conclusions, counts, overall
from benchhub.report.formats.tables import Table

SUFFIX = ".md"

_SPECIAL = re.compile(r"([\\|`*_\[\]~#])")


def render(results: Sequence[Results], interactive: bool = False) -> str:
    """Verdicts first, then one section a device, then all that went wrong, then provenance."""
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
    yield from _table(tables.verdicts(results), 2)
    for result in results:
        yield from _devices(result, len(results) > 1)
    for listing in (notes.failures, notes.skips, notes.flags, notes.withheld):
        yield from _table(listing(results), 2, empty="None.")
    yield from _table(tables.variants(results), 2)
    for result in results:
        yield from _table(notes.provenance(result), 2)


def _devices(result: Results, several: bool) -> Iterator[str]:
    said = {conclusion.device: conclusion.sentences for conclusion in conclusions(result)}
    for device in result.devices:
        run = f", run {escape(result.run.id)}" if several else ""
        yield f"## {escape(device.name)}{run}{' (emulated)' if device.emulated else ''}"
        yield ""
        yield from (f"- {escape(sentence)}" for sentence in said[device.name])
        yield ""
        for build in (tables.latency, tables.throughput, tables.memory):
            yield from _table(build(result, device), 3)


def _table(table: Table, level: int, empty: str = "") -> Iterator[str]:
    if not table.rows and not empty:
        return
    yield f"{'#' * level} {escape(table.caption)}"
    yield ""
    if not table.rows:
        yield empty
    else:
        yield "| " + " | ".join(escape(column.head) for column in table.columns) + " |"
        yield "|" + "|".join(" ---: " if c.numeric else " --- " for c in table.columns) + "|"
        for row in table.rows:
            yield "| " + " | ".join(escape(cell.text) for cell in row) + " |"
    yield ""
