"""Figures as the terminal shows them: three significant digits, limits dimmed."""

from __future__ import annotations

import math

from rich.console import Console

from benchhub.model.row import Row


def points(row: Row, wide: bool) -> str:
    """Return the quality loss with the digits that mean something for a metric up to 1."""
    if row.quality_loss is None:
        return ""
    text = f"{round(row.quality_loss, 4) + 0.0:.4f}"  # + 0.0: no negative zero
    if wide and row.quality_loss_low is not None and row.quality_loss_high is not None:
        text += f" [dim]\\[{row.quality_loss_low:.4f}, {row.quality_loss_high:.4f}][/]"
    return text


def number(value: float | None) -> str:
    """Return a value with three significant digits, never in exponent form."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def interval(
    value: float | None, low: float | None, high: float | None, limits: bool = True
) -> str:
    """Return a value, and its limits where it has both and `limits` are wanted."""
    if value is None:
        return ""
    if low is None or high is None or not limits:
        return number(value)
    return f"{number(value)} [dim]\\[{number(low)}, {number(high)}][/]"


def counted(number: int, noun: str) -> str:
    """Return `1 cell` or `2 cells`, `2 launches`."""
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def say(console: Console, style: str, text: str) -> None:
    """Print one line as it is, whatever the width of the terminal."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
