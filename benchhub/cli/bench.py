"""`benchhub bench`: what model files take on devices, without a suite, labels or data."""

from __future__ import annotations

from pathlib import Path

import typer

from benchhub.cli import project
from benchhub.cli.run import EffortName

SHAPE_HELP = "Sizes of an input, batch first; several values are a sweep; repeatable"
INPUTS_HELP = "Cases as .npz, arrays named as the inputs (default: made to fit, seeded)"
BUDGET = typer.Option(
    [], "--budget", metavar="KEY=LIMIT", help="A limit by its key in a suite; repeatable"
)


def bench(
    models: list[Path] = typer.Argument(
        metavar="MODEL..", help="ONNX, TFLite, TorchScript (.pt) or exported programs (.pt2)"
    ),
    device: list[str] = typer.Option(
        [], help="Device or profile file; repeatable (default: localhost)"
    ),
    backend: list[str] = typer.Option(
        [], help="Only this backend; repeatable (default: all that read the file and are there)"
    ),
    shape: list[str] = typer.Option([], metavar="IN=1x3x224x224", help=SHAPE_HELP),
    inputs: Path = typer.Option(None, metavar="FILE.npz", help=INPUTS_HELP),
    threads: str = typer.Option("1", metavar="1,2", help="Threads a session may use"),
    batch: str = typer.Option(None, metavar="1,8", help="Default: the models' own, or 1"),
    budget: list[str] = BUDGET,
    effort: EffortName = typer.Option(EffortName.STANDARD, help="How much to measure"),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Measure model files: latency, memory and cold start; of several, which is faster.

    Exit 0, or with --budget: 0 PASS, 1 FAIL, 4 INCONCLUSIVE; 3 where something failed.
    """
    from rich.console import Console

    from benchhub.cli.run import command_line, conclude, measure, ready_of
    from benchhub.cli.show.faster import print_faster
    from benchhub.config.catalogue import profile_file
    from benchhub.config.limits import typed_limits
    from benchhub.model.request import BenchRequest
    from benchhub.run.bench import left_out
    from benchhub.run.execute import new_run

    request = BenchRequest(
        suite="bench",
        devices=tuple(
            str(profile_file(name, project.folder()).resolve()) for name in device or ["localhost"]
        ),
        backends=tuple(backend),
        effort=effort.value,
        models=tuple(str(model.expanduser().resolve()) for model in models),
        shapes=tuple(shape),
        inputs=str(inputs.expanduser().resolve()) if inputs else None,
        threads=_counts("--threads", threads),
        batches=_counts("--batch", batch) if batch else (),
        limits=typed_limits(budget),
    )
    console = Console(stderr=True)
    ready = ready_of(request, console)
    with project.open_store(store) as results:
        info = new_run(results, ready, command_line())
        measure(results, info, ready, console)
        judged, failed = conclude(results, info.id, json)
        if not json:
            print_faster(Console(), results, info.id)
    lacking = left_out(request, judged.results)
    for line in lacking:
        typer.echo(f"benchhub: {line}", err=True)
    raise typer.Exit(3 if failed or lacking else judged.exit_code)


def _counts(option: str, text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise typer.BadParameter(f"{option} {text}: should be whole numbers from 1 on, as 1,2")
    return tuple(dict.fromkeys(map(int, words)))
