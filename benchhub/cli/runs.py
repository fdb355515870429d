"""`benchhub runs`: what was measured."""

from __future__ import annotations

import dataclasses
import json as jsonlib
from pathlib import Path

import typer

from benchhub.cli import project

app = typer.Typer(
    help="List and show runs.", no_args_is_help=True, epilog="Read on: docs/how-to/stores.md"
)
#: So many runs are listed unless more are asked for.
MOST_SHOWN = 20


@app.command("list")
def list_runs(
    limit: int = typer.Option(
        None, min=1, metavar="N", help=f"The newest N (default: {MOST_SHOWN}; --json: all)"
    ),
    all: bool = typer.Option(False, "--all", help="Every run"),  # noqa: A002
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """List runs, newest last."""
    most = None if all or (json and limit is None) else limit or MOST_SHOWN
    with project.open_store(store) as results:
        runs, left = results.newest(most)
        reached = {} if json else {run.id: results.reached(run.id) for run in runs}
    if json:
        from benchhub.report.run.json import run_told

        typer.echo(jsonlib.dumps([run_told(run) for run in runs], indent=2))
        return
    from benchhub.cli.show.say import stdout
    from benchhub.cli.show.table import print_table
    from benchhub.report.tables.table import Column, listing
    from benchhub.text import plural

    columns = [
        Column("run"), Column("suite"), Column("effort", rank=2), Column("started", rank=1),
        Column("status"), Column("launches", numeric=True, rank=3),
        Column("failed cells", numeric=True),
    ]  # fmt: skip
    body = [
        (r.id, r.suite, r.effort, r.started_at, r.status, sum(reached[r.id].finished.values()),
         len(reached[r.id].failed))
        for r in runs
    ]  # fmt: skip
    table = listing("runs", "Runs, newest last", columns, body)
    print_table(stdout(), table, also="`--json`")
    if left:
        project.note(f"{plural(left, 'earlier run')} not shown: --all, or --limit N")


@app.command()
def show(
    run: str = typer.Argument(help="A run's id, a unique prefix, `latest`, or a suite's name"),
    store: str = project.STORE,
    json: bool = project.JSON,
) -> None:
    """Show the results of a run."""
    from benchhub.results.load import load_judged
    from benchhub.results.typed import as_typed

    with project.open_store(store) as results:
        judged = load_judged(results, results.resolve(run))
        typed = dataclasses.replace(judged, results=as_typed(results, judged.results))
    loaded = judged.results
    if json:
        from benchhub.report.run import render

        project.put(render("json", [loaded]))
        return
    from benchhub.cli.show.results import print_results

    info = loaded.run
    project.note(f"run {info.id}: suite {info.suite}, effort {info.effort}, {info.status}")
    print_results(typed)


@app.command()
def delete(
    run: str = typer.Argument(help="A run's id, a unique prefix, `latest`, or a suite's name"),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask, not on a terminal either"),
    store: str = project.STORE,
) -> None:
    """Delete a run and its launches; on a terminal it asks first."""
    import sys

    from benchhub.text import plural

    with project.open_store(store) as results:
        found = results.resolve(run)
        if not yes and sys.stdin.isatty() and found != run:
            info = next(one for one in results.runs() if one.id == found)  # a damaged one, too
            launches = sum(results.finished(found).values())
            said = f"run {found} of {info.suite}, {info.started_at}, {plural(launches, 'launch')}"
            if not typer.confirm(f"delete {said}?", err=True):
                project.note(f"kept run {found}")
                return
        results.delete_run(found)
    project.note(f"deleted run {found}")


@app.command("import")
def import_runs(
    files: list[Path] = typer.Argument(
        metavar="FILE..", help="What another program wrote: see the how-to"
    ),
    device: str = typer.Option(None, help="Name of the machine (default: the files' own)"),
    suite: str = typer.Option(None, help="Suite that the run belongs to, for its history"),
    variant: str = typer.Option(None, help="Name of the model (default: what the file tells)"),
    store: str = project.STORE,
) -> None:
    """Import what other programs timed as a run; each file is one launch, of one process.

    Read are pytest-benchmark's, trtexec's and benchmark_app's JSON, and what onnxruntime_perf_test
    and MLPerf LoadGen write.
    """
    from benchhub.report.interchange.imported import import_files
    from benchhub.text import plural

    imported = import_files(files, device, suite, variant)
    with project.open_store(store) as results:
        imported.save(results)
    cells, skips = len(imported.plan.cells), len(imported.plan.skips)
    launches = plural(len(imported.launches), "launch")
    without = plural(skips, "benchmark")
    left = f"; {without} without the times of {'its' if skips == 1 else 'their'} rounds"
    said = f"imported {plural(cells, 'cell')}, {launches}{left if skips else ''}"
    project.note(said)
    typer.echo(imported.run.id)
