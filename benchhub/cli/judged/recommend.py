"""`benchhub recommend`: which variant to ship where, what that rests on, and what is a tie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from benchhub.model.asked import Budget
    from benchhub.results.recommend.answer import Recommendation
    from benchhub.store import Store


def recommend(
    run: str = typer.Argument(help="A run's id, a unique prefix, `latest`, or a suite's name"),
    budget: list[str] = typer.Option(
        [], metavar="KEY=LIMIT", help="A limit in place of the suite's budgets; repeatable"
    ),
    device: list[str] = typer.Option([], help="Only this device, or a pattern; repeatable"),
    by: str = typer.Option(
        "", metavar="QUANTITY", help="What is to be best [default: p50_ms, or the rate limited]"
    ),
    robust: bool = typer.Option(False, help="One choice for all devices, too, by its worst cost"),
    confirm: bool = typer.Option(
        False, "--confirm", help="Measure those that may be best once more, side by side"
    ),
    json: bool = typer.Option(False, "--json", help="As JSON"),
    store: str = project.STORE,
) -> None:
    """Say what to ship on each device under the limits, with the evidence; ties are named.

    Exit 0 each device has a pick that keeps all limits, 1 on one all candidates break a limit, 3
    a cell or a device failed, or on one nothing was measured, 4 something cannot be told.
    """
    from pathlib import Path

    from benchhub.cli.show.say import print_again, print_lines, stdout
    from benchhub.cli.show.table import print_table
    from benchhub.config.fleet.words import meant
    from benchhub.config.limits import TYPED
    from benchhub.model.request import RunKind
    from benchhub.report.recommend.json import render
    from benchhub.report.recommend.text import answer_lines, lines, side_by_side
    from benchhub.results.load import held_against, load_results
    from benchhub.results.recommend.recommend import recommend as recommended
    from benchhub.results.typed import as_typed

    with project.open_store(store) as results:
        found = results.resolve(run)
        budgets: list[Budget] = list(_typed(budget) or results.budgets(found))
        if budget:
            loaded = held_against(results, found, budgets, Path(TYPED)).results
        else:
            loaded = load_results(results, found)
        if not json:
            loaded = as_typed(results, loaded)
        labels = {row.device: dict[str, str]() for row in loaded.rows}
        labels |= {one.name: dict(one.labels) for one in loaded.devices}
        answer = recommended(loaded, budgets, by, meant(device, labels), robust)
        if confirm:
            answer = _confirmed(results, answer, budgets, by)
    suite = loaded.run.suite if loaded.run.kind is RunKind.SUITE else ""
    if json:
        project.put(render(answer, suite))
    else:
        console = stdout()
        first = list(answer_lines(answer, console.width))
        evidence = list(lines(answer, suite, console.width))
        print_lines(console, first)
        print_table(console, side_by_side(answer), also="`--json`")
        print_lines(console, evidence)
        print_again(console, first, len(evidence) + len(answer.devices))
    raise typer.Exit(exit_code(answer))


def _confirmed(
    results: Store, first: Recommendation, budgets: list[Budget], by: str
) -> Recommendation:
    """Measure the finalists of each device once more, and choose among them by that alone."""
    from pathlib import Path

    from rich.console import Console

    from benchhub.api.measuring import begin, measure
    from benchhub.cli.run import command_line, display, ready_of, say_problems
    from benchhub.config.request import resolve
    from benchhub.config.suite import load_suite
    from benchhub.results.load import load_results
    from benchhub.results.load_history import place_of
    from benchhub.results.recommend.finalists import (
        MOST,
        again,
        check_again,
        finalists,
        settings,
    )
    from benchhub.results.recommend.recommend import confirmed
    from benchhub.results.recommend.recommend import recommend as recommended
    from benchhub.results.verdicts.early import asks_each_launch

    console = Console(stderr=True)
    request = results.run(first.run).request
    check_again(request)
    specs = load_suite(Path(request.suite)).variants
    sources = {one.name: one.source for one in specs}
    wanted = []
    for device in first.devices:  # mistakes show before hours of measuring
        if rows := finalists(device, first.objective)[:MOST]:
            place = place_of(results, first.run, device.device, project.folder())
            wanted.append((rows, again(request, place, rows, sources)))
    for _, one in wanted:
        resolve(one)
    found = []
    for rows, one in wanted:
        ready = ready_of(one, console)
        shown = display(console)
        info = begin(results, ready, command_line(), shown)
        say_problems(measure(results, info, ready, shown))
        loaded = load_results(results, info.id, each_launch=asks_each_launch(budgets))
        found.append(recommended(loaded, budgets, by, among=settings(rows)))
    return confirmed(first, found)


def exit_code(of: Recommendation) -> int:
    """Return the exit code of a recommendation: the worst of its devices, 3 if a cell failed."""
    from benchhub.results.recommend.answer import Advice

    kinds = {one.kind for one in of.devices}
    if Advice.NOTHING in kinds or not kinds or of.failed:
        return 3
    if Advice.NONE in kinds:
        return 1
    return 4 if kinds & {Advice.UNDECIDED, Advice.OPEN} else 0


def _typed(texts: list[str]) -> list[Budget]:
    from benchhub.config.limits import typed_budget, typed_limits

    return [typed_budget(typed_limits(texts))] if texts else []
