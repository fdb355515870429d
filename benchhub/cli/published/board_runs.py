"""Runs for a board: of the store, of files that a report wrote, and those that it holds already."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from benchhub.cli.published.board_folder import BoardEntry
from benchhub.errors import ConfigError
from benchhub.outside.foreign.bounds import read_bounded, unzipped
from benchhub.outside.foreign.reading import reading
from benchhub.outside.written import why

if TYPE_CHECKING:
    from benchhub.model.row import Results
    from benchhub.report.board.read import ReadRun
    from benchhub.report.board.suites import BoardRun
    from benchhub.store import Store

_NO_REPORT = "is no report of benchhub"
_ANEW = "write it with `benchhub report RUN --format json -o FILE`"


@dataclass(frozen=True, slots=True)
class RunToPublish:
    """A run on its way to a board, or there already; `files` are its own, by path and content."""

    entry: BoardEntry
    read: ReadRun
    files: tuple[tuple[str, bytes], ...] = ()

    @property
    def board_run(self) -> BoardRun:
        """The run as a board shows it; paths are addresses now."""
        from benchhub.report.board.suites import BoardRun

        entry = self.entry
        return BoardRun(
            self.read.results, quote(entry.json), quote(entry.html), self.read.with_budgets
        )


def of_store(store: Store, run_id: str) -> RunToPublish:
    """Return a run of a store with its report as it is published, launches and all."""
    from benchhub.report.board.private import public
    from benchhub.results.load import load_results

    results = public(load_results(store, run_id, details=True))
    return _whole(results)


def of_file(path: Path) -> list[RunToPublish]:
    """Return the runs of a report's json, each with a report that is made of that.

    ConfigError: it is none.
    """
    from benchhub.report.board.private import public

    with _as_one_line(path):
        return [_shown(_whole(public(one.results), one.with_budgets)) for one in _read(path)]


def linked(path: Path, folder: Path) -> list[RunToPublish]:
    """Return the runs of a report's json, which a board in `folder` is to lead to as it lies."""
    from benchhub.report.board.private import public

    beside = path.with_name(f"{path.name.partition('.json')[0]}.html")
    json, html = (os.path.relpath(one.resolve(), folder.resolve()) for one in (path, beside))
    html = html if beside.is_file() else ""
    with _as_one_line(path):
        return [
            _shown(
                RunToPublish(
                    BoardEntry(one.results.run.id, json, html),
                    dataclasses.replace(one, results=public(one.results)),
                )
            )
            for one in _read(path)
        ]


def of_board(folder: Path, entry: BoardEntry) -> RunToPublish:
    """Return a run that a board holds, from its own record; ConfigError: that is damaged."""
    from benchhub.report.board.private import public

    for one in _read(folder / entry.json):
        if one.results.run.id == entry.id:
            return RunToPublish(entry, dataclasses.replace(one, results=public(one.results)))
    raise ConfigError(f"{folder / entry.json}: holds no run {entry.id}, which the board has")


def _as_one_line(path: Path) -> contextlib.AbstractContextManager[None]:
    """Make a line of whatever a report of others, its figures or its names stumble over."""
    return reading(path, "is no whole report", _ANEW)


def _shown(run: RunToPublish) -> RunToPublish:
    """Return a run once a board of it alone was drawn: what cannot be shown is no report."""
    from benchhub.report.board.files import board_files

    for _ in board_files("", [run.board_run]):
        pass
    return run


def _whole(results: Results, with_budgets: bool = True) -> RunToPublish:
    """Return a run with its own json and report; its rows are shown as that json has them."""
    from benchhub.report.board.downloads import zipped
    from benchhub.report.board.names import file_name
    from benchhub.report.board.read import read_runs
    from benchhub.report.plain import json_text
    from benchhub.report.run import render

    text = render("json", [results])
    document = read_bounded(text)
    if not with_budgets:  # so that nobody takes it for a run without any
        del document["budgets"]
        text = json_text(document)
    read = read_runs(f"run {results.run.id}", document)[0]
    place = f"runs/{file_name(results.run.id)}"
    entry = BoardEntry(results.run.id, f"{place}/report.json.gz", f"{place}/report.html")
    html = render("html", [results]).encode("utf-8", "replace")
    return RunToPublish(entry, read, ((entry.json, zipped(text)), (entry.html, html)))


def _read(path: Path) -> Iterator[ReadRun]:
    from benchhub.report.board.read import read_runs

    try:
        with reading(path, _NO_REPORT, _ANEW):
            if path.is_dir():
                raise ConfigError(f"{path}: is a folder; name the report.json in it")
            document = read_bounded(unzipped(path))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: {why(error)}") from error
    yield from read_runs(path, document)
