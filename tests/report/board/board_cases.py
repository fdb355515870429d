"""Boards made by hand: runs as a board has them, and its files as text."""

from __future__ import annotations

import json
from collections.abc import Sequence

from benchhub.model.row import Results
from benchhub.report.board.files import board_files
from benchhub.report.board.names import file_name
from benchhub.report.board.read import read_runs
from benchhub.report.board.suites import BoardRun
from benchhub.report.run import render


def on_board(source: Results, old: bool = False) -> BoardRun:
    """A run as it comes to a board: through its json, of an `old` version or of this one."""
    document = json.loads(render("json", [source]))
    if old:
        del document["budgets"]
    read = read_runs("a test's", document)[0]
    place = f"runs/{file_name(source.run.id)}"
    html = f"{place}/report.html"
    return BoardRun(read.results, f"{place}/report.json.gz", html, read.with_budgets)


def made(*runs: BoardRun, title: str = "A board", before: Sequence[str] = ()) -> dict[str, bytes]:
    """The files of a board of these runs."""
    return dict(board_files(title, runs, before))


def rows_of(source: Results) -> list[str]:
    """The cells of a run that a board shows."""
    return [row.cell for row in source.rows if row.runs_model]
