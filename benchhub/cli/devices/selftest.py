"""`benchhub devices selftest`: is a device fit as an instrument."""

from __future__ import annotations

import json as jsonlib
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchhub.model.device import Selftest
    from benchhub.store import Store


def selftest(
    device: list[str] = typer.Argument(None, help="Devices (default: localhost)"),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """See whether devices tell equal work from 3 and 5 % more; exit 3 if one does not."""
    from benchhub.config.catalogue import profile_file

    names = list(device) or ["localhost"]
    paths = [str(profile_file(name, project.folder()).resolve()) for name in names]
    with project.open_store(store) as results:
        found, lost = _measured(results, paths)
    if json:
        from benchhub.report.plain import plain

        typer.echo(jsonlib.dumps([plain(one) for one in found], indent=1))
    else:
        for one in found:
            _show(one)
    raise typer.Exit(3 if lost or not all(one.passed for one in found) else 0)


def _measured(results: Store, paths: Sequence[str]) -> tuple[list[Selftest], bool]:
    """Return the self-tests, stored, and whether a device could not be tested."""
    from datetime import UTC, datetime

    from benchhub.cli import measuring
    from benchhub.cli.run import command_line
    from benchhub.run.selftest import examine, make_selftest

    ready = make_selftest(paths, project.cache())
    run, errors = measuring.measured(results, ready, command_line())
    launches = list(results.launches(run))
    found, lost = [], False
    for name, error in errors.items():
        if error is not None:
            project.problem(str(error))
            lost = True
            continue
        mine = [launch for launch in launches if launch.cell.device == name]
        at = datetime.now(UTC).isoformat(timespec="seconds")
        found.append(examine(run, name, at, mine))
        results.selftests.add(found[-1])
    return found, lost


_WORDS = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "refuse": "[red]fail[/]"}


def _show(one: Selftest) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console()

    def line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    word = "[bold green]self-test passed[/]" if one.passed else "[bold red]self-test not passed[/]"
    line(f"[bold]{escape(one.device)}[/]: {word}")
    width = max(len(check.check) for check in one.checks)
    for check in one.checks:
        line(f"  {_WORDS[check.level]}  {escape(check.check):{width}}  {escape(check.found)}")
        for name, part in (("why", check.why), ("fix", check.fix)):
            if part:
                line(f"        [dim]{name}:[/] {escape(part)}")
