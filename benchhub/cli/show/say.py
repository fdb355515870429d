"""One line to the terminal, as it is."""

from __future__ import annotations

from rich.console import Console


def say(console: Console, style: str, text: str) -> None:
    """Print one line as it is, whatever the width of the terminal."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
