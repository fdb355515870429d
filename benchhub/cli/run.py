"""`benchhub run`: measure a suite on devices, resumable, and report."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project
from benchhub.cli.devices.queueing import PRIORITY, RESERVATION, WAIT_AT_MOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from benchhub.api.measuring import Display
    from benchhub.model.cell import Skip
    from benchhub.model.device import Queueing
    from benchhub.model.launch import RunInfo
    from benchhub.model.request import RunRequest
    from benchhub.results.load import Judged
    from benchhub.run.execute import Ready
    from benchhub.run.loop.ways import Way
    from benchhub.store import Store


class EffortName(enum.StrEnum):
    """How much measuring a cell gets."""

    QUICK = "quick"
    STANDARD = "standard"
    RIGOROUS = "rigorous"


def run(
    suite: str = typer.Argument(None, help="A suite's name, folder or suite.toml"),
    device: list[str] = project.DEVICE,
    exclude: list[str] = project.EXCLUDE,
    at_most: int = project.AT_MOST,
    backend: list[str] = typer.Option([], help="Only this backend; repeatable"),
    variant: list[str] = typer.Option([], help="Only this variant; repeatable"),
    scenario: list[str] = typer.Option([], help="Only this scenario; repeatable"),
    effort: EffortName = typer.Option(None, help="How much to measure (default: the suite's)"),
    budget: list[str] = typer.Option(
        [],
        metavar="KEY=LIMIT",
        help="A limit beside the suite's, which the exit code answers; repeatable",
    ),
    resume: str = typer.Option(None, metavar="RUN", help="Go on with a run that was cut short"),
    rerun_failed: str = typer.Option(
        None, metavar="RUN", help="Measure the failed cells of a run again"
    ),
    data: str = typer.Option(None, metavar="DIR", help="Your own copy of the task's dataset"),
    wait_at_most: str = WAIT_AT_MOST,
    priority: int = PRIORITY,
    reservation: str = RESERVATION,
    engine: str = project.ENGINE,
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the plan and measure nothing"),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Run a suite on devices; ends in a table and an HTML report.

    Exit 0 however the suite's own budgets are judged (`gate` answers for those); with --budget,
    whose answer is asked for here: 0 PASS, 1 FAIL, 4 INCONCLUSIVE. 3 where something failed.
    """
    from rich.console import Console

    from benchhub.api.measuring import begin, measure, resumable
    from benchhub.cli.devices.queueing import queueing
    from benchhub.config.limits import typed_limits
    from benchhub.config.request import located, resolve
    from benchhub.errors import ConfigError
    from benchhub.model.request import RunRequest
    from benchhub.run.loop.ways import way_of

    waits = queueing(wait_at_most, priority, reservation)
    again = resume or rerun_failed
    if (suite is None) == (again is None):
        raise ConfigError("give either a SUITE to run, or --resume RUN or --rerun-failed RUN")
    console = Console(stderr=True)
    if again is not None:
        if dry_run:
            raise ConfigError("--dry-run shows the plan of a new run; give a SUITE, or drop it")
        own = (device, backend, variant, scenario, effort, data, budget, exclude, at_most)
        if any(own):
            raise ConfigError(f"run {again} keeps its own devices, variants and effort; drop them")
        with way_of(engine) as way, project.open_store(store) as results:
            info = resumable(results.run(results.resolve(again)))
            ready = ready_of(info.request, console, info)
            shown, failed = display(console), bool(rerun_failed)
            say_problems(measure(results, info, ready, shown, failed, True, waits, way))
            _end(results, info.id, json, store)
        return
    request = RunRequest(
        suite=suite,
        devices=tuple(device) or ("localhost",),
        backends=tuple(backend),
        variants=tuple(variant),
        effort=effort.value if effort else None,
        data=data,
        scenarios=tuple(scenario),
        limits=typed_limits(budget),
        exclude=tuple(exclude),
        at_most=at_most,
    )
    request = located(request, project.folder())
    resolve(request)  # mistakes in files show before any work
    if dry_run:
        from benchhub.cli.show.dry_run import show_plan

        ready = ready_of(request, console, make=False, store=store, waits=waits)
        show_plan(ready, project.cache(), store, json)
        return
    project.check_store(store)  # before hours of training
    with way_of(engine) as way:
        ready = ready_of(request, console, store=store, waits=waits, way=way)
        with project.open_store(store) as results:
            shown = display(console)
            info = begin(results, ready, command_line(), shown, waits, way)
            say_problems(measure(results, info, ready, shown, queueing=waits, way=way))
            _end(results, info.id, json, store)


def ready_of(
    request: RunRequest,
    console: Console,
    begun: RunInfo | None = None,
    *,
    make: bool = True,
    store: str | None = None,
    waits: Queueing | None = None,
    way: Way | None = None,
) -> Ready:
    """Return what a request asks for, ready to be measured; what is being done is shown.

    `begun` is the run that is resumed, with its devices: ConfigError where code of the user's
    changed since. Of a new one that asks for so many devices at most, those are taken that are
    healthy, by `store` too; not `make`: by that alone. `waits` says in whose name they are asked,
    and `way` leads to them.
    """
    from benchhub.api.measuring import ready_of as ready
    from benchhub.cli.show.preparing import preparing

    with preparing(console) as progress:
        choose = None
        if begun is None and request.at_most is not None:
            from benchhub.run.devices.choosing import chooser
            from benchhub.run.loop.ways import DIRECT

            url = project.store_there(store, make)
            choose = chooser(url, project.note, waits, make, way or DIRECT)
        return ready(request, project.cache(), progress, make, begun, choose)


def display(console: Console) -> Display:
    """Return what shows a run on stderr: a bar on a terminal, plain lines elsewhere."""
    from benchhub.api.measuring import Display
    from benchhub.cli.show.plan import skip_lines
    from benchhub.cli.show.progress import RunProgress
    from benchhub.outside.masked import masked
    from benchhub.text import visible

    def begins(info: RunInfo, skips: Sequence[Skip]) -> None:
        for line in map(visible, skip_lines(skips)):
            console.print(
                masked(line), style="yellow", markup=False, highlight=False, soft_wrap=True
            )
        console.print(f"run {info.id}", highlight=False)

    return Display(
        begins, lambda cells, finished: RunProgress(console, cells, finished), project.problem
    )


def say_problems(problems: Sequence[str]) -> None:
    """Say what stopped devices early; of many the first of each kind, then the others' names."""
    from benchhub.api.firsts import grouped

    for line in grouped(problems):
        project.problem(line)


def _end(results: Store, run_id: str, as_json: bool, store: str | None) -> None:
    judged, failed = conclude(results, run_id, as_json)
    write_report(judged, store)
    raise typer.Exit(3 if failed else _answer_to_typed(judged))


def _answer_to_typed(judged: Judged) -> int:
    """Return the exit code of the limits that were typed; 0 where none were.

    4 where they were held against nothing but the baseline's own loss.
    """
    from benchhub.config.limits import NAME
    from benchhub.results.verdicts.judge import exit_code

    if not judged.results.run.request.limits:
        return 0
    typed = [verdict for verdict in judged.verdicts if verdict.budget == NAME]
    nothing = all(verdict.by_definition for verdict in typed)
    return exit_code(typed, unjudged_budgets=judged.unjudged.count(NAME) + nothing)


def write_report(judged: Judged, store: str | None) -> None:
    """Write the report of a run that was concluded; ConfigError, with the next step, if it cannot.

    The last thing a command does: everything else is told by then, and the run is saved.
    """
    import shlex

    from benchhub.outside.masked import masked
    from benchhub.report.run import render

    run = judged.results.run.id
    typed = f" --store {shlex.quote(masked(store))}" if store else ""
    step = f"the run is saved: `benchhub report {run}{typed} -o PATH` writes it elsewhere"
    path = project.folder() / f"benchhub-{run}.html"
    project.write(path, render("html", [judged.results]), "report", step)


def conclude(results: Store, run_id: str, as_json: bool) -> tuple[Judged, bool]:
    """Print what a run found; return that, and whether something failed."""
    import sys

    from benchhub.cli.show.faster import print_faster
    from benchhub.cli.show.results import print_results
    from benchhub.cli.show.say import stdout
    from benchhub.report.gate.entries import worth_retrying
    from benchhub.report.run import render
    from benchhub.results.load import load_judged, unmade
    from benchhub.results.typed import as_typed
    from benchhub.text import plural

    judged = load_judged(results, run_id, details=True)
    loaded = judged.results
    if as_json:
        project.put(render("json", [loaded]))
    else:
        print_results(dataclasses.replace(judged, results=as_typed(results, loaded)))
        print_faster(stdout(), loaded)
    sys.stdout.flush()  # what was found is there before the report, whose charts take a second
    bad = [row for row in loaded.rows if row.status == "failed"]
    lost = [device for device in loaded.devices if device.error]
    missing = unmade(loaded)
    if missing:
        project.problem(
            f"{plural(len(missing), 'variant')} could not be made, or not be run by a backend:"
            f" {', '.join(missing)}; the reasons are among what was skipped"
        )
    if bad or lost:
        hint = "they would fail again as they are: the next steps above say what to change"
        if worth_retrying(loaded):
            hint = f"try them again with `benchhub run --rerun-failed {run_id}`"
        project.problem(
            f"{plural(len(bad), 'cell')} failed,"
            f" {plural(len(lost), 'device')} stopped early; the rest is saved; {hint}"
        )
    return judged, bool(bad or lost or missing)


def command_line() -> str:
    """Return the command as it was typed but for its secrets, for the record of a run."""
    import shlex
    import sys

    from benchhub.outside.masked import masked_words
    from benchhub.text import visible

    return visible(shlex.join(["benchhub", *masked_words(sys.argv[1:])]))
