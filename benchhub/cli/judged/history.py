"""`benchhub history`: cells of a suite that may have changed from run to run."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from rich.console import Console

    from benchhub.results.compare.history import Screened
    from benchhub.results.load_ab import ABComparison
    from benchhub.store import Store

#: Of cells that are not named no more than these are listed.
MOST_OTHERS = 20
#: What stands below a candidate begins beside the word.
_BESIDE = " " * 11


def history(
    suite: str = typer.Argument(help="A suite's name"),
    device: list[str] = typer.Option(
        [], metavar="NAME", help="Only this device, 'rack1-*', or label=KEY:VALUE; repeatable"
    ),
    confirm: bool = typer.Option(
        False, "--confirm", help="Measure old against new model, interleaved"
    ),
    model: list[Path] = typer.Option(
        [], help="--confirm: a model file that is no longer where its run had it; repeatable"
    ),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Screen the runs of a suite; exit 0 whatever it names, but with --confirm as `ab` does."""
    from benchhub.model.cell import CellKind
    from benchhub.results.compare.history import screen
    from benchhub.results.load_history import history as load

    with project.open_store(store) as results:
        found = load(results, suite, device)
        timed = [one for one in found.points if one.cell.kind is not CellKind.CANARY]
        fixed_work = [one for one in found.points if one.cell.kind is CellKind.CANARY]
        screened, fixed = screen(timed), screen(fixed_work)
        asked = [one for one in screened if one.candidate] if confirm else []
        for line in found.left_out:
            project.note(f"benchhub: left out: {line}")
        if not json:
            _show(screened, fixed)
        outcomes = [_confirmed(results, one, model) for one in asked]
    if json:
        document: dict[str, Any] = {
            "schema": 1,
            "suite": suite,
            "cells": list(map(plain, screened)),
            "fixed_work": list(map(plain, fixed)),
            "left_out": list(found.left_out),
        }
        if confirm:
            document["confirmations"] = [
                {"cell": one.cell.key} | _plain_outcome(outcome)
                for one, outcome in zip(asked, outcomes, strict=True)
            ]
        typer.echo(jsonlib.dumps(document, indent=1))
    elif confirm:
        _show_outcomes(asked, outcomes)
    raise typer.Exit(_exit_code(outcomes))


class _Failed(str):
    """Why a candidate could not be measured, though there are two files to measure."""

    __slots__ = ()


def _confirmed(results: Store, one: Screened, extra: Sequence[Path]) -> ABComparison | str:
    from benchhub.cli.ab import measured
    from benchhub.cli.run import command_line
    from benchhub.errors import ConfigError, DeviceError
    from benchhub.model.request import ABRequest
    from benchhub.results.load_history import confirmation

    request = confirmation(results, one, project.folder(), extra)
    if not isinstance(request, ABRequest):
        return request
    try:
        return measured(results, request, command_line())
    except (ConfigError, DeviceError) as error:  # the other candidates are measured all the same
        return _Failed(str(error))


def _exit_code(outcomes: Sequence[ABComparison | str]) -> int:
    from benchhub.cli.show.ab import exit_code

    codes = {exit_code(one) for one in outcomes if not isinstance(one, str)}
    codes |= {3} if any(isinstance(one, _Failed) for one in outcomes) else set()
    return next((code for code in (3, 1, 4) if code in codes), 0)


def _show(screened: Sequence[Screened], fixed: Sequence[Screened]) -> None:
    from benchhub.cli.show.say import say, stdout
    from benchhub.report.compare.history_words import describe
    from benchhub.results.compare.history import FEWEST_RUNS

    console = stdout()
    long = [one for one in screened if one.p_value is not None]
    named = [one for one in long if one.candidate]
    say(
        console, "bold",
        f"{len(named)} of {len(long)} cells are candidates for a change"
        f" ({len(screened) - len(long)} more have fewer than {FEWEST_RUNS} runs)",
    )  # fmt: skip
    for one in named:
        _show_candidate(console, one)
    for one in fixed:
        if one.candidate and one.after is not None:
            say(console, "yellow", f"{one.cell.device}: fixed work (canary) moved, by"
                f" {one.shift - 1:+.1%} since run {one.after.run}: suspect the device")  # fmt: skip
    others = [one for one in long if not one.candidate]
    for one in others[:MOST_OTHERS]:
        text = f"steady     {describe(one)}: {_ms(one.points[-1].p50_ns)}, {len(one.points)} runs"
        say(console, "dim", f"{text}, adjusted p = {one.adjusted:.2g}", _BESIDE)
    if len(others) > MOST_OTHERS:
        say(console, "dim", f"and {len(others) - MOST_OTHERS} more that are steady; see --json")
    if named:
        say(console, "yellow", "runs differ in more than the model: measure old against new with"
            " --confirm before you believe it")  # fmt: skip


def _show_candidate(console: Console, one: Screened) -> None:
    from benchhub.cli.show.say import say
    from benchhub.report.compare.history_words import describe
    from benchhub.results.compare.history import differences

    assert one.before is not None
    assert one.after is not None
    say(
        console, "yellow",
        f"candidate  {describe(one)}: p50 moved by {one.shift - 1:+.1%}, now"
        f" {_ms(one.points[-1].p50_ns)}, adjusted p = {one.adjusted:.2g}, {len(one.points)} runs",
        _BESIDE,
    )  # fmt: skip
    say(console, "", f"{_BESIDE}since run {one.after.run} ({one.after.started_at[:10]})", _BESIDE)
    for line in differences(one.before, one.after):
        say(console, "", f"{_BESIDE}{line}", _BESIDE)


def _show_outcomes(asked: Sequence[Screened], outcomes: Sequence[ABComparison | str]) -> None:
    from benchhub.cli.show.ab import show
    from benchhub.cli.show.say import say, stdout
    from benchhub.report.compare.history_words import describe

    console = stdout()
    for one, outcome in zip(asked, outcomes, strict=True):
        if isinstance(outcome, str):
            say(console, "yellow", f"not confirmed: {describe(one)}: {outcome}")
        else:
            say(console, "bold", f"re-measured: {describe(one)}")
            show(outcome, 0.02)


def _ms(duration_ns: float) -> str:
    from benchhub.text import number

    return f"{number(duration_ns / 1e6)} ms"


def plain(one: Screened) -> dict[str, Any]:
    """Return a cell's history as JSON types; times in milliseconds."""
    from benchhub.results.compare.history import differences

    cell = one.cell
    names = (
        "device", "variant", "backend", "scenario", "batch", "threads", "precision", "concurrency",
    )  # fmt: skip
    return {
        "cell": cell.key,
        **{name: getattr(cell, name) for name in names},
        "options": jsonlib.loads(cell.options),
        "candidate": one.candidate,
        "p_value": one.p_value,
        "adjusted_p_value": one.adjusted,
        "shift": one.shift,
        "since_run": one.after.run if one.after else None,
        "changed": list(differences(one.before, one.after)) if one.before and one.after else [],
        "runs": [
            {
                "run": point.run,
                "started_at": point.started_at,
                "p50_ms": point.p50_ns / 1e6,
                "launches": len(point.p50s_ns),
                "model_sha256": point.cell.model_sha256,
                "backend_version": point.backend_version,
            }
            for point in one.points
        ],
    }


def _plain_outcome(outcome: ABComparison | str) -> dict[str, Any]:
    from benchhub.cli.show.ab import plain as plain_ab

    return {"not_measured": outcome} if isinstance(outcome, str) else plain_ab(outcome)
