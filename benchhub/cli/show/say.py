"""One line to the terminal, as it is."""

from __future__ import annotations

import shutil
import sys
import textwrap

from rich.console import Console

from benchhub.outside.masked import masked
from benchhub.text import abridged, visible

#: Of a text of any length no more is printed than fits into so many lines; reports have it whole.
_MOST_LINES = 8
#: More columns than any table has.
_NO_WIDTH = 10_000


def stdout() -> Console:
    """Return where results are printed: as wide as the terminal, or as COLUMNS says.

    A pipe or a file has no width: nothing is folded there, and no column left out.
    """
    if sys.stdout.isatty():
        return Console()
    return Console(width=shutil.get_terminal_size((_NO_WIDTH, 1)).columns)


def say(console: Console, style: str, text: str) -> None:
    """Print one line as it is; on a terminal broken at its words, and long texts by their ends."""
    text = masked(visible(text))
    if console.is_terminal and len(text) > console.width:
        text = _folded(abridged(text, _MOST_LINES * console.width), console.width)
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _folded(text: str, width: int) -> str:
    lines = textwrap.wrap(
        text, max(20, width), subsequent_indent="  ", break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip
    return "\n".join(lines)
