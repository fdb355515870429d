"""Verdicts as a table: what was asked of which cell, what was seen, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.model.row import Results
from benchhub.report.gate.entries import WORST_FIRST, GateEntry
from benchhub.report.tables.table import Column, Table, TableCell, text

_COLUMNS = (
    Column("Verdict"),
    Column("Device"),
    Column("Cell"),
    Column("Limit"),
    Column("Measured", True),
    Column("Launches", True),
    Column("Why, and what to do next"),
)


def verdict_table(
    name: str, caption: str, result: Results, found: Sequence[GateEntry]
) -> Table:  # fmt: skip
    """Return a line an entry, in their order; the device only where a run has several."""
    several = len(result.devices) > 1
    columns = tuple(one for one in _COLUMNS if several or one.head != "Device")
    by_cell = {row.cell: row for row in result.rows}
    of = tuple(by_cell.get(entry.verdict.cell) if entry.verdict else None for entry in found)
    return Table(name, caption, columns, tuple(_line(one, several) for one in found), of)


def _line(entry: GateEntry, several: bool) -> tuple[TableCell, ...]:
    v = entry.verdict
    device = f"{entry.device}{' (emulated)' if entry.emulated else ''}"
    looks = f"looks {', '.join(map(str, v.looks))}" if v is not None and len(v.looks) > 1 else ""
    return (
        TableCell(entry.outcome, WORST_FIRST.index(entry.outcome), entry.outcome.lower()),
        *((text(device),) if several else ()),
        text(entry.what),
        TableCell(entry.asked, v.limit if v else None, below=entry.budget),
        TableCell(entry.seen, v.value if v else None),
        TableCell(str(v.launches) if v else "", v.launches if v else None, below=looks),
        TableCell(entry.reason, below=f"next: {entry.step}" if entry.step else ""),
    )
