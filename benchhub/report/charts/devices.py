"""What the panels of charts are headed by: devices, real ones first, and what fits a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.model.row import Row
from benchhub.report.tables.emulated import EMULATED

#: Lanes of one device that still have room for a label each.
ROOMY_LANES = 16


def by_device(
    rows: Sequence[Row], words: Mapping[str, str] | None = None
) -> list[tuple[str, list[Row]]]:
    """Return a heading and the rows of every device, emulated devices last and said to be so.

    `words` says by device name what the times of an emulated device are.
    """
    several = len({row.run for row in rows}) > 1
    groups: dict[tuple[bool, str], list[Row]] = {}
    for row in sorted(rows, key=lambda one: one.emulated):
        name = row.device
        if row.emulated:
            name += f", {(words or {}).get(row.device) or EMULATED} (not ranked)"
        if several:
            name += f", run {row.run}"
        groups.setdefault((row.emulated, name), []).append(row)
    return [(name, found) for (_, name), found in groups.items()]


def beside(panels: Sequence[tuple[bool, Any]], columns: int = 2) -> list[Any]:
    """Panels in grids, each with axes of its own: a grid of real devices, one of emulated ones.

    Every panel comes with whether its device is emulated.
    """
    import altair as alt

    grids = ([p for e, p in panels if e is emulated] for emulated in (False, True))
    return [
        alt.concat(*grid, columns=columns, spacing=22).resolve_scale(x="independent")
        for grid in grids
        if grid
    ]
