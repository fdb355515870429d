"""Lines to the terminal, as they are, in its width and colours."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from benchhub.model.claim import ClaimOutcome
from benchhub.outside.masked import masked
from benchhub.report.lines import Line, folded
from benchhub.text import abridged, visible

#: Of a text of any length no more is printed than fits into so many lines; reports have it whole.
_MOST_LINES = 8
#: More columns than any table has.
_NO_WIDTH = 10_000
_INDENT = "  "
_COLOURS = {
    "PASS": "green", "FAIL": "red", "ERROR": "red", "INCONCLUSIVE": "yellow",
    "SHIP": "green", "TIE": "green", "SHIP, OR BETTER": "yellow", "UNDECIDED": "yellow",
    "BEST, OR BETTER": "yellow",
    "NONE": "red", "NOTHING": "red",
    "REGRESSED": "red", "FAILED": "red", "CANNOT BE TOLD": "yellow", "NOTHING REGRESSED": "green",
    "regressed": "red", "failed": "red", "not comparable": "yellow", "inconclusive": "yellow",
    "improved": "green", "Beware": "yellow",
    "NOT REPLICATED": "red", "REPLICATED": "green",
    ClaimOutcome.HOLDS.value: "green", ClaimOutcome.FAILS.value: "red",
    ClaimOutcome.UNTOLD.value: "yellow",
}  # fmt: skip


def stdout() -> Console:
    """Return where results are printed: as wide as the terminal, or as COLUMNS says.

    A pipe or a file has no width: nothing is folded there, and no column left out.
    """
    if sys.stdout.isatty():
        return Console()
    return Console(width=shutil.get_terminal_size((_NO_WIDTH, 1)).columns)


def say(console: Console, style: str, text: str, indent: str = _INDENT) -> None:
    """Print one line as it is; where there is a width broken at words, all but the first indented.

    Of long texts the ends are printed. What cannot be broken stays whole.
    """
    text = masked(visible(text))
    if _has_width(console) and len(text) > console.width:
        text = abridged(text, _MOST_LINES * console.width)
        text = "\n".join(folded(text, max(20, console.width), indent, breaks=False))
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_lines(console: Console, told: Iterable[Line]) -> None:
    """Print lines that have the width already, the word that each begins with in its colour."""
    for line in told:
        text = Text(line.text, style="dim" if line.style == "dim" else "")
        start = len(line.text) - len(line.text.lstrip())
        if line.style and line.text.startswith(line.style, start):  # not all that follows the word
            text.stylize(_COLOURS.get(line.style, ""), start, start + len(line.style))
        console.print(text, soft_wrap=True)


def print_again(console: Console, answer: Iterable[Line], after: int) -> None:
    """Print an answer once more where so many lines `after` it have moved it off the screen."""
    if console.is_terminal and after > console.height:
        console.print()
        print_lines(console, answer)


def _has_width(console: Console) -> bool:
    return console.is_terminal or (console.file is sys.stdout and console.width < _NO_WIDTH)
