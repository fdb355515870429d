"""`benchhub store copy`: all that a store holds, in another."""

from __future__ import annotations

import typer

from benchhub.cli import project


def copy(
    source: str = typer.Argument(metavar="FROM", help="URL of the store to copy"),
    target: str = typer.Argument(metavar="TO", help="URL of the store to copy into"),
) -> None:
    """Copy a results database into another, of either kind, and read back that it is the same.

    Each run is copied whole. What is there already, the same, is left alone, so that a copy that
    was cut short goes on when it is started again; where the other store holds something else
    under the same name, nothing is copied.
    """
    from benchhub.store.upkeep.copying import copy
    from benchhub.store.upkeep.schemas import schema_of
    from benchhub.text import plural

    schema_of(source)
    done = copy(source, target, lambda run: project.note(f"copied run {run}"))
    there = f"; {plural(len(done.there), 'run')} were there already" if done.there else ""
    said = f"copied {plural(len(done.runs), 'run')}, {plural(done.launches, 'launch')}{there}"
    project.note(said)
