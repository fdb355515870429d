"""Which columns a width has room for, and how wide each of them is; numbers are never cut."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
    def doubts(self) -> bool:
        """Whether it holds a doubt, which is told at any width."""
        return any(cell.mark == "doubt" for cell in self.cells)

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
        return min(self.width, max(_NARROWEST_WORDS, *parts, *below))

    @property
    def comfortable(self) -> int:
        """The width at which short texts are on one line."""
        return max(self.least, min(self.width, _WHOLE))

    @property
    def _head(self) -> int:
        """The longest word of the heading, which is broken at words."""
        return max(map(cell_len, self.column.head.split()), default=0)


@dataclass(frozen=True, slots=True)
class TableFit:
    """The columns that are shown with the width of each, and what was left out.

    `widths` are empty where even what matters most does not fit. The doubts of those that are
    `noted` stand below their rows. `needed` is the width of all.
    """

    shown: tuple[Fitted, ...]
    widths: tuple[int, ...]
    noted: tuple[Fitted, ...]
    left_out: tuple[str, ...]
    without_intervals: tuple[str, ...]
    needed: int


def columns_of(table: Table) -> list[Fitted]:
    """Return the columns that have a text."""
    columns = zip(table.columns, zip(*table.rows, strict=True), strict=True)
    return [
        Fitted(index, column, cells)
        for index, (column, cells) in enumerate(columns)
        if any(cell.text for cell in cells)
    ]


def fit(columns: list[Fitted], width: int) -> TableFit:
    """Return what of the columns is shown in so many cells.

    What goes first are columns of little use, their doubts to below the rows; then intervals, from
    the right, but that of the first number; then long names are broken; then columns of the next
    lower ranks go, but none of rank 0; then that interval. What is given up in vain is taken back.
    """
    fitting = _Fitting(list(columns), width)
    fitting.leave_out(_LESSER)
    fitting.shorten(fitting.with_intervals()[:0:-1])
    fitting.narrow()
    fitting.leave_out(1)
    fitting.shorten(fitting.with_intervals()[:1])
    fitting.take_back()
    shown = fitting.shown
    return TableFit(
        tuple(shown),
        tuple(_widths(shown, width)) if fitting.fits() else (),
        tuple(one for one in fitting.left_out if one.doubts),
        tuple(one.column.head for one in fitting.missing() if one.column.head),
        tuple(one.column.head for one in shown if one.short),
        _across([one.comfortable for one in columns]),
    )


@dataclass
class _Fitting:
    """Columns that are given up, one by one, until the others fit."""

    shown: list[Fitted]
    width: int
    left_out: list[Fitted] = field(default_factory=list)

    def fits(self, comfortably: bool = False) -> bool:
        widths = [one.comfortable if comfortably else one.least for one in self.shown]
        return _across(widths) <= self.width

    def with_intervals(self) -> list[int]:
        return [place for place, one in enumerate(self.shown) if one.shortens]

    def leave_out(self, least_rank: int) -> None:
        """Leave out whole columns of this rank or a higher one, the highest and rightmost first.

        Those of little use take no room from others: what matters more is not folded for them.
        """
        while not self.fits(comfortably=least_rank >= _LESSER):
            rank = max(one.column.rank for one in self.shown)
            if rank < least_rank:
                return
            last = max(i for i, one in enumerate(self.shown) if one.column.rank == rank)
            self.left_out.append(self.shown.pop(last))

    def shorten(self, places: list[int]) -> None:
        for place in places:
            if not self.fits():
                self.shown[place] = replace(self.shown[place], short=True)

    def narrow(self) -> None:
        for place, one in enumerate(self.shown):
            if not (one.column.numeric or self.fits()):
                self.shown[place] = replace(one, narrow=True)

    def take_back(self) -> None:
        """Show whole what was shortened in vain, and then what was left out in vain."""
        for place, one in enumerate(self.shown):
            self.shown[place] = replace(one, short=False, narrow=False)
            if not self.fits():
                self.shown[place] = one
        for one in self.left_out[::-1]:
            kept = self.shown
            for again in (one, replace(one, short=True)):
                self.shown = sorted([*kept, again], key=lambda column: column.index)
                if self.fits(comfortably=one.column.rank >= _LESSER):
                    self.left_out.remove(one)
                    break
                self.shown = kept

    def missing(self) -> list[Fitted]:
        """Return what is told nowhere, in the order of the table."""
        return sorted((one for one in self.left_out if not one.doubts), key=lambda one: one.index)


def _across(widths: list[int]) -> int:
    """Return how wide columns of these widths are side by side."""
    return sum(widths) + APART * (len(widths) - 1)


def _widths(shown: list[Fitted], width: int) -> list[int]:
    """Return how wide each column is: words share what numbers leave, the needy ones more."""
    widths = [one.least for one in shown]
    wanted = [one.width for one in shown]
    spare = width - _across(widths)
    while spare > 0 and (wanting := [i for i, most in enumerate(wanted) if most > widths[i]]):
        for index in wanting[:spare]:
            widths[index] += 1
        spare -= len(wanting[:spare])
    return widths
