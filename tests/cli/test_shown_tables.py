"""Tables on narrow terminals: numbers are whole, and doubts are never what is left out."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from benchhub.cli.show.table import print_table
from benchhub.cli.show.table.fitting import columns_of, fit
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
    assert "left out: Status and flags; to see them: a terminal of " in " ".join(text.split())
    assert "0.00206" in text


def test_a_doubt_stands_below_its_row_where_its_column_has_no_room() -> None:
    lines = shown(TableCell("failed", mark="doubt"), 28).splitlines()
    row = lines.index("int8       0.00741  0.00206")
    assert lines[row + 1] == "  failed"


def test_what_has_no_room_in_a_line_is_a_block() -> None:
    columns = (Column(""), COLUMNS[1], Column("Size MB", numeric=True), COLUMNS[3])
    lines = shown(TableCell("failed", mark="doubt"), 20, columns).splitlines()
    assert lines[1:] == [
        "Latency", "int8", "  Median ms", "    0.00741", "    [0.00721,", "    0.00761]",
        "  Size MB   0.00206", "  Status    failed", "  and", "  flags",
    ]  # fmt: skip


NUMBERS = st.floats(0, 1e12).map(lambda value: f"{value:,.3f}") | st.integers(0, 10**12).map(str)
INTERVALS = st.tuples(NUMBERS, NUMBERS, NUMBERS).map(
    lambda ends: TableCell(f"{ends[0]} [{ends[1]}, {ends[2]}]", 1.0, short=ends[0])
)
NAMES = st.lists(
    st.sampled_from(["int8", "resnet50", "static", "fp32", "v2", "測試"]), min_size=1, max_size=12
)
WORDS = st.lists(NAMES.map("-".join) | NUMBERS, max_size=6).map(" ".join).map(TableCell)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Tables of words, numbers and intervals, some of them below others."""
    count = draw(st.integers(1, 9))
    rows = draw(st.integers(1, 4))
    columns, cells = [], []
    for place in range(count):
        numeric = place > 0 and draw(st.booleans())
        rank = draw(st.integers(0, 9)) if place else 0
        head = draw(st.sampled_from(["", "Median (p50) ms", "Size MB", "Status and flags"]))
        columns.append(Column(head, numeric, rank=rank))
        kinds = INTERVALS | NUMBERS.map(TableCell) if numeric else WORDS
        cells.append(draw(st.lists(kinds, min_size=rows, max_size=rows)))
    return Table("t", "A table", tuple(columns), tuple(zip(*cells, strict=True)))


@settings(deadline=None)
@given(tables(), st.integers(40, 200))
def test_every_number_of_what_is_shown_is_whole(table: Table, width: int) -> None:
    stream = io.StringIO()
    print_table(Console(file=stream, width=width), table, also="`--json`")
    lines = stream.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    assert sum(line.count("[") for line in lines) == sum(line.count("]") for line in lines)
    columns = columns_of(table)
    layout = fit(columns, width)
    shown = layout.shown if layout.widths else columns
    whole = fit(columns, layout.needed)
    assert (whole.left_out, whole.without_intervals, whole.noted) == ((), (), ())
    told = set(numbers(lines))
    for one in shown:
        assert set(numbers(one.texts() if layout.widths else [c.text for c in one.cells])) <= told
    assert (len(shown) < len(columns)) <= ("left out: " in stream.getvalue() or not layout.widths
                                           or not any(layout.left_out))  # fmt: skip


def numbers(lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield from re.findall(r"\d[\d.,]*\d|\d", line)
