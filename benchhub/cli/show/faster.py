"""Which of several files is faster, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from benchhub.cli.show.say import say
from benchhub.model.row import Results


def print_faster(console: Console, results: Results, faster: Sequence[str]) -> None:
    """Print the sentences on which file is faster, and which are one and the same."""
    for sentence in faster:
        say(console, "", sentence)
    names: dict[str, list[str]] = {}
    for variant in results.variants:
        names.setdefault(variant.sha256, []).append(variant.name)
    for same in names.values():
        if len(same) > 1:
            say(console, "dim", f"{' and '.join(same)} are the same file: what differs is noise")
