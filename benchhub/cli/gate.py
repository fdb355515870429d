"""`benchhub gate`: budgets applied to a run; the exit code is the answer."""

from __future__ import annotations

import dataclasses
import enum
import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from benchhub.store import Store


class Format(enum.StrEnum):
    """How the verdicts are printed."""

    TEXT = "text"
    JSON = "json"


def gate(
    run: str = typer.Argument(help="A run's id, a unique prefix, `latest`, or a suite's name"),
    budgets: Path = typer.Option(None, help="Other budgets than the suite's"),
    format: Format = typer.Option(Format.TEXT, help="text or json"),  # noqa: A002
    store: str = project.STORE,
) -> None:
    """Judge a run: exit 0 PASS, 1 FAIL, 3 something failed, 4 INCONCLUSIVE."""
    from benchhub.config import load_budgets
    from benchhub.errors import ConfigError
    from benchhub.gate import check_budgets, exit_code, judge, unjudged
    from benchhub.results import load_results

    with project.open_store(store) as results:
        found = _newest_of_suite(results, run) or results.resolve(run)
        loaded = load_results(results, found)
        limits = results.budgets(found)
        cells = results.plan(found).cells
    verdicts = loaded.verdicts
    if budgets is not None:
        limits = load_budgets(budgets)
        check_budgets(limits, cells)
        verdicts = judge(loaded.rows, limits)
    if not limits:
        raise ConfigError(f"run {found} has no budgets; add [[budgets]] or give --budgets FILE")
    if not verdicts:
        raise ConfigError(f"no cell of run {found} matches any budget; check their selectors")
    failed = [row for row in loaded.rows if row.status == "failed"]
    lost = [device for device in loaded.devices if device.error]
    if format is Format.JSON:
        typer.echo(jsonlib.dumps([dataclasses.asdict(v) for v in verdicts], indent=2))
    else:
        from rich.console import Console

        from benchhub.cli.tables import print_verdicts

        print_verdicts(Console(), verdicts)
    open_budgets = unjudged(limits, verdicts, cells)
    for name in open_budgets:
        typer.echo(
            f"budget {name}: INCONCLUSIVE: nothing that it selects could be measured;"
            " `benchhub report` tells what was skipped",
            err=True,
        )
    raise typer.Exit(exit_code(verdicts, len(failed) + len(lost), len(open_budgets)))


def _newest_of_suite(results: Store, name: str) -> str | None:
    return next((run.id for run in reversed(results.runs()) if run.suite == name), None)
