"""`benchhub compare`: what changed between two runs beside what moved."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from benchhub.results.compare.runs import RunComparison


class ComparisonFormat(enum.StrEnum):
    """How a comparison is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class About(enum.StrEnum):
    """The one thing that may differ; `stack` is model, backend and system together."""

    MODEL = "model"
    BACKEND = "backend"
    SYSTEM = "system"
    STACK = "stack"


def compare(
    run_a: str = typer.Argument(
        help="The earlier run: an id, a unique prefix, `latest`, or a suite"
    ),
    run_b: str = typer.Argument(help="The run held against it"),
    question: About = typer.Option(
        About.MODEL, help="What may differ: the model, the backend's version, the system, or all"
    ),
    margin: float = typer.Option(3.0, min=0.0, max=100.0, help="Percent too little to matter"),
    quality_margin: float = typer.Option(0.01, min=0.0, help="Quality too little to matter"),
    format: ComparisonFormat = typer.Option(ComparisonFormat.TEXT, help="text, json or markdown"),  # noqa: A002
    output: Path = typer.Option(None, "-o", "--output", help="File to write"),
    json: bool = typer.Option(False, "--json", help="The same as --format json"),
    store: str = project.STORE,
) -> None:
    """Hold run B against run A, cell by cell.

    Exit 0 nothing regressed, 1 something did, 3 a cell fails now, 4 cannot be told.
    """
    from benchhub.report.compare.formats import render
    from benchhub.results.compare.conditions import Question
    from benchhub.results.compare.moves import Margins
    from benchhub.results.compare.runs import check_two, compare_runs
    from benchhub.results.load_compared import record_of
    from benchhub.results.typed import as_typed

    name = "json" if json else format.value
    with project.open_store(store) as opened:
        names = [opened.resolve(one) for one in (run_a, run_b)]
        check_two(*names)
        records = [record_of(opened, one) for one in names]
        if name == "text" and output is None:  # what a terminal shows is typed here
            records = [
                dataclasses.replace(one, results=as_typed(opened, one.results)) for one in records
            ]
    margins = Margins(margin / 100, quality_margin)
    found = compare_runs(records[0], records[1], Question(question.value), margins)
    if output is not None:
        project.write(output, render(name, found), "compare")
    elif name == "text":
        _print(found)
    else:
        project.put(render(name, found))
    raise typer.Exit(found.exit_code)


def _print(comparison: RunComparison) -> None:
    from benchhub.cli.show.say import print_lines, stdout
    from benchhub.report.compare.text import lines

    console = stdout()
    print_lines(console, lines(comparison, console.width))
