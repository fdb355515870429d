"""The checks of one device, for the terminal: a line each, why it matters and what mends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from benchhub.model.device import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "refuse": "red", "unknown": "cyan"}
#: What is said of a level where it is not its name.
AS_NAMED: Mapping[str, str] = {}


def print_answer(console: Console, device: str, answer: str, well: bool) -> None:
    """Print the answer on a device in one line."""
    from rich.text import Text

    line = Text(device, style="bold")
    line.append(": ", style="not bold").append(answer, style="green" if well else "red")
    console.print(line, soft_wrap=True)


def print_checks(
    console: Console, checks: Sequence[Finding], words: Mapping[str, str] = AS_NAMED
) -> None:
    """Print checks in their order; of those that are not well, why that matters and what to do."""
    called = max(7, *(len(words.get(check.level, check.level)) for check in checks))
    named = max(len(check.check) for check in checks)
    for check in checks:
        level = f"{words.get(check.level, check.level):{called}}"
        head = f"  {level}  {check.check:{named}}  "
        _put(console, head, check.found, _COLOURS.get(check.level, ""), 2, 2 + len(level))
        for word, part in (("why", check.why), ("fix", check.fix)):
            if part and check.level != "ok":
                head = f"  {'':{called}}  {word}: "
                _put(console, head, part, "dim", len(head) - 5, len(head))


def _put(console: Console, head: str, text: str, style: str, start: int, end: int) -> None:
    """Print a text beside its head; what goes on stands below it, where there is room for that."""
    from rich.text import Text

    from benchhub.outside.masked import masked
    from benchhub.report.lines import folded
    from benchhub.text import visible

    indent = " " * min(len(head), console.width // 2)
    for place, line in enumerate(folded(head + masked(visible(text)), console.width, indent)):
        shown = Text(line)
        if place == 0:
            shown.stylize(style, start, end)
        console.print(shown, soft_wrap=True)
