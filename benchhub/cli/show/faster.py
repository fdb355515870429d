"""Which of several files is faster, for the terminal."""

from __future__ import annotations

from rich.console import Console

from benchhub.cli.show.say import say
from benchhub.report.compare.files import sentences
from benchhub.results.compare.files import races, same_files
from benchhub.store import Store


def print_faster(console: Console, results: Store, run: str) -> None:
    """Print a sentence for each backend and setting that ran several files; nothing for one."""
    cells = results.plan(run).cells
    for sentence in sentences(races(cells, list(results.launches(run)))):
        say(console, "", sentence)
    for names in same_files(cells).values():
        say(console, "dim", f"{' and '.join(names)} are the same file: what differs is noise")
