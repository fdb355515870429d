"""The gate for a terminal: the worst cell first, then what to do."""

from __future__ import annotations

from collections.abc import Iterator

from benchhub.report.gate.entries import GateEntry, closing, counted, entries
from benchhub.report.gate.groups import SameCause, grouped, size
from benchhub.report.gate.quick import quick_cannot
from benchhub.report.lines import Line, wrapped
from benchhub.results.load import Judged
from benchhub.results.verdicts.judge import NO_BUDGETS

SUFFIX = ".txt"
WIDTH = 100


def render(judged: Judged) -> str:
    """Return the lines as plain text, 100 columns wide."""
    return "\n".join(line.text for line in lines(judged, WIDTH)) + "\n"


def lines(judged: Judged, width: int, most: int | None = None) -> Iterator[Line]:
    """Yield what a terminal of `width` columns shows; the first line is the answer.

    With `most`, only so many of what did not pass; these and what passed are counted instead.
    """
    found = entries(judged)
    run = judged.results.run
    yield from _headline(judged, found, width)
    kept = [entry for entry in found if entry.outcome == "PASS"]
    open_ = grouped([entry for entry in found if entry.outcome != "PASS"])
    told = False
    for entry in open_[:most]:
        yield Line("")
        if not told and entry.outcome == "INCONCLUSIVE" and (hint := quick_cannot(judged)):
            told = True
            yield from wrapped(hint, width)
            yield Line("")
        yield from (
            _group(entry, width, run.id) if isinstance(entry, SameCause) else _open(entry, width)
        )
    if most is None and kept:
        yield Line("")
        for entry in kept:
            yield from _passed(entry, width)
    yield Line("")
    told_by_gate = judged.overall != NO_BUDGETS
    if most is not None and told_by_gate and (left := sum(map(size, open_[most:])) + len(kept)):
        said = f"{left} more" if len(open_) > most else f"{left} PASS"
        yield from wrapped(f"and {said}; `benchhub gate {run.id}` prints them all", width, "dim")
        yield Line("")
    yield from wrapped(closing(judged), width, "")


def headline(judged: Judged, width: int) -> Iterator[Line]:
    """Yield the answer alone, which `lines` begins with."""
    yield from _headline(judged, entries(judged), width)


def _headline(judged: Judged, found: tuple[GateEntry, ...], width: int) -> Iterator[Line]:
    run = judged.results.run
    head = f"{judged.overall}: suite {run.suite}, run {run.id}: {counted(judged, found)}"
    yield from wrapped(head, width, judged.overall)


def _open(entry: GateEntry, width: int) -> Iterator[Line]:
    yield from wrapped(f"{entry.outcome:<13}{entry.where}", width, entry.outcome, "  ")
    said = [("budget", entry.limit)]
    if entry.verdict is not None:
        said.append(("value", f"{entry.seen}, {entry.launches}"))
    said += [("why", entry.reason), ("next", entry.step)]
    for label, text in said:
        if text:
            yield from wrapped(f"  {label:<8}{text}", width, "", " " * 10)


def _group(group: SameCause, width: int, run: str) -> Iterator[Line]:
    head = f"{group.outcome:<13}{group.counted}: {group.cause}"
    yield from wrapped(head, width, group.outcome, "  ")
    cells = group.cells()
    if left := group.left():
        cells.append(f"and {left} more; `benchhub gate {run} --json` names them all")
    said = [("budget", group.limit), ("cells", cells[0]), *(("", cell) for cell in cells[1:])]
    said += [("first", group.first_reason), ("next", group.step)]
    for label, text in said:
        if text:
            yield from wrapped(f"  {label:<8}{text}", width, "", " " * 10)


def _passed(entry: GateEntry, width: int) -> Iterator[Line]:
    text = (
        f"{entry.outcome:<13}{entry.where}: {entry.seen}, {entry.launches}; {entry.limit};"
        f" {entry.reason}"
    )
    yield from wrapped(text, width, entry.outcome, " " * 13)
