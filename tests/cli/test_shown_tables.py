"""Tables on narrow terminals: numbers are whole, and doubts are never what is left out."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from benchhub.cli.show.table import print_table
from benchhub.report.tables.table import Column, Table, TableCell

COLUMNS = (
    Column("Variant"),
    Column("Median ms", numeric=True),
    Column("Size MB", numeric=True, rank=2),
    Column("Status and flags", rank=9),
)


def shown(status: TableCell, width: int, columns: tuple[Column, ...] = COLUMNS) -> str:
    cells = (
        TableCell("int8"),
        TableCell("0.00741 [0.00721, 0.00761]", 0.00741, short="0.00741"),
        TableCell("0.00206", 0.00206),
        status,
    )
    stream = io.StringIO()
    print_table(Console(file=stream, width=width), Table("latency", "Latency", columns, (cells,)))
    return stream.getvalue()


@pytest.mark.parametrize("width", [48, 60, 80, 100])
def test_a_doubt_is_shown_however_narrow(width: int) -> None:
    assert "garbage" in shown(TableCell("garbage", mark="doubt"), width)


def test_without_a_doubt_the_status_goes_first() -> None:
    text = shown(TableCell("ok", mark="ok"), 48)
    assert "Status" not in text.splitlines()[2]
    assert "also shows: Status and flags" in text
    assert "0.00206" in text


def test_figures_a_line_have_no_empty_headings() -> None:
    columns = (Column(""), *COLUMNS[1:])
    lines = shown(TableCell("failed", mark="doubt"), 16, columns).splitlines()
    assert "int8" in lines
    assert "  Median ms: 0.00741 [0.00721, 0.00761]" in lines
    assert not [line for line in lines if line.strip().startswith(":")]
