"""`benchhub gate`: budgets applied to a run; the exit code is the answer."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from benchhub.results.load import Judged
    from benchhub.store import Store


class GateFormat(enum.StrEnum):
    """How the verdicts are written."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"


def gate(
    run: str = typer.Argument(help="A run's id, a unique prefix, `latest`, or a suite's name"),
    budgets: Path = typer.Option(None, help="Other budgets than the suite's"),
    budget: list[str] = typer.Option(
        [], metavar="KEY=LIMIT", help="A limit in place of the suite's budgets; repeatable"
    ),
    format: GateFormat = typer.Option(None, help="Default: text, and of files their ending"),  # noqa: A002
    output: list[Path] = typer.Option([], "-o", "--output", help="File to write; may be repeated"),
    strict: bool = typer.Option(
        False, "--strict", help="In JUnit INCONCLUSIVE is an error: if a server reads that alone"
    ),
    json: bool = typer.Option(False, "--json", help="The same as --format json"),
    store: str = project.STORE,
) -> None:
    """Judge a run: exit 0 PASS, 1 FAIL, 3 something failed, 4 INCONCLUSIVE.

    Without --format, a file's ending says how it is written (.xml .md .json .txt) and the text
    goes to stdout as well: `benchhub gate latest -o gate.xml -o gate.md`.
    """
    from benchhub.cli.show.results import print_gate
    from benchhub.cli.show.say import stdout
    from benchhub.errors import ConfigError
    from benchhub.report.gate.formats import STRICT, format_of, render
    from benchhub.results.typed import as_typed

    if json:
        format = GateFormat.JSON  # noqa: A001
    wanted = [(path, format.value if format else format_of(path.suffix)) for path in output]
    told = [name for _, name in wanted] or [format.value if format else "text"]
    if strict and STRICT not in told:
        raise ConfigError(
            "--strict is about JUnit, and none is written: add `-o gate.xml` or `--format junit`;"
            " INCONCLUSIVE exits 4 without it"
        )
    with project.open_store(store) as results:
        judged = _judged(results, run, budgets, budget)
        typed = dataclasses.replace(judged, results=as_typed(results, judged.results))
    if format is None or (format is GateFormat.TEXT and not output):
        print_gate(stdout(), typed)
    elif not output:
        project.put(render(format.value, judged, strict))
    for path, name in wanted:
        project.write(path, render(name, judged, strict), "gate", "name another file with -o")
    raise typer.Exit(judged.exit_code)


def _judged(store: Store, name: str, file: Path | None, typed: list[str]) -> Judged:
    from benchhub.config.limits import TYPED, typed_budget, typed_limits
    from benchhub.config.suite import load_budgets
    from benchhub.errors import ConfigError
    from benchhub.report.gate.entries import not_judged, nothing_judged
    from benchhub.results.load import held_against, judges_nothing, load_judged
    from benchhub.results.verdicts.judge import NO_BUDGETS

    if file is not None and typed:
        raise ConfigError("give either --budgets FILE or --budget KEY=LIMIT, not both")
    others = [typed_budget(typed_limits(typed))] if typed else None
    if file is not None:
        others = list(load_budgets(file))
    found = store.resolve(name)
    if others is not None:
        judged = held_against(store, found, others, file or Path(TYPED))
    else:
        budgets = store.budgets(found)
        if judges_nothing(store, found, budgets):  # known before any launch is read
            raise ConfigError(nothing_judged(found, budgets, ()))
        judged = load_judged(store, found)
    if not judged.verdicts or judged.overall == NO_BUDGETS:
        raise ConfigError(not_judged(judged))
    return judged
