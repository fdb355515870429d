"""`benchhub replicate`: somebody's report run again here, and whether it came out again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project
from benchhub.cli.run import EffortName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchhub.config.published.told import PublishedDevice, PublishedReport
    from benchhub.results.replicate.answer import Replication
    from benchhub.run.again import Again, Wishes
    from benchhub.run.execute import Ready
    from benchhub.store import Store


def replicate(
    report: str = typer.Argument(
        metavar="FILE|URL", help="What `benchhub report --format json` wrote, or where it lies"
    ),
    device: str = typer.Option(None, metavar="NAME", help="Where to run it [default: localhost]"),
    models: list[Path] = typer.Option(
        [], metavar="DIR", help="Where model files are, found by their sha256; repeatable"
    ),
    accept_remade: bool = typer.Option(
        False, "--accept-remade", help="Take what is made anew here for the same model"
    ),
    against: str = typer.Option(
        None, metavar="RUN", help="Run nothing: hold the report against this run of the store"
    ),
    of: list[str] = typer.Option(
        [], metavar="NAME", help="Only this device of theirs, or a pattern; repeatable"
    ),
    of_run: str = typer.Option("", metavar="RUN", help="Which run of theirs, if it has several"),
    suite: str = typer.Option(
        None, help="The suite it is of [default: the one that has its name here]"
    ),
    effort: EffortName = typer.Option(None, help="How much to measure [default: as they did]"),
    data: str = typer.Option(None, metavar="DIR", help="Your own copy of the task's dataset"),
    margin: float = typer.Option(10.0, min=0.1, max=100.0, help="Percent too little to matter"),
    quality_margin: float = typer.Option(
        0.01, min=0.0, max=1e6, help="Quality too little to matter"
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Show what would be run, and run nothing"
    ),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Run the models and settings of somebody's report here, and say what came out again.

    Exit 0 all replicated, 1 something is not, 3 something failed here, 4 something cannot be told.
    """
    from benchhub.config.published.read import read_report
    from benchhub.errors import ConfigError
    from benchhub.results.replicate.replicate import chosen_devices

    alone = {"--models": models, "--suite": suite, "--effort": effort, "--data": data,
             "--dry-run": dry_run}  # fmt: skip
    if against and (given := [name for name, value in alone.items() if value]):
        raise ConfigError(f"--against {against} runs nothing; drop {', '.join(given)}")
    theirs = read_report(report, of_run)
    devices = chosen_devices(theirs, of)
    ours: PublishedReport | None = None
    lacking: Mapping[str, str] = {}
    if against:
        with project.open_store(store) as results:
            named = results.resolve(against)
            if named == theirs.run.id:
                raise ConfigError(
                    f"--against {against}: that is the run that the report is of; name another"
                    " one, or drop it to measure again"
                )
            ours = _report_of(results, named)
    else:
        wishes = _wishes(device, models, suite, effort, data, accept_remade)
        again, ready = _asked(theirs, devices, wishes, dry_run)
        if dry_run:
            _show(theirs, again, ready, store, json)
            return
        lacking = again.lacking
        if ready is not None:
            ours = _measured(ready, store)
    from benchhub.results.replicate.replicate import replicate as replicated

    mine, here = _on_one_device(ours, device if against else None)
    found = replicated(theirs, mine, here, of, margin / 100, quality_margin, accept_remade, lacking)
    _print(found, json)
    raise typer.Exit(found.exit_code)


def _wishes(
    device: str | None,
    models: list[Path],
    suite: str | None,
    effort: EffortName | None,
    data: str | None,
    remade: bool,
) -> Wishes:
    from benchhub.config.catalogue import suite_file
    from benchhub.config.folders import expanded
    from benchhub.run.again import Wishes

    return Wishes(
        device=device or "localhost",
        folders=tuple(expanded(folder).resolve() for folder in models),
        suite=str(suite_file(suite, project.folder()).resolve()) if suite else "",
        effort=effort.value if effort else "",
        data=data or "",
        remade=remade,
    )


def _asked(
    theirs: PublishedReport, devices: Sequence[str], wishes: Wishes, dry: bool
) -> tuple[Again, Ready | None]:
    """Return what is to be measured, ready for that; None: nothing can be."""
    from rich.console import Console

    from benchhub.cli.run import ready_of
    from benchhub.config.fleet.chosen import with_places
    from benchhub.config.request import located
    from benchhub.errors import ConfigError
    from benchhub.model.request import BenchRequest
    from benchhub.run.again import asked_again, measured_again, settled

    console = Console(stderr=True)
    rows = measured_again(theirs, devices)

    def ready(again: Again) -> Ready | None:
        if again.request is None:
            return None
        bench = isinstance(again.request, BenchRequest)
        placed = (with_places if bench else located)(again.request, project.folder())
        if len(placed.devices) != 1:
            raise ConfigError(
                f"--device {wishes.device} names {len(placed.devices)} devices: a report is held"
                " against one at a time; name that"
            )
        try:
            return ready_of(placed, console, make=not dry)
        except ConfigError as error:
            if not bench:
                raise
            raise ConfigError(  # its settings are the report's, which nobody typed
                f"the models of the report's run {theirs.run.id}, by its settings: {error}"
            ) from error

    again = asked_again(theirs, rows, wishes, project.folder())
    first = ready(again)
    assert first is not None
    found = settled(again, first, theirs, wishes, project.cache())
    return found, first if found.request == again.request else ready(found)


def _measured(ready: Ready, store: str | None) -> PublishedReport:
    """Measure what is ready, and return the report of that run."""
    from rich.console import Console

    from benchhub.api.measuring import begin, measure
    from benchhub.cli.run import command_line, display, say_problems

    project.check_store(store)
    with project.open_store(store) as results:
        shown = display(Console(stderr=True))
        info = begin(results, ready, command_line(), shown)
        say_problems(measure(results, info, ready, shown))
        return _report_of(results, info.id)


def _report_of(results: Store, run: str) -> PublishedReport:
    """Return a run of the store as its report tells it, so that both sides are read alike."""
    from benchhub.config.published.read import of_bytes, of_run
    from benchhub.report.run import render
    from benchhub.results.load import load_judged

    told = render("json", [load_judged(results, run).results])
    text = told if isinstance(told, bytes) else told.encode("utf-8")
    return of_run(of_bytes(text, f"run {run}"), f"run {run}")


def _on_one_device(
    ours: PublishedReport | None, name: str | None
) -> tuple[PublishedReport | None, PublishedDevice | None]:
    """Return the part of a run that is of one device, and that device; ConfigError: which is not
    known."""
    from benchhub.errors import ConfigError, told_of

    if ours is None:
        return None, None
    known = {one.name: one for one in ours.devices}
    name = name or (next(iter(known)) if len(known) == 1 else None)
    if name not in known:
        which = f"has no device {name}" if name else "has several devices"
        raise ConfigError(
            f"run {ours.run.id} {which}; say which with --device: {told_of(list(known)) or 'none'}"
        )
    mine = {
        part: tuple(one for one in getattr(ours, part) if one.device == name)
        for part in ("rows", "verdicts", "skips")
    }
    here = known[name]
    return ours.model_copy(update={**mine, "devices": (here,)}), here


def _show(
    theirs: PublishedReport, again: Again, ready: Ready | None, store: str | None, as_json: bool
) -> None:
    from benchhub.cli.show.dry_run import show_plan
    from benchhub.cli.show.say import say, stdout
    from benchhub.text import plural

    if as_json:
        for name, why in again.lacking.items():
            project.note(f"not measured: {name}: {why}")
    else:
        console = stdout()
        count = len(again.said)
        say(console, "", f"{theirs.run.suite}, run {theirs.run.id}: {plural(count, 'model')} here")
        for name, where in again.said.items():
            say(console, "", f"  {name}: {where}")
        for name, why in again.lacking.items():
            say(console, "yellow", f"  {name}: not measured: {why}")
    if ready is not None:
        show_plan(ready, project.cache(), store, as_json)


def _print(found: Replication, as_json: bool) -> None:
    from benchhub.cli.show.say import print_lines, stdout
    from benchhub.report.compare.replicated import lines
    from benchhub.report.compare.replicated_json import render

    if as_json:
        project.put(render(found))
        return
    console = stdout()
    print_lines(console, list(lines(found, console.width)))
    if found.ours is not None:
        project.note(f"replicate: held against run {found.ours.run.id}")
