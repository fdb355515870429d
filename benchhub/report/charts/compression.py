"""The chart of what compression buys and costs: speed-up and quality loss against the ratio."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.model.row import Row
from benchhub.report.charts import style
from benchhub.report.charts.devices import by_device
from benchhub.report.tables.points import disagrees, points, smallest

#: From this ratio of parameters on, parameters are what was compressed; else it is bytes.
_SMALLER = 1.5
#: A number at the end of a variant's name, with its unit: how far it was compressed.
_HOW_FAR = re.compile(r"[-_.]?\d+(\.\d+)?(x|pct)?$")


def compression(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Any | None:
    """Speed-up and quality loss, with intervals, by compression; a line a family and backend.

    A family are variants whose names differ in a number at their end. A device's smallest settings
    are drawn, emulated devices have no speed-up, and outputs that are garbage are left out.
    """
    import altair as alt

    found = [point for point in points(rows) if not disagrees(point.row)]
    kept = {id(row) for row in smallest([point.row for point in found])}
    found = [point for point in found if id(point.row) in kept]
    column = _column([point.row for point in found])
    if column is None:
        return None
    quality_of = {id(point.row): point.quality for point in found}
    backends = style.distinct(point.row.backend for point in found)
    families = style.distinct(_family(point.row) for point in found if _compressed(point.row))
    panels = []
    for device, own in by_device([point.row for point in found], words):
        made = [row for row in own if row[column].value is not None and _compressed(row)]
        fast = [_datum(row, row, "speedup", column) for row in made if not row.emulated]
        lost = [
            _datum(row, quality, "quality_loss", column)
            for row in made
            if (quality := quality_of[id(row)]) is not None
        ]
        drawn = [
            _panel([d for d in data if d is not None], title, at, backends, families, column)
            for data, title, at in (
                (fast, "speed-up of the median, x", 1.0),
                (lost, "quality loss (up is worse)", 0.0),
            )
            if any(data)
        ]
        if drawn:
            heading = style.heading(device)
            panels.append(alt.concat(*drawn, columns=2, spacing=24, title=heading))
    return style.page(panels, spacing=18) if panels else None


def _column(rows: Sequence[Row]) -> str | None:
    """Return which ratio tells the variants apart; None: not two are compressed at all."""
    for column in ("compression_params", "compression_bytes"):
        known = {row.variant: row[column].value for row in rows if _compressed(row)}
        if sum(value is not None and value > _SMALLER for value in known.values()) > 1:
            return column
    return None


def _compressed(row: Row) -> bool:
    """Whether the row is not a base of others, which is 1 by definition."""
    return not (row["speedup"].by_definition or row["quality_loss"].by_definition)


def _family(row: Row) -> str:
    return _HOW_FAR.sub("", row.variant) or row.variant


def _datum(row: Row, of: Row, name: str, column: str) -> dict[str, Any] | None:
    found = of[name]
    if found.value is None:
        return None
    return {
        "backend": row.backend,
        "family": _family(row),
        "ratio": row[column].value,
        "value": found.value,
        "low": found.low,
        "high": found.high,
    }


def _panel(
    data: list[dict[str, Any]],
    title: str,
    at: float,
    backends: list[Any],
    families: list[Any],
    column: str,
) -> Any:
    import altair as alt

    of = "parameters" if column == "compression_params" else "bytes"
    base = style.chart(data).encode(
        color=style.colour(backends),
        x=alt.X(
            "ratio:Q",
            title=f"times fewer {of} (log)",
            scale=alt.Scale(type="log", nice=False, padding=18),
            axis=alt.Axis(tickCount=5, labelOverlap=True),
        ),
    )
    # A speed-up of 1.01 is none, and is to look like it; a loss is small beside what it is of.
    scale = style.span(data) if at else style.near()
    up = alt.Y("value:Q", title=title, scale=scale)
    level = style.chart([{"at": at}]).mark_rule(strokeDash=[2, 3], color=style.INK)
    return alt.layer(
        level.encode(y="at:Q"),
        base.mark_line(strokeWidth=1, opacity=0.6).encode(y=up, detail="family:N", order="ratio:Q"),
        base.mark_rule(strokeWidth=1).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_point(filled=True, size=60, opacity=1).encode(
            y=up, shape=style.shape(families, "family")
        ),
    ).properties(width=290, height=210)
