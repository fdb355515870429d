"""Which of several files is faster, for the terminal."""

from __future__ import annotations

from rich.console import Console

from benchhub.cli.show.say import say
from benchhub.model.row import Results
from benchhub.report.compare.files import same_files, sentences


def print_faster(console: Console, results: Results) -> None:
    """Print the sentences on which file is faster, and which are one and the same."""
    told = sentences(results.races)
    if told and results.verdicts:
        console.print()
    for sentence in told:
        say(console, "", sentence)
    for sentence in same_files(results):
        say(console, "dim", sentence)
