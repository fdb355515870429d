"""The gate for a terminal: the worst cell first, then what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from benchhub.report.gate.entries import GateEntry, closing, counted, entries
from benchhub.results.load import Judged
from benchhub.results.verdicts.judge import NO_BUDGETS

SUFFIX = ".txt"
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output; `style` is an outcome, `dim`, or empty."""

    text: str
    style: str = ""


def render(judged: Judged) -> str:
    """Return the lines as plain text, 100 columns wide."""
    return "\n".join(line.text for line in lines(judged, WIDTH)) + "\n"


def lines(judged: Judged, width: int, most: int | None = None) -> Iterator[Line]:
    """Yield what a terminal of `width` columns shows; the first line is the answer.

    With `most`, only so many of what did not pass; these and what passed are counted instead.
    """
    found = entries(judged)
    run = judged.results.run
    head = f"{judged.overall}: suite {run.suite}, run {run.id}: {counted(judged, found)}"
    yield from wrapped(head, width, judged.overall)
    kept = [entry for entry in found if entry.outcome == "PASS"]
    open_ = [entry for entry in found if entry.outcome != "PASS"]
    for entry in open_[:most]:
        yield Line("")
        yield from _open(entry, width)
    if most is None and kept:
        yield Line("")
        for entry in kept:
            yield from _passed(entry, width)
    yield Line("")
    told_by_gate = judged.overall != NO_BUDGETS
    if most is not None and told_by_gate and (left := len(open_[most:]) + len(kept)):
        said = f"{left} more" if len(open_) > most else f"{left} PASS"
        yield from wrapped(f"and {said}; `benchhub gate {run.id}` prints them all", width, "dim")
        yield Line("")
    yield from wrapped(closing(judged), width, "")


def _open(entry: GateEntry, width: int) -> Iterator[Line]:
    yield from wrapped(f"{entry.outcome:<13}{_where(entry)}", width, entry.outcome, "  ")
    said = [("budget", _budget(entry))]
    if entry.verdict is not None:
        said.append(("value", f"{entry.seen}, {entry.launches}"))
    said += [("why", entry.reason), ("next", entry.step)]
    for label, text in said:
        if text:
            yield from wrapped(f"  {label:<8}{text}", width, "", " " * 10)


def _passed(entry: GateEntry, width: int) -> Iterator[Line]:
    text = (
        f"{entry.outcome:<13}{_where(entry)}: {entry.seen}, {entry.launches}; {_budget(entry)};"
        f" {entry.reason}"
    )
    yield from wrapped(text, width, entry.outcome, " " * 13)


def _where(entry: GateEntry) -> str:
    device = f"{entry.device}{' (emulated)' if entry.emulated else ''}: " if entry.device else ""
    return f"{device}{entry.what}"


def _budget(entry: GateEntry) -> str:
    return f"{entry.budget}: {entry.asked}" if entry.asked else entry.budget


def wrapped(text: str, width: int, style: str = "", indent: str = "") -> Iterator[Line]:
    """Yield `text` in lines of `width` columns, all but the first indented."""
    one = textwrap.wrap(
        text, max(40, width), subsequent_indent=indent, break_on_hyphens=False,
        drop_whitespace=True, replace_whitespace=True,
    )  # fmt: skip
    yield from (Line(part, style) for part in one)
