"""A report's table on a terminal: as much of it as fits the width, numbers always whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from benchhub.cli.show.table.fitting import APART, Fitted, Layout, columns_of, fit
from benchhub.cli.show.table.stacked import blocks
from benchhub.report.lines import folded
from benchhub.report.tables.table import Table
from benchhub.text import visible

_STYLES = {
    "pass": "green", "fail": "red", "inconclusive": "yellow", "doubt": "yellow",
    "withheld": "dim", "absent": "dim",
}  # fmt: skip
#: Nobody is told to make a terminal wider than this.
_WIDEST = 250
#: The line below the headings is no longer than so, though a text without a width may be.
_LONGEST_RULE = 160


def print_table(console: Console, table: Table, title: str | None = None, also: str = "") -> None:
    """Print a table below its caption, or `title`; nothing where it has no rows.

    Columns without a text are left out. Of what has no room the columns that matter least are left
    out, and named below the table with where all are shown: `also` is a command that does. Where
    those that matter do not fit, each row is printed as a block, a figure a line.
    """
    if not table.rows:
        return
    columns = [_visible(one) for one in columns_of(table)]
    layout = fit(columns, console.width)
    console.print()
    for line in folded(visible(table.caption if title is None else title), console.width):
        _print(console, Text(line, style="bold"))
    if not layout.widths:
        for text in blocks(columns, len(table.rows), console.width, _STYLES):
            _print(console, text)
        return
    for text in _grid(layout, len(table.rows)):
        _print(console, text)
    for line in folded(_left_out(layout, also), console.width):
        if line:
            _print(console, Text(line, style="dim"))


def _visible(one: Fitted) -> Fitted:
    cells = tuple(
        replace(cell, text=visible(cell.text), short=visible(cell.short), below=visible(cell.below))
        for cell in one.cells
    )
    return replace(one, cells=cells)


def _left_out(layout: Layout, also: str) -> str:
    said = list(layout.left_out)
    if layout.without_intervals:
        said.append(f"the intervals of {', '.join(layout.without_intervals)}")
    if not said:
        return ""
    where = [f"a terminal of {layout.needed} columns"] if layout.needed <= _WIDEST else []
    where += [also] if also else []
    return f"left out: {', '.join(said)}; to see them: {', '.join([*where, 'or a pipe'])}"


def _grid(layout: Layout, rows: int) -> Iterator[Text]:
    heads = [
        [(part, "bold") for part in folded(one.column.head, width)]
        for one, width in zip(layout.shown, layout.widths, strict=True)
    ]
    most = max(map(len, heads))  # a heading of few lines stands at its numbers
    yield from _lines(layout, [[("", "")] * (most - len(one)) + one for one in heads])
    total = sum(layout.widths) + APART * (len(layout.widths) - 1)
    yield Text("─" * min(total, _LONGEST_RULE), style="dim")
    for place in range(rows):
        yield from _lines(
            layout,
            [
                _cell(one, place, width)
                for one, width in zip(layout.shown, layout.widths, strict=True)
            ],
        )


def _cell(one: Fitted, place: int, width: int) -> list[tuple[str, str]]:
    style = _STYLES.get(one.cells[place].mark, "")
    found = [(part, style) for part in folded(one.texts()[place], width)]
    if below := one.below()[place]:
        found += [(part, "dim") for part in folded(below, width)]
    return found


def _lines(layout: Layout, cells: Sequence[Sequence[tuple[str, str]]]) -> Iterator[Text]:
    """Yield the lines of one row: numbers flush right, without spaces at the end."""
    for place in range(max(map(len, cells))):
        line = Text()
        for one, width, parts in zip(layout.shown, layout.widths, cells, strict=True):
            text, style = parts[place] if place < len(parts) else ("", "")
            gap = " " * (width - cell_len(text))
            line.append(gap if one.column.numeric else "")
            line.append(text, style=style)
            line.append(("" if one.column.numeric else gap) + " " * APART)
        line.rstrip()
        yield line


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)
