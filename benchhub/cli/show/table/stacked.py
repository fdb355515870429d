"""A table as blocks, where a line has no room for a row: a figure a line beside its heading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from benchhub.cli.show.table.fitting import Fitted
from benchhub.cli.show.table.marks import STYLES
from benchhub.report.lines import folded, widest_part

_INDENT, _APART = "  ", 2


def blocks(columns: Sequence[Fitted], rows: int, width: int) -> Iterator[Text]:
    """Yield the lines of a block a row: what it is called, then heading and text of the others."""
    heads = max((cell_len(one.column.head) for one in columns[1:]), default=0)
    heads = min(heads, max(8, width // 3))
    for place in range(rows):
        for number, one in enumerate(columns):
            cell = one.cells[place]
            if not cell.text:
                continue
            style = STYLES.get(cell.mark, "")
            if number == 0:
                yield from (Text(part, style=style or "bold") for part in folded(cell.text, width))
                continue
            yield from _entry(one.column.head, cell.text, heads, width, style)
            if cell.below:
                yield from _entry("", cell.below, heads, width, "dim")


def _entry(head: str, text: str, heads: int, width: int, style: str) -> Iterator[Text]:
    room = width - len(_INDENT) - heads - _APART
    names, values = folded(head, heads), folded(text, max(1, room))
    if widest_part(text, width - 2 * len(_INDENT)) > room:  # it has no room beside its heading
        names, values = [], []
        yield from (Text(f"{_INDENT}{part}") for part in folded(head, width - len(_INDENT)))
        for part in folded(text, width - 2 * len(_INDENT)):
            yield Text(_INDENT * 2).append(part, style=style)
    for place in range(max(len(names), len(values))):
        name = names[place] if place < len(names) else ""
        line = Text(f"{_INDENT}{name}{' ' * (heads - cell_len(name) + _APART)}")
        line.append(values[place] if place < len(values) else "", style=style)
        line.rstrip()
        yield line
