"""Which columns a width has room for, and how wide each of them is; numbers are never cut."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from rich.cells import cell_len

from benchhub.report.lines import widest_part
from benchhub.report.tables.table import Column, Table, TableCell

#: Cells between columns.
APART = 2
#: Columns of this rank or a higher one matter less than the intervals of others.
_LESSER = 4
#: Words may be folded down to this width, and names of up to so many cells stay whole, or, where
#: figures want the room, of so many.
_NARROWEST_WORDS, _WHOLE, _NARROW = 14, 36, 20


@dataclass(frozen=True)
class Fitted:
    """A column as it will be printed: with `short` texts, and with names that may be broken."""

    index: int
    column: Column
    cells: tuple[TableCell, ...]
    short: bool = False
    narrow: bool = False

    def texts(self) -> list[str]:
        """Return what stands in the cells."""
        return [(cell.short if self.short and cell.short else cell.text) for cell in self.cells]

    def below(self) -> list[str]:
        """Return what stands small below the texts; nothing below those that are short."""
        return ["" if self.short else cell.below for cell in self.cells]

    @property
    def shortens(self) -> bool:
        """Whether it has intervals that could be left out, or what stands below them."""
        return self.column.numeric and any(cell.short or cell.below for cell in self.cells)

    @cached_property
    def width(self) -> int:
        """The width at which nothing of it is folded."""
        return max(map(cell_len, (self.column.head, *self.texts(), *self.below())))

    @cached_property
    def least(self) -> int:
        """The width it can be folded to: of numbers none."""
        most = _NARROW if self.narrow else _WHOLE
        below = [widest_part(text, _WHOLE) for text in self.below()]
        if self.column.numeric:
            return max(self._head, *map(cell_len, self.texts()), *below)
        parts = [widest_part(text, most) for text in (self.column.head, *self.texts())]
        # What matters little is whole or left out: it takes no room from what matters more.
        narrowest = _WHOLE if self.column.rank >= _LESSER else _NARROWEST_WORDS
        return min(self.width, max(narrowest, *parts, *below))

    @property
    def _head(self) -> int:
        """The longest word of the heading, which is broken at words."""
        return max(map(cell_len, self.column.head.split()), default=0)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that are shown with the width of each, and what was left out.

    `widths` are empty where even what matters most does not fit. `needed` is the width of all.
    """

    shown: tuple[Fitted, ...]
    widths: tuple[int, ...]
    left_out: tuple[str, ...]
    without_intervals: tuple[str, ...]
    needed: int


def columns_of(table: Table) -> list[Fitted]:
    """Return the columns that have a text; those that hold a doubt are never left out."""
    columns = zip(table.columns, zip(*table.rows, strict=True), strict=True)
    return [
        Fitted(index, _kept(column, cells), cells)
        for index, (column, cells) in enumerate(columns)
        if any(cell.text for cell in cells)
    ]


def fit(columns: list[Fitted], width: int) -> Layout:
    """Return what of the columns is shown in so many cells.

    What goes first are columns of little use; then intervals, from the right, but that of the first
    number; then long names are broken; then columns of the next lower ranks go, but none of rank
    0; then that interval. What is given up in vain is taken back.
    """
    shown, left_out = list(columns), list[Fitted]()

    def fits() -> bool:
        return _least(shown) <= width

    def leave_out(least_rank: int) -> None:
        while not fits() and (rank := max(one.column.rank for one in shown)) >= least_rank:
            last = max(i for i, one in enumerate(shown) if one.column.rank == rank)
            left_out.append(shown.pop(last))

    def change(which: list[int], **to: bool) -> None:
        for place in which:
            if not fits():
                shown[place] = replace(shown[place], **to)

    def with_intervals() -> list[int]:
        return [place for place, one in enumerate(shown) if one.shortens]

    leave_out(_LESSER)
    change(with_intervals()[:0:-1], short=True)
    change([place for place, one in enumerate(shown) if not one.column.numeric], narrow=True)
    leave_out(1)
    change(with_intervals()[:1], short=True)
    for place, one in enumerate(shown):
        shown[place] = replace(one, short=False, narrow=False)
        if not fits():
            shown[place] = one
    return Layout(
        tuple(shown),
        tuple(_widths(shown, width)) if fits() else (),
        tuple(one.column.head for one in left_out[::-1] if one.column.head),
        tuple(one.column.head for one in shown if one.short),
        _least(columns),
    )


def _kept(column: Column, cells: tuple[TableCell, ...]) -> Column:
    return replace(column, rank=0) if any(cell.mark == "doubt" for cell in cells) else column


def _least(shown: list[Fitted]) -> int:
    return sum(one.least for one in shown) + APART * (len(shown) - 1)


def _widths(shown: list[Fitted], width: int) -> list[int]:
    """Return how wide each column is: words share what numbers leave, the needy ones more."""
    widths = [one.least for one in shown]
    wanted = [one.width for one in shown]
    spare = width - _least(shown)
    while spare > 0 and (wanting := [i for i, most in enumerate(wanted) if most > widths[i]]):
        for index in wanting[:spare]:
            widths[index] += 1
        spare -= len(wanting[:spare])
    return widths
