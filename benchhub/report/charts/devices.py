"""What the panels of charts are headed by: devices, real ones first, in the order of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.model.row import Row
from benchhub.report.tables.emulated import EMULATED
from benchhub.report.tables.settings import SETTINGS, order, spoken, varying

#: Settings that change how much a call has to do or to do it with: they part panels. Others
#: (precision, a backend's options) are told by labels.
PARTING = ("threads", "batch", "concurrency", "rate_per_s", "shapes")


def by_device(
    rows: Sequence[Row], words: Mapping[str, str] | None = None
) -> list[tuple[str, list[Row]]]:
    """Return a heading and the rows of every device, emulated devices last and said to be so.

    `words` says by device name what the times of an emulated device are, in the order of the run.
    """
    several = len({row.run for row in rows}) > 1
    places = {name: place for place, name in enumerate(words or {})}
    groups: dict[tuple[bool, str], list[Row]] = {}
    for row in sorted(rows, key=lambda one: (one.emulated, places.get(one.device, len(places)))):
        name = row.device
        if row.emulated:
            name += f", {(words or {}).get(row.device) or EMULATED} (not ranked)"
        if several:
            name += f", run {row.run}"
        groups.setdefault((row.emulated, name), []).append(row)
    return [(name, found) for (_, name), found in groups.items()]


def by_setting(
    rows: Sequence[Row], first: Row | None = None, parting: Sequence[str] = PARTING
) -> list[tuple[str, list[Row]]]:
    """Return the settings that part panels in words, with their rows; the smallest first.

    Rows of one panel may be compared. The settings of `first` stand before all others; the words
    are empty where nothing varies.
    """

    def key(row: Row) -> tuple[Any, ...]:
        return tuple(SETTINGS[name].key(row) for name in parting)

    names = [name for name in varying(rows) if name in parting]
    groups: dict[tuple[Any, ...], list[Row]] = {key(row): [] for row in sorted(rows, key=order)}
    for row in rows:
        groups[key(row)].append(row)
    if first is not None and key(first) in groups:
        groups = {key(first): groups.pop(key(first)), **groups}
    return [(spoken(found[0], names), found) for found in groups.values()]


def fullest(rows: Sequence[Row], parting: Sequence[str] = PARTING) -> tuple[str, list[Row]]:
    """Return one setting in words with its rows: that of most configurations, or the smallest."""
    return max(
        by_setting(rows, None, parting),
        key=lambda pair: len({(row.backend, row.variant) for row in pair[1]}),
    )


def told(heading: str, setting: str) -> str:
    """Return the heading of a device's panel with its setting behind the device's name."""
    name, comma, rest = heading.partition(", ")
    return ", ".join(filter(None, (name, setting, rest))) if comma or setting else name


def beside(panels: Sequence[tuple[bool, Any]], columns: int = 2) -> list[Any]:
    """Panels in grids, each with axes of its own: a grid of real devices, one of emulated ones.

    Every panel comes with whether its device is emulated.
    """
    import altair as alt

    grids = ([p for e, p in panels if e is emulated] for emulated in (False, True))
    return [
        alt.concat(*grid, columns=columns, spacing=30).resolve_scale(
            x="independent", y="independent"
        )
        for grid in grids
        if grid
    ]
