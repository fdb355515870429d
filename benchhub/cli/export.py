"""`benchhub export`: a run in the formats of other programs."""

from __future__ import annotations

import enum
import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from benchhub.store import Store


class ExportFormat(enum.StrEnum):
    """What a run is written as."""

    PYTEST_BENCHMARK = "pytest-benchmark"
    PARQUET = "parquet"


def export(
    run: str = typer.Argument(help="A run's id, a unique prefix, `latest`, or a suite's name"),
    format: ExportFormat = typer.Option(  # noqa: A002
        help="pytest-benchmark: its JSON; parquet: the table of rows"
    ),
    output: Path = typer.Option(
        None, "-o", "--output", help="File to write (default: benchhub-RUN.json or .parquet)"
    ),
    store: str = project.STORE,
) -> None:
    """Write a run as pytest-benchmark's JSON or as parquet."""
    content: str | bytes
    with project.open_store(store) as results:
        found = results.resolve(run)
        if format is ExportFormat.PARQUET:
            from benchhub.report.run.parquet import to_parquet
            from benchhub.results.load import load_results

            suffix, content = "parquet", to_parquet([load_results(results, found)])
        else:
            suffix, content = "json", _benchmarks(results, found)
    path = output or Path(f"benchhub-{found}.{suffix}")
    project.write(path, content, "export", "name another file with -o")


def _benchmarks(results: Store, run: str) -> str:
    from benchhub.errors import ConfigError
    from benchhub.report.interchange.benchmark_json import export as exported
    from benchhub.results.load import load_results

    made = exported(load_results(results, run), results.launches(run), results.plan(run).cells)
    left = "; ".join(f"{count} {reason}" for reason, count in sorted(made.left_out.items()))
    if not made.document["benchmarks"]:
        raise ConfigError(
            f"run {run} has no timed cell to export: {left or 'it has no cells'};"
            " measure a latency scenario, or use --format parquet"
        )
    if left:
        project.note(f"cells left out: {left}")
    return jsonlib.dumps(made.document, indent=1, allow_nan=False) + "\n"
