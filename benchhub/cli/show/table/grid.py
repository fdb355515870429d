"""A table in columns of a width: headings, a line, and rows of as many lines as they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from benchhub.cli.show.table.fitting import APART, Fitted, TableFit
from benchhub.cli.show.table.marks import STYLES
from benchhub.report.lines import folded

#: The line below the headings is no longer than so, though a text without a width may be.
_LONGEST_RULE = 160


def lines(layout: TableFit, rows: int) -> Iterator[Text]:
    """Yield the lines of what is shown of a table."""
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
        yield from _notes(layout, place)


def _notes(layout: TableFit, place: int) -> Iterator[Text]:
    """Yield the doubts of a row whose column has no room, in lines below it."""
    total = sum(layout.widths) + APART * (len(layout.widths) - 1)
    for one in layout.noted:
        if one.cells[place].mark == "doubt":
            for part in folded(f"  {one.cells[place].text}", max(40, total), "  "):
                yield Text(part, style=STYLES["doubt"])


def _cell(one: Fitted, place: int, width: int) -> list[tuple[str, str]]:
    style = STYLES.get(one.cells[place].mark, "")
    found = [(part, style) for part in folded(one.texts()[place], width)]
    if below := one.below()[place]:
        found += [(part, "dim") for part in folded(below, width)]
    return found


def _lines(layout: TableFit, cells: Sequence[Sequence[tuple[str, str]]]) -> Iterator[Text]:
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
