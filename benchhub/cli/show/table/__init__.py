"""A report's table on a terminal: as much of it as fits the width, numbers always whole."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console
from rich.text import Text

from benchhub.cli.show.table.fitting import Fitted, TableFit, columns_of, fit
from benchhub.cli.show.table.grid import lines
from benchhub.cli.show.table.stacked import blocks
from benchhub.report.lines import folded
from benchhub.report.tables.table import Table
from benchhub.text import visible

#: Nobody is told to make a terminal wider than this.
_WIDEST = 250


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
        for text in blocks(columns, len(table.rows), console.width):
            _print(console, text)
        return
    for text in lines(layout, len(table.rows)):
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


def _left_out(layout: TableFit, also: str) -> str:
    said = list(layout.left_out)
    if layout.without_intervals:
        said.append(f"the intervals of {', '.join(layout.without_intervals)}")
    if not said:
        return ""
    where = [f"a terminal of {layout.needed} columns"] if layout.needed <= _WIDEST else []
    where += [also] if also else []
    return f"left out: {', '.join(said)}; to see them: {', '.join([*where, 'or a pipe'])}"


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)
