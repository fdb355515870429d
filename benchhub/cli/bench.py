"""`benchhub bench`: what model files take on devices, without a suite, labels or data."""

from __future__ import annotations

from pathlib import Path

import typer

from benchhub.cli import project
from benchhub.cli.devices.queueing import PRIORITY, RESERVATION, WAIT_AT_MOST
from benchhub.cli.run import EffortName
from benchhub.config.folders import expanded, placed

_SHAPE_HELP = "Sizes of an input, batch first; several values are a sweep; repeatable"
INPUTS_HELP = "Cases as .npz, arrays named as the inputs (default: made to fit, seeded)"
BUDGET = typer.Option(
    [], "--budget", metavar="KEY=LIMIT", help="A limit by its key in a suite; repeatable"
)


def bench(
    models: list[Path] = typer.Argument(
        metavar="MODEL..", help="ONNX, TFLite, TorchScript (.pt) or exported programs (.pt2)"
    ),
    device: list[str] = project.DEVICE,
    exclude: list[str] = project.EXCLUDE,
    at_most: int = project.AT_MOST,
    backend: list[str] = typer.Option(
        [], help="Only this backend; repeatable (default: all that read the file and are there)"
    ),
    shape: list[str] = typer.Option([], metavar="IN=1x3x224x224", help=_SHAPE_HELP),
    inputs: Path = typer.Option(None, metavar="FILE.npz", help=INPUTS_HELP),
    threads: str = typer.Option("1", metavar="1,2", help="Threads a session may use"),
    batch: str = typer.Option(None, metavar="1,8", help="Default: the models' own, or 1"),
    precision: str = typer.Option("f32", metavar="f32,f16", help="What to compute in"),
    option: list[str] = typer.Option(
        [], metavar="NAME=VALUE", help="A session option of a suite; BACKEND.NAME=1,2 is a sweep"
    ),
    budget: list[str] = BUDGET,
    effort: EffortName = typer.Option(EffortName.STANDARD, help="How much to measure"),
    wait_at_most: str = WAIT_AT_MOST,
    priority: int = PRIORITY,
    reservation: str = RESERVATION,
    engine: str = project.ENGINE,
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Measure model files: latency, memory and cold start; of several, which is faster.

    Exit 0, or with --budget: 0 PASS, 1 FAIL, 4 INCONCLUSIVE; 3 where something failed.
    """
    from rich.console import Console

    from benchhub.api.functions import measured
    from benchhub.cli.devices.queueing import queueing
    from benchhub.cli.run import (
        command_line,
        conclude,
        display,
        ready_of,
        say_problems,
        write_report,
    )
    from benchhub.config.fleet.chosen import with_places
    from benchhub.config.limits import typed_limits
    from benchhub.model.request import BenchRequest
    from benchhub.run.loop.ways import way_of

    waits = queueing(wait_at_most, priority, reservation)
    request = BenchRequest(
        suite="bench",
        devices=tuple(device) or ("localhost",),
        exclude=tuple(exclude),
        at_most=at_most,
        backends=tuple(backend),
        effort=effort.value,
        models=tuple(placed(model) for model in models),
        shapes=tuple(shape),
        inputs=str(expanded(inputs).resolve()) if inputs else None,
        threads=_counts("--threads", threads),
        batches=_counts("--batch", batch) if batch else (),
        precisions=tuple(dict.fromkeys(word.strip() for word in precision.split(","))),
        options=tuple(option),
        limits=typed_limits(budget),
    )
    request = with_places(request, project.folder())
    console = Console(stderr=True)
    with way_of(engine) as way:
        ready = ready_of(request, console, store=store, waits=waits, way=way)
        with project.open_store(store) as results:
            shown, command = display(console), command_line()
            found, problems = measured(results, request, ready, command, shown, waits, way)
            say_problems(problems)
            judged, failed = conclude(results, found.id, json)
    if not failed:
        say_problems(found.failures)
    write_report(judged, store)
    raise typer.Exit(found.exit_code)


def _counts(option: str, text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and len(word) < 19 and int(word) > 0 for word in words):
        raise typer.BadParameter(f"{option} {text}: should be whole numbers from 1 on, as 1,2")
    return tuple(dict.fromkeys(map(int, words)))
