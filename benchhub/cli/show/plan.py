"""What a plan holds: the table of its cells, and lines that tell what it skips."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.errors import told_of
from benchhub.model.cell import Cell, Skip
from benchhub.report.tables.settings import SETTINGS, compact, usual_left_out
from benchhub.report.tables.table import Column, Table, listing
from benchhub.text import plural

#: Of devices that are alike so many are named.
_MOST_DEVICES = 8


def plan_table(cells: Sequence[Cell]) -> Table:
    """Return the cells of a plan: a line for what is measured alike on several devices.

    A line lists its variants (those of the line before where it has none) and every value of each
    setting; `cells` counts those of one device. Devices that are all measured alike are named in
    the title.
    """
    groups: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in cells:
        launches = "latency's" if cell.launches_of else str(cell.launches)
        key = (cell.device, cell.backend, cell.scenario, launches)
        groups.setdefault(key, []).append(cell)
    lines: dict[tuple[str, str, str, str, str, str], list[str]] = {}
    for (device, backend, scenario, launches), mine in groups.items():
        names = ", ".join(dict.fromkeys(cell.variant for cell in mine))
        line = (backend, names, scenario, _swept(mine), str(len(mine)), launches)
        lines.setdefault(line, []).append(device)
    where = {line: tuple(devices) for line, devices in lines.items()}
    alike = len(set(where.values())) == 1
    title = (
        f"Cells, each on {told_of(next(iter(where.values())), _MOST_DEVICES)}" if alike else "Cells"
    )
    columns = [Column("backend"), Column("variants"), Column("scenario"), Column("settings")]
    columns += [Column("cells", numeric=True), Column("launches", numeric=True)]
    columns += [] if alike else [Column("devices")]
    body: list[tuple[str, ...]] = []
    before: tuple[object, ...] = ()
    for line, devices in where.items():
        backend, names, *rest = line
        same = before == (backend, names, devices)
        before = (backend, names, devices)
        shown = ("", "", *rest) if same else (backend, names, *rest)
        body.append(
            (*shown, *(() if alike else ("" if same else told_of(devices, _MOST_DEVICES),)))
        )
    return listing("plan", title, columns, body)


def _swept(cells: Sequence[Cell]) -> str:
    """Every value of every setting: `t1,t2 b1,b8`."""
    planned = [_Planned.of(cell) for cell in cells]
    words = []
    for name in SETTINGS:
        values = list(dict.fromkeys(compact(one, (name,)) for one in planned))
        if len(values) > 1 or usual_left_out(planned[0], (name,)):
            words.append(",".join(value for value in values if value))
    return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A cell's settings as a row would have them."""

    backend: str
    batch: int
    threads: int
    precision: str | None
    concurrency: int
    rate_per_s: float | None
    options: str | None
    shapes: str | None

    @classmethod
    def of(cls, cell: Cell) -> _Planned:
        chosen = sorted(json.loads(cell.options).items())
        return cls(
            cell.backend, cell.batch, cell.threads,
            cell.precision if cell.runs_model else None, cell.concurrency, cell.rate_per_s,
            " ".join(f"{name}={value}" for name, value in chosen) or None,
            cell.shapes or None,
        )  # fmt: skip


def planned_settings(cell: Cell) -> str:
    """Return what a cell differs in from its like, in few words: `t2 b8 provider=cuda`."""
    planned = _Planned.of(cell)
    return compact(planned, usual_left_out(planned, list(SETTINGS)))


def skip_lines(skips: Sequence[Skip], scenarios: bool = False) -> list[str]:
    """Return the skips of a plan in a line for each reason, or more where backends differ.

    Each line counts what it stands for, or names its `scenarios` and devices.
    """
    groups: dict[tuple[str, str], list[Skip]] = {}
    for skip in skips:
        groups.setdefault((skip.reason.text, skip.backend), []).append(skip)
    shared: dict[tuple[str, str, tuple[str, ...], str], dict[str, int]] = {}
    for (reason, backend), mine in groups.items():
        # What differs from variant to variant or device to device is told apart.
        apart: dict[tuple[tuple[str, ...], str], list[str]] = {}
        for variant in dict.fromkeys(skip.variant for skip in mine):
            of_it = [skip for skip in mine if skip.variant == variant]
            on = tuple(dict.fromkeys(skip.device for skip in of_it))
            what = ", ".join(dict.fromkeys(skip.what for skip in of_it))
            apart.setdefault((on, what), []).append(variant)
        for (on, what), variants in apart.items():
            count = sum(skip.variant in variants for skip in mine)
            shared.setdefault((reason, ", ".join(variants), on, what), {})[backend] = count
    lines = []
    for (reason, names, on, what), counts in shared.items():
        total = sum(counts.values())
        tail = (
            f"{what} on {told_of(on, _MOST_DEVICES)}" if scenarios else plural(total, "combination")
        )
        lines.append(f"skipped: {', '.join(counts)}: {names}: {reason} ({tail})")
    return lines
