"""`benchhub store prune`: the samples of old runs go, what was decided of them stays."""

from __future__ import annotations

import typer

from benchhub.cli import project


def prune(
    keep: int = typer.Option(
        None, min=0, help="The newest N runs of each suite keep their samples", metavar="N"
    ),
    older_than: str = typer.Option(
        None, metavar="DURATION", help="Those alone that began so long ago: 90d, 12h"
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say which, and what they take"),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask, not on a terminal either"),
    store: str = project.STORE,
) -> None:
    """Delete the raw samples and outputs of old runs; on a terminal it asks first.

    Reports, gates and histories of such a run show what they showed; what has to look at its
    samples again, as `compare` does, says that they are gone. Runs that can be gone on with are
    left alone. With both options a run goes only where both let it.
    """
    import sys
    from datetime import timedelta

    from benchhub.cli.show.say import say, stdout
    from benchhub.config.durations import duration_s
    from benchhub.errors import ConfigError
    from benchhub.results.load import decide
    from benchhub.store import Store
    from benchhub.store.upkeep.pruning import fingerprint, give_back, prunable
    from benchhub.store.upkeep.pruning import prune as forget
    from benchhub.store.upkeep.schemas import schema_of
    from benchhub.text import plural

    if keep is None and older_than is None:
        raise ConfigError("say which runs: --keep N, --older-than 90d, or both")
    old = None if older_than is None else timedelta(seconds=duration_s(older_than, "--older-than"))
    url = project.store(store)
    schema_of(url)  # nothing is made to be pruned
    console = stdout()
    with Store.open(url) as results:
        found = prunable(results, keep, old)
        for one in found:
            launches = plural(one.launches, "launch")
            say(console, "", f"{one.run.id} of {one.run.suite}: {launches}, {_mb(one.size_bytes)}")
        total = f"{plural(len(found), 'run')}, {_mb(sum(one.size_bytes for one in found))}"
        if dry_run or not found:
            project.note(f"would prune {total}" if found else "nothing to prune")
            return
        if not yes and sys.stdin.isatty() and not typer.confirm(f"prune {total}?", err=True):
            project.note("kept all samples")
            return
        for one in found:
            seen = fingerprint(results, one.run.id)
            forget(results, one.run.id, decide(results, one.run.id), seen)
            project.note(f"pruned run {one.run.id}")
        before, after, whole = give_back(results)
    left = "" if whole else "; others are at work in it: the room is kept for what comes"
    project.note(f"pruned {total}; the store took {_mb(before)}, takes {_mb(after)}{left}")


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"
