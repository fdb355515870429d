"""`benchhub publish`: a static board of many runs, models and devices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.cli import project

if TYPE_CHECKING:
    from benchhub.cli.published.board_folder import BoardFolder
    from benchhub.cli.published.board_runs import RunToPublish

#: What a board is called that nobody gave a title.
TITLE = "Benchmark board"


def publish(
    run: list[str] = typer.Argument(
        None,
        metavar="[RUN]...",
        help="Run ids, prefixes, `latest`, suites' names, or files of `report --format json`",
    ),
    output: Path = typer.Option(
        ..., "-o", "--output", metavar="DIR", help="The board's folder: a new one, or a board's"
    ),
    title: str = typer.Option(None, help="What the board is called"),
    link: bool = typer.Option(
        False, "--link", help="Lead to the files given and the .html beside them, copy neither"
    ),
    store: str = project.STORE,
) -> None:
    """Put runs on a static board: answers, all rows to be searched, reports, downloads.

    A board that is there keeps its runs; what is given is added, or takes the place of the same
    run. Without RUN it is made again of what it holds. Addresses, users and folders are not told.
    """
    from benchhub.cli.published.board_folder import board_folder, replace
    from benchhub.report.board.downloads import DOWNLOADS, PARQUET
    from benchhub.report.board.files import board_files
    from benchhub.text import plural, visible

    given = list(run or [])
    with board_folder(output) as folder:
        runs = _all(folder, _given(given, output, link, store))
        if not runs:
            from benchhub.errors import ConfigError

            raise ConfigError(f"{output}: there is no board yet: name a run to begin it with")
        called = visible(title) if title is not None else folder.title or TITLE
        files = [file for one in runs for file in one.files]
        files += board_files(called, [one.board_run for one in runs], folder.pages)
        replace(folder, called, [one.entry for one in runs], files, DOWNLOADS)
    if all(name != PARQUET for name, _ in files):
        project.note(f"publish: no {PARQUET}: pip install 'benchhub[parquet]'")
    rows = sum(row.runs_model for one in runs for row in one.read.results.rows)
    project.note(f"publish: {output / 'index.html'}: {plural(len(runs), 'run')}, {rows:,} rows")


def _given(names: Sequence[str], output: Path, link: bool, store: str) -> list[RunToPublish]:
    """Return the runs that were named; ConfigError, before any is read, for one there is not."""
    from benchhub.cli.published.board_runs import linked, of_file, of_store

    files = [_file(name) for name in names]
    found: dict[str, RunToPublish] = {}
    if None in files:
        with project.open_store(store) as opened:
            ids = [
                opened.resolve(name)
                for name, path in zip(names, files, strict=True)
                if path is None
            ]
            found = {one: of_store(opened, one) for one in dict.fromkeys(ids)}
    for path in files:
        if path is not None:
            for one in linked(path, output) if link else of_file(path):
                found[one.entry.id] = one
    return list(found.values())


def _file(name: str) -> Path | None:
    """Return the file that a name means; None: it is a run of the store."""
    from benchhub.errors import ConfigError

    if "://" in name:
        raise ConfigError(f"{name}: is an address, and publish reads files: download it first")
    path = Path(name)
    if name.endswith((".json", ".json.gz")) or "/" in name:
        if not path.exists():
            raise ConfigError(f"{name}: no such file")
        return path
    return path if path.is_file() else None


def _all(folder: BoardFolder, fresh: Sequence[RunToPublish]) -> list[RunToPublish]:
    """Return what a board holds with what is new in its place, then what is added.

    ConfigError: two different runs are called the same.
    """
    from benchhub.cli.published.board_runs import of_board
    from benchhub.errors import ConfigError

    new = {one.entry.id: one for one in fresh}
    runs = []
    for entry in folder.entries:
        if entry.id not in new:
            runs.append(of_board(folder.path, entry))
            continue
        mine = new.pop(entry.id)
        run, old = mine.read.results.run, of_board(folder.path, entry).read.results.run
        if (run.suite, run.started_at) != (old.suite, old.started_at):
            raise ConfigError(
                f"run {run.id} of {run.suite} is another run than the board's {old.id} of"
                f" {old.suite}: publish it on another board"
            )
        runs.append(mine)
    return [*runs, *new.values()]
