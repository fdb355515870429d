"""A report's table on a terminal: as much of it as fits the width, numbers always whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table as Grid
from rich.text import Text

from benchhub.cli.show.say import say
from benchhub.report.tables.table import Column, Table, TableCell

#: Between columns: a padding, and a space that stands for the line of the box.
_APART = 2
#: Words may be folded down to this width before a column is left out.
_NARROWEST_WORDS = 14
_STYLES = {
    "pass": "green", "fail": "red", "inconclusive": "yellow", "doubt": "yellow",
    "withheld": "dim", "absent": "dim",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A column as it will be printed: with `short` texts, words at most `width` wide."""

    index: int
    column: Column
    cells: tuple[TableCell, ...]
    short: bool = False

    def texts(self) -> list[str]:
        return [(cell.short if self.short and cell.short else cell.text) for cell in self.cells]

    @property
    def width(self) -> int:
        below = [] if self.short else [cell.below for cell in self.cells]
        return max([_head_width(self.column), *map(_width, (*self.texts(), *below))])

    @property
    def least(self) -> int:
        """The width it can be folded to: of numbers none."""
        if self.column.numeric:
            return self.width
        words = [word for text in (self.column.head, *self.texts()) for word in text.split()]
        return min(self.width, max([_NARROWEST_WORDS, *map(_width, words)]))


def print_table(console: Console, table: Table, title: str | None = None) -> None:
    """Print a table below its caption, or `title`; nothing where it has no rows.

    Columns without a text are left out. Where the width does not suffice, intervals go first, from
    the right, then whole columns by rank, but none that holds a doubt; these are named below the
    table. What is still too wide is printed a figure a line.
    """
    if not table.rows:
        return
    columns = [
        _Fitted(index, _kept(column, cells), cells)
        for index, (column, cells) in enumerate(
            zip(table.columns, zip(*table.rows, strict=True), strict=True)
        )
        if any(cell.text for cell in cells)
    ]
    fitted, left_out = _fit(columns, console.width)
    console.print()
    say(console, "bold", table.caption if title is None else title)
    if _least(fitted) > console.width:
        _print_lines(console, columns, len(table.rows))
        return
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _APART - 1, 0, 0))
    for one, width in zip(fitted, _widths(fitted, console.width), strict=True):
        justify: JustifyMethod = "right" if one.column.numeric else "left"
        grid.add_column(Text(one.column.head), justify=justify, width=width, overflow="fold")
    for place in range(len(table.rows)):
        grid.add_row(*(_cell(one, place) for one in fitted))
    console.print(grid)
    if left_out:
        heads = ", ".join(column.head for column in left_out)
        say(console, "dim", f"a wider terminal, or the report, also shows: {heads}")


def _kept(column: Column, cells: tuple[TableCell, ...]) -> Column:
    return replace(column, rank=0) if any(cell.mark == "doubt" for cell in cells) else column


def _fit(columns: list[_Fitted], width: int) -> tuple[list[_Fitted], list[Column]]:
    shown, left_out = list(columns), []

    def fits() -> bool:
        return _least(shown) <= width

    first = next((i for i, one in enumerate(shown) if one.column.numeric), len(shown))
    for index in reversed(range(first + 1, len(shown))):
        if fits():
            break
        shown[index] = replace(shown[index], short=True)
    while not fits() and (rank := max(one.column.rank for one in shown)) > 0:
        last = max(i for i, one in enumerate(shown) if one.column.rank == rank)
        left_out.append(shown.pop(last).column)
    if not fits() and first < len(shown):
        shown[first] = replace(shown[first], short=True)
    for index, one in enumerate(shown):  # what was left out may have made room
        shown[index] = replace(one, short=False)
        if not fits():
            shown[index] = one
    return shown, left_out[::-1]


def _least(shown: list[_Fitted]) -> int:
    return sum(one.least for one in shown) + _APART * (len(shown) - 1)


def _print_lines(console: Console, columns: list[_Fitted], rows: int) -> None:
    for place in range(rows):
        for number, one in enumerate(columns):
            if value := one.cells[place].text:
                text = f"{one.column.head}: {value}" if one.column.head else value
                say(console, _STYLES.get(one.cells[place].mark, ""), f"{'  ' * (number > 0)}{text}")


def _widths(shown: list[_Fitted], width: int) -> list[int]:
    """Return how wide each column is: words share what numbers leave, the needy ones more."""
    widths = [one.least for one in shown]
    spare = width - _least(shown)
    while spare > 0 and (wanting := [i for i, one in enumerate(shown) if one.width > widths[i]]):
        for index in wanting[:spare]:
            widths[index] += 1
        spare -= len(wanting[:spare])
    return widths


def _cell(one: _Fitted, place: int) -> Text:
    cell = one.cells[place]
    text = Text(one.texts()[place], style=_STYLES.get(cell.mark, ""))
    if cell.below and not one.short:
        text.append(f"\n{cell.below}", style="dim")
    return text


def _head_width(column: Column) -> int:
    """The longest word of the heading, which is broken at words."""
    return max(map(_width, column.head.split()), default=0)


def _width(text: str) -> int:
    return max(map(len, text.splitlines()), default=0)
