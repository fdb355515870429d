"""Claims of papers, for the terminal."""

from __future__ import annotations

from rich.console import Console

from benchhub.cli.show.say import print_lines, say
from benchhub.model.row import Results
from benchhub.report.tables.claims import lines, tally


def print_claims(console: Console, results: Results) -> None:
    """Print each claim with what was measured and what follows; nothing where there are none."""
    if not results.claims:
        return
    console.print()
    say(console, "", tally([results]))
    print_lines(console, lines(results.claims, console.width))
