"""Lines of devices and the heat map as plain tables, for forms that draw nothing."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.report.answer.device_line import AnswerLine
from benchhub.report.answer.figures import HeldFigure
from benchhub.report.answer.heat import HeatMap
from benchhub.report.answer.heat_cell import SIGNS
from benchhub.report.answer.said import AnswerGroup
from benchhub.report.tables.emulated import emulation_words
from benchhub.report.tables.table import Column, Table, TableCell, text

_FIGURES = ("Time and its limit", "Speed-up", "Loss", "Peak memory")


def line_table(lines: Sequence[AnswerLine]) -> Table:
    """Return a line a device: its answer, the figures it rests on, and what stands beside it."""
    columns = [Column("Device"), Column("Answer"), Column("Variant")]
    columns += [*(Column(head, True) for head in _FIGURES), Column("Beside it")]
    return Table("answer", "What to ship on each device", tuple(columns), tuple(map(_line, lines)))


def group_table(groups: Sequence[AnswerGroup]) -> Table:
    """Return a line for each group of devices with one answer."""
    columns = (Column("Answer"), Column("Variant"), Column("Devices", True), Column("Names"))
    lines = tuple(
        (
            text(one.first.word),
            text(one.first.said),
            TableCell(str(len(one.lines)), len(one.lines)),
            text(one.names),
        )
        for one in groups
    )
    return Table("answers", "What to ship where", columns, lines)


def heat_table(of: HeatMap) -> Table:
    """Return the map with a line for each backend and variant and a column a device."""
    heads = [
        Column(device.name, True, f"{emulation_words(device)}, not ranked" * device.emulated)
        for device in of.devices
    ]
    body = []
    for backend, variant in of.pairs:
        found = [of.cell(device.name, (backend, variant)) for device in of.devices]
        cells = [TableCell(one.words, below=_below(one.below, one.flags)) for one in found]
        body.append((text(backend), text(variant), *cells))
    columns = (Column("Backend"), Column("Variant"), *heads)
    return Table("map", of.about, columns, tuple(body))


def _line(of: AnswerLine) -> tuple[TableCell, ...]:
    device = f"{of.device} ({of.emulation})" if of.emulation else of.device
    figures = of.figures or (HeldFigure("", said=" "),) * 4
    time = TableCell(_held(figures[0]), below=figures[0].name)
    beside = f"{of.beside_head}: {'; '.join(of.beside)}" if of.beside else ""
    steps = "; ".join(f"{one.text} ({one.beside})" if one.beside else one.text for one in of.steps)
    return (
        text(device),
        text(of.word),
        TableCell(of.said, below="; ".join(of.doubts)),
        time if of.figures else text(""),
        *(text(_held(one)) for one in figures[1:]),
        TableCell(beside, below=f"next: {steps}" if steps else ""),
    )


def _held(of: HeldFigure) -> str:
    asked = f"{of.asked} {SIGNS.get(of.outcome, '')}".strip()
    return f"{of.text.strip()} ({asked})" if asked else of.text.strip()


def _below(below: str, flags: Sequence[str]) -> str:
    return "; ".join(filter(None, (below, ", ".join(flags))))
