"""A comparison of two runs for a terminal: what changed, what moved, what to do."""

from __future__ import annotations

from collections.abc import Iterator

from benchhub.report.compare import words
from benchhub.report.gate.text import WIDTH
from benchhub.report.lines import Line, wrapped
from benchhub.results.compare.moves import Change, Move
from benchhub.results.compare.runs import CellComparison, RunComparison, State

SUFFIX = ".txt"
#: These need no reason.
_CALM = (Change.EQUIVALENT, Change.NO_WORSE, Change.IMPROVED)
_WIDEST = 15
_HANGING = " " * (4 + _WIDEST)


def render(comparison: RunComparison) -> str:
    """Return the lines as plain text, 100 columns wide."""
    return "\n".join(line.text for line in lines(comparison, WIDTH)) + "\n"


def lines(comparison: RunComparison, width: int) -> Iterator[Line]:
    """Yield what a terminal of `width` columns shows; the first line is the answer."""
    before, after = comparison.before.run, comparison.after.run
    answer = words.overall(comparison)
    yield from wrapped(
        f"{answer}: run {before.id} → run {after.id}: {words.counted(comparison)}", width, answer
    )
    yield Line("")
    yield from _changed(comparison, width)
    yield Line("")
    yield from wrapped(
        f"What moved (question: {comparison.question}; margin {100 * comparison.margins.share:g} %,"
        f" {comparison.margins.quality:g} of quality)",
        width,
    )
    for cell in comparison.cells:
        yield from _cell(cell, width)
    yield Line("")
    for note in comparison.notes:
        yield from wrapped(f"Beware: {note}", width, "Beware", "  ")
    yield from wrapped(words.closing(comparison), width)
    yield from wrapped(words.METHOD, width, "dim")


def _changed(comparison: RunComparison, width: int) -> Iterator[Line]:
    told = words.changes(comparison)
    yield Line("What changed" if told else "What changed: nothing that is recorded")
    for one, forbids in told:
        mark = "  (forbids comparing)" if forbids else ""
        place = f"{one.where}: " if one.where else ""
        yield from wrapped(f"  {one.kind:<9}{place}{one.said()}{mark}", width, "", " " * 11)


def _cell(cell: CellComparison, width: int) -> Iterator[Line]:
    yield from wrapped(f"  {words.where(cell)}", width, "", "    ")
    if cell.state is not State.COMPARED:
        said = f"    {cell.state:<{_WIDEST}}{cell.reason}"
        yield from wrapped(said, width, str(cell.state), _HANGING)
    for reason in dict.fromkeys(move.reason for move in cell.moves):
        alike = [move for move in cell.moves if move.reason == reason]
        if alike[0].change is Change.NOT_COMPARABLE:
            said = f"{', '.join(move.metric for move in alike)}: {reason}"
            yield from wrapped(
                f"    {alike[0].change:<{_WIDEST}}{said}", width, str(alike[0].change), _HANGING
            )
            continue
        for move in alike:
            said = ", ".join(part for part in (_figures(move), words.launches(move)) if part)
            yield from wrapped(
                f"    {move.change:<{_WIDEST}}{said}", width, str(move.change), _HANGING
            )
        if any(move.change not in _CALM for move in alike):
            yield from wrapped(f"{_HANGING}{reason}", width, "", _HANGING)


def _figures(move: Move) -> str:
    return " ".join(part for part in (move.metric, words.figures(move), words.effect(move)) if part)
