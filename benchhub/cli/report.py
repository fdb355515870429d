"""`benchhub report`: a comparative report of one or several runs."""

from __future__ import annotations

import enum
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchhub.model.row import Results


_ELSEWHERE = "name another place with -o"


class ReportFormat(enum.StrEnum):
    """What a report is written as; `all` writes every format and the charts into a folder."""

    HTML = "html"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    ALL = "all"


def report(
    run: list[str] = typer.Argument(help="Run ids, unique prefixes, `latest`, or suites' names"),
    format: ReportFormat = typer.Option(ReportFormat.HTML, help="all: a folder with every format"),  # noqa: A002
    output: Path = typer.Option(None, "-o", "--output", help="File or folder to write"),
    claims: str = typer.Option(
        None, metavar="SUITE", help="Claims to hold the runs against, in place of their suite's own"
    ),
    interactive: bool = typer.Option(False, help="html: charts that answer to the mouse"),
    store: str = project.STORE,
) -> None:
    """Write a report; without -o, html and all get a name of their own, others go to stdout."""
    from benchhub.config.catalogue import suite_file
    from benchhub.config.suite import load_suite
    from benchhub.report.run import render
    from benchhub.results.kept.page import page_once
    from benchhub.results.load import load_results

    with project.open_store(store) as opened:
        asked = None if claims is None else load_suite(suite_file(claims, project.folder())).claims
        found = [opened.resolve(name) for name in run]  # all of them, before any is read
        opens = format in (ReportFormat.HTML, ReportFormat.ALL)
        loaded = [load_results(opened, name, asked, details=opens) for name in found]
        if format is ReportFormat.ALL:
            _write_folder(output or Path(f"benchhub-{loaded[0].run.id}"), loaded)
            return
        draw = functools.partial(render, format.value, loaded, interactive=interactive)
        if format is ReportFormat.HTML and len(loaded) == 1:
            text = page_once(opened, loaded[0], draw, interactive)
        else:
            text = draw()
    if output is None and format is ReportFormat.HTML:
        output = Path(f"benchhub-{loaded[0].run.id}.html")
    if output is None:
        project.put(text)
        return
    project.write(output, text, "report", _ELSEWHERE)


def _write_folder(folder: Path, loaded: Sequence[Results]) -> None:
    from benchhub.report.charts.drawn import svgs
    from benchhub.report.run import FORMATS, render, suffix

    for name in FORMATS:
        project.write(folder / f"report{suffix(name)}", render(name, loaded), "report", _ELSEWHERE)
    for name, svg in svgs(loaded).items():
        project.write(folder / "charts" / f"{name}.svg", svg, "report", _ELSEWHERE)
