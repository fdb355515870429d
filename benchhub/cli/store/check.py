"""`benchhub store check`: whether a store holds what was put into it."""

from __future__ import annotations

import typer

from benchhub.cli import project


def check(
    url: str = typer.Argument(None, metavar="URL", help="The store, in place of --store"),
    store: str = project.STORE,
) -> None:
    """Read all that a results database holds, and name what is damaged; exit 2 if anything is.

    Every digest is made anew, every sample unpacked, every record read, and rows are looked for
    that belong to nothing. Nothing is changed.
    """
    from benchhub.errors import StoreError
    from benchhub.store import Store
    from benchhub.store.schema import HEAD
    from benchhub.store.upkeep.checking import check
    from benchhub.store.upkeep.schemas import schema_of
    from benchhub.text import plural

    place = project.store(url or store)
    found = schema_of(place)
    if found != HEAD:
        raise StoreError(
            f"the store is of schema {found}, this benchhub's is {HEAD}: run `benchhub store"
            " upgrade` first, or check it with the benchhub that wrote it"
        )
    with Store.open(place) as results:
        done = check(results, lambda _run: None)
    for line in done.damaged:
        project.problem(line)
    without = f", {done.pruned} of them pruned" if done.pruned else ""
    read = f"{plural(done.runs, 'run')}, {plural(done.launches, 'launch')}{without}"
    if done.damaged:
        project.note(f"read {read}: {plural(len(done.damaged), 'thing')} damaged")
        raise typer.Exit(2)
    project.note(f"sound: {read}, schema {found}")
