"""A comparison of two runs as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchhub.report.compare import words
from benchhub.report.run.markdown import escape
from benchhub.results.compare.moves import Change, Move
from benchhub.results.compare.runs import CellComparison, RunComparison, State

SUFFIX = ".md"
#: A comment on GitHub holds 65,536 characters.
MOST = 80
_CALM = (Change.EQUIVALENT, Change.NO_WORSE)


def render(comparison: RunComparison) -> str:
    """The answer first, then what changed, what moved; what did not move folds away."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: RunComparison) -> Iterator[str]:
    before, after = comparison.before.run, comparison.after.run
    yield (
        f"**{words.overall(comparison)}**: run {escape(before.id)} → run {escape(after.id)}:"
        f" {words.counted(comparison)}"
    )
    yield ""
    told = words.changes(comparison)
    yield from _table(
        ("What changed", "Where", "Before", "After", "Forbids comparing"),
        [
            (f"{one.kind}: {one.what}", one.where, one.before, one.after, "yes" if forbids else "")
            for one, forbids in told
        ],
    )
    lone = [cell for cell in comparison.cells if cell.state is not State.COMPARED]
    moved = [(cell, move) for cell in comparison.cells for move in cell.moves]
    open_ = [pair for pair in moved if pair[1].change not in _CALM]
    calm = [pair for pair in moved if pair[1].change in _CALM]
    heads = ("Outcome", "Cell", "Metric", "Before → after", "Change (95 %)", "Launches", "Why")
    rows = [(str(cell.state), words.where(cell), "", "", "", "", cell.reason) for cell in lone]
    failed = [row for row in rows if row[0] == State.FAILED]
    others = [row for row in rows if row[0] != State.FAILED]
    yield from _table(heads, [*failed, *_rows(open_), *others])
    for note in comparison.notes:
        yield f"Beware: {_code(note)}"
        yield ""
    yield _code(words.closing(comparison))
    yield ""
    if calm:
        yield f"<details><summary>{len(calm)} did not get worse</summary>"
        yield ""
        yield from _table(heads, _rows(calm))
        yield "</details>"
        yield ""
    yield f"<sub>{escape(words.METHOD)}</sub>"


def _rows(found: Sequence[tuple[CellComparison, Move]]) -> list[tuple[str, ...]]:
    return [
        (
            str(move.change), words.where(cell), move.metric, words.figures(move),
            words.effect(move), f"{move.launches_before}, {move.launches_after}", move.reason,
        )
        for cell, move in found
    ]  # fmt: skip


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for row in rows[:MOST]:
        yield "| " + " | ".join(_code(text) for text in row) + " |"
    yield ""
    if len(rows) > MOST:
        yield f"And {len(rows) - MOST} more: `benchhub compare` names them all."
        yield ""


def _code(text: str) -> str:
    """Escape all but backquotes around commands."""
    return escape(text).replace("\\`", "`")
