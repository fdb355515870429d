"""A table as plain text cells, which Markdown, HTML and the terminal only lay out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from benchhub.model.quantities import QUANTITIES
from benchhub.model.row import Results, Row
from benchhub.report.tables.points import flags_that_matter
from benchhub.report.tables.settings import SETTINGS
from benchhub.text import number, shown

WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class TableCell:
    """A text, the number it sorts by when it is one, and what stands small below the text.

    `short` is what a narrow place shows instead: a figure without its interval.
    """

    text: str
    sort: float | None = None
    mark: str = ""
    below: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, with what stands small below it; numeric columns are set flush right.

    A narrow place leaves out the columns of the highest `rank` first, and none of rank 0.
    """

    head: str
    numeric: bool = False
    below: str = ""
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, columns and rows; `name` is unique in a report.

    `of` holds the row of results that each line is of, where lines are of such.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    of: tuple[Row | None, ...] = ()


class ShownColumn(NamedTuple):
    """A column of rows: its heading, whether it is numeric, the cell of a row, and its rank."""

    head: str
    numeric: bool
    cell: Callable[[Row], TableCell]
    rank: int = 0


def text(value: object) -> TableCell:
    """A cell of words; empty for None."""
    return TableCell("" if value is None else str(value))


def figure(row: Row, column: str, show: Callable[[float], str] = number) -> TableCell:
    """A number of the row: empty when not measured, `withheld` when the row says why."""
    found = row[column]
    if found.value is None:
        held = found.withheld and not QUANTITIES[column].rare
        return TableCell(WITHHELD, mark=WITHHELD) if held else TableCell("")
    return TableCell(show(found.value), float(found.value))


def interval(row: Row, column: str) -> TableCell:
    """A number with its interval; the reason a number is withheld is listed apart."""
    found = row[column]
    if found.value is None:
        return figure(row, column)
    if found.by_definition:
        said = f"{found.value:.0f}"
        return TableCell(f"{said} (baseline)", found.value, short=said)
    said = shown(found, 2 if column == "quality_loss" else 3)
    return TableCell(said, found.value, short=said.partition(" [")[0])


def percentile(column: str, rank: int = 0) -> ShownColumn:
    """The column of a percentile with its interval."""
    name = column.removesuffix("_ms").replace("_", ".")
    head = "Median (p50) ms" if name == "p50" else f"{name} ms"
    return ShownColumn(head, True, lambda row: interval(row, column), rank)


def status(row: Row) -> TableCell:
    """Whether a row is sound: its status if it did not finish, and its flags."""
    words = [
        "" if row.status == "finished" else row.status,
        *(flag.name for flag in flags_that_matter(row)),
    ]
    said = ", ".join(word for word in words if word) or "ok"
    return TableCell(said, mark="ok" if said == "ok" else "doubt")


VARIANT = ShownColumn("Variant", False, lambda row: text(row.variant))
BACKEND = ShownColumn("Backend", False, lambda row: text(row.backend))
STATUS = ShownColumn("Status and flags", False, status, rank=9)


def setting(name: str) -> ShownColumn:
    """The column of one setting."""
    one = SETTINGS[name]

    def show(row: Row) -> TableCell:
        key = one.key(row)
        sort = float(key) if isinstance(key, int | float) else None
        return TableCell("" if key is None else f"{key:g}" if sort is not None else str(key), sort)

    return ShownColumn(one.head, one.numeric, show)


def rows(
    name: str,
    caption: str,
    columns: Sequence[ShownColumn],
    found: Sequence[Row],
    results: Sequence[Results] = (),
    owners: Sequence[tuple[Results, object]] = (),
) -> Table:
    """A table with a line for each row; with several results, `owners` say whose each is."""
    heads = [Column(one.head, one.numeric, rank=one.rank) for one in columns]
    body = [tuple(one.cell(row) for one in columns) for row in found]
    made = with_runs(name, caption, heads, body, results, owners)
    return replace(made, of=tuple(found))


def with_runs(
    name: str,
    caption: str,
    columns: Sequence[Column],
    body: Sequence[tuple[TableCell, ...]],
    results: Sequence[Results],
    owners: Sequence[tuple[Results, object]],
) -> Table:
    """A table with a leading column for the run when there are several."""
    if len(results) > 1:
        columns = [Column("Run"), *columns]
        pairs = zip(owners, body, strict=True)
        body = [(text(owner.run.id), *row) for (owner, _), row in pairs]
    return Table(name, caption, tuple(columns), tuple(body))


def listing(
    name: str, caption: str, heads: Sequence[str | Column], body: Iterable[Sequence[object]]
) -> Table:
    """A table of values as they are; a cell among them stays one."""
    columns = tuple(head if isinstance(head, Column) else Column(head) for head in heads)
    lines = tuple(
        tuple(value if isinstance(value, TableCell) else text(value) for value in line)
        for line in body
    )
    return Table(name, caption, columns, lines)
