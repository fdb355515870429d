"""The report of a run, and of two runs what moved: what `report` and `compare` say, as pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchhub.report.compare import words
from benchhub.report.page.parts import with_code
from benchhub.report.run.html import render
from benchhub.report.templating import environment
from benchhub.results.compare.conditions import Question
from benchhub.results.compare.moves import Change, Margins, Move
from benchhub.results.compare.runs import State, check_two, compare_runs
from benchhub.results.kept.page import page_once
from benchhub.results.load import load_results
from benchhub.results.load_compared import record_of
from benchhub.store import Store

#: The margins that `benchhub compare` has unless it is told others.
_MARGINS = Margins()
#: Cells that a page shows; those that matter come first.
_MOST_CELLS = 200
_WORSE = (Change.REGRESSED,)


def report(store: Store, asked: Mapping[str, Any]) -> str:
    """Return the report of a run as a page of its own."""
    results = load_results(store, asked["run"], details=True)
    return page_once(store, results, lambda: render([results]))


def compared(store: Store, asked: Mapping[str, Any]) -> str:
    """Return what differs between two runs, and what moved; ConfigError: they are one."""
    names = asked["before"], asked["after"]
    check_two(*names)
    before, after = (record_of(store, name) for name in names)
    found = compare_runs(before, after, Question(asked["question"]), _MARGINS)
    cells = [
        {
            "where": words.where(cell),
            "state": str(cell.state),
            "reason": "" if cell.state is State.COMPARED else cell.reason,
            "moves": [_told(move) for move in cell.moves],
        }
        for cell in found.cells[:_MOST_CELLS]
    ]
    return environment().get_template("serve/compared.html.j2").render(
        overall=words.overall(found),
        counted=words.counted(found),
        changes=words.changes(found),
        closing=with_code(words.closing(found)),
        notes=found.notes,
        method=words.METHOD,
        margins=_MARGINS,
        cells=cells,
        left=max(0, len(found.cells) - _MOST_CELLS),
    )  # fmt: skip


def _told(move: Move) -> dict[str, str]:
    return {
        "metric": move.metric,
        "change": str(move.change),
        "mark": "fail" if move.change in _WORSE else "",
        "figures": words.figures(move),
        "effect": words.effect(move),
        "launches": words.launches(move),
        "reason": move.reason,
    }
