"""`benchhub ab`: two model files on one device, interleaved, with a verdict."""

from __future__ import annotations

import dataclasses
import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from benchhub.cli import project
from benchhub.cli.bench import INPUTS_HELP
from benchhub.cli.devices.queueing import PRIORITY, RESERVATION, WAIT_AT_MOST
from benchhub.cli.run import EffortName
from benchhub.config.folders import expanded, placed

if TYPE_CHECKING:
    from benchhub.model.device import Queueing
    from benchhub.model.request import ABRequest
    from benchhub.results.load import Judged
    from benchhub.results.load_ab import ABComparison
    from benchhub.store import Store

#: Of bench it may be a sweep.
_SHAPE_HELP = "Sizes of an input, batch first, one shape for each input; repeatable"


def ab(
    device: str = typer.Argument(help="A device's name or profile file"),
    backend: str = typer.Argument(help="The backend that runs both"),
    model_a: Path = typer.Argument(help="The model as it was"),
    model_b: Path = typer.Argument(help="The model to judge"),
    threads: int = typer.Option(1, min=1, help="Threads a session may use"),
    batch: int = typer.Option(None, min=1, help="Default: the models' own, or 1"),
    precision: str = typer.Option("f32", help="f32, tf32, f16 or bf16"),
    option: list[str] = typer.Option([], metavar="NAME=VALUE", help="The backend's; repeatable"),
    delta: float = typer.Option(0.02, help="Times within this share of each other are equivalent"),
    statistic: str = typer.Option("p50", help="What the verdict is about: p25, p50 or p95"),
    effort: EffortName = typer.Option(EffortName.STANDARD, help="How long a launch measures"),
    iterations: int = typer.Option(None, min=1, help="Timed calls a launch, instead of --effort's"),
    shape: list[str] = typer.Option([], metavar="IN=1x3x224x224", help=_SHAPE_HELP),
    inputs: Path = typer.Option(None, metavar="FILE.npz", help=INPUTS_HELP),
    budget: list[str] = typer.Option(
        [], metavar="KEY=LIMIT", help="A limit of B, by its key in a suite; repeatable"
    ),
    wait_at_most: str = WAIT_AT_MOST,
    priority: int = PRIORITY,
    reservation: str = RESERVATION,
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Judge model B against A: exit 0 improved or equivalent, 1 regressed, 4 inconclusive.

    With --budget B must keep that, too: 1 if it does not, 4 where that cannot be told.
    """
    from benchhub.cli.devices.queueing import queueing
    from benchhub.cli.run import command_line
    from benchhub.cli.show.ab import exit_code, plain, show
    from benchhub.config.fleet.chosen import place
    from benchhub.config.limits import typed_limits
    from benchhub.errors import one_of
    from benchhub.model.request import ABRequest
    from benchhub.results.load import load_judged
    from benchhub.stats.paired_ab import STATISTICS

    if not 0 < delta < 1:
        raise typer.BadParameter(f"--delta {delta:g}: should be a share, 0.02 for 2 %")
    if statistic not in STATISTICS:
        raise typer.BadParameter(f"--statistic {statistic}: {one_of(statistic, list(STATISTICS))}")
    request = ABRequest(
        suite="ab",
        devices=(place(device, project.folder()),),
        backends=(backend,),
        effort=effort.value,
        model_a=placed(model_a),
        model_b=placed(model_b),
        inputs=str(expanded(inputs).resolve()) if inputs else None,
        batch=batch,
        threads=threads,
        precision=precision,
        options=dict(map(_option, option)),
        iterations=iterations,
        delta=delta,
        statistic=statistic,
        shapes=tuple(shape),
        limits=typed_limits(budget),
    )
    waits = queueing(wait_at_most, priority, reservation)
    with project.open_store(store) as results:
        found = measured(results, request, command_line(), waits)
        judged = _typed(results, load_judged(results, found.run)) if budget else None
    if json:
        typer.echo(jsonlib.dumps(plain(found, judged), indent=1))
    else:
        show(found, delta, judged)
    raise typer.Exit(exit_code(found, judged))


def _typed(results: Store, judged: Judged) -> Judged:
    """Return a judged run whose next steps repeat the command as it was typed here."""
    from benchhub.results.typed import as_typed

    return dataclasses.replace(judged, results=as_typed(results, judged.results))


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"--option {text} should be NAME=VALUE")
    try:
        return name, jsonlib.loads(value)
    except (ValueError, RecursionError):
        return name, value


def measured(
    results: Store, request: ABRequest, command: str, waits: Queueing | None = None
) -> ABComparison:
    """Measure a comparison with a display on stderr, and return what it found.

    ConfigError: it cannot be made; DeviceError: the device could not go on; Interrupted.
    """
    from benchhub.cli.show import measuring
    from benchhub.results.load_ab import compare_sides
    from benchhub.run.ab import make_ab

    ready = make_ab(request, project.cache())
    run, errors = measuring.measured(results, ready, command, waits=waits)
    for error in errors.values():
        if error is not None:
            raise error
    return compare_sides(results, run, request)
