"""The cells of a device on a page: its tables, and a line for each cell that opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results, Row
from benchhub.report.page.facets import Facets
from benchhub.report.page.opened import ClosedCell, closed
from benchhub.report.tables import by_device, cells
from benchhub.report.tables.emulated import emulation_words
from benchhub.report.tables.table import Table
from benchhub.text import plural


@dataclass(frozen=True, slots=True)
class DeviceCells:
    """Everything measured on one device."""

    name: str
    heading: str
    place: str
    tables: tuple[Table, ...]
    every: Table
    cells: tuple[ClosedCell, ...]


def device_cells(results: Sequence[Results], of: Facets) -> list[DeviceCells]:
    """Return the cells of each device of each run; none of devices without a row."""
    several = len(results) > 1
    found = []
    for number, result in enumerate(results):
        infos = {device.name: device for device in result.devices}
        for at, (name, rows) in enumerate(_by_device(result).items()):
            info = infos.get(name) or DeviceInfo(name, "", rows[0].emulated)
            suffix = f"-{number}-{at}"
            found.append(_of_device(result, info, rows, suffix, several, of))
    return found


def _of_device(
    result: Results, info: DeviceInfo, rows: Sequence[Row], suffix: str, several: bool, of: Facets
) -> DeviceCells:
    mine = replace(result, rows=tuple(rows))
    tables = [build(mine, info) for build in (by_device.latency, *by_device.BESIDE_LATENCY)]
    words = f" ({emulation_words(info)})" if info.emulated else ""
    run = f", run {result.run.id}" if several else ""
    kind = [table.name.partition("-")[0] for table in tables]
    return DeviceCells(
        f"cells{suffix}",
        f"{info.name}{words}{run}: {plural(len(rows), 'cell')}",
        of.places(info.name, "", "", "", "", "").split()[0],
        tuple(
            replace(table, name=f"{name}{suffix}")
            for name, table in zip(kind, tables, strict=True)
            if table.rows
        ),
        replace(cells.cells([mine]), name=f"every{suffix}", caption="Every column"),
        tuple(closed(row, of.verdict(row)) for row in rows),
    )


def _by_device(result: Results) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in result.rows:
        if row.runs_model:
            found.setdefault(row.device, []).append(row)
    return found
