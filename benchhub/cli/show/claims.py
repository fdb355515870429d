"""Claims of papers, for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from benchhub.model.claim import ClaimOutcome
from benchhub.model.row import Results
from benchhub.report.tables.claims import lines, tally

_COLOURS = {
    ClaimOutcome.HOLDS.value: "green",
    ClaimOutcome.FAILS.value: "red",
    ClaimOutcome.UNTOLD.value: "yellow",
}


def print_claims(console: Console, results: Results) -> None:
    """Print each claim with what was measured and what follows; nothing where there are none."""
    if not results.claims:
        return
    console.print()
    console.print(tally([results]), markup=False, highlight=False, soft_wrap=True)
    for line in lines(results.claims, console.width):
        text = Text(line.text, style="dim" if line.style == "dim" else "")
        if line.style and line.text.startswith(line.style):  # the words, not all that follows
            text.stylize(_COLOURS.get(line.style, ""), 0, len(line.style))
        console.print(text, soft_wrap=True)
