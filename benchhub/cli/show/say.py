"""One line to the terminal, as it is."""

from __future__ import annotations

import textwrap

from rich.console import Console

from benchhub.outside.masked import masked
from benchhub.text import abridged, visible

#: Of a text of any length no more is printed than fits into so many lines; reports have it whole.
_MOST_LINES = 8


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
