"""The chart of what compression buys and costs: speed-up and quality loss against the ratio."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.model.row import Row
from benchhub.report.charts import style
from benchhub.report.charts.devices import by_device, fullest, told
from benchhub.report.charts.lettering import height, shortened
from benchhub.report.charts.marks import Label, Panel
from benchhub.report.charts.scales import spanning
from benchhub.report.tables.points import disagrees, points
from benchhub.text import number

#: From this ratio of parameters on, parameters are what was compressed; else it is bytes.
_SMALLER = 1.5
#: A number at the end of a variant's name, with its unit: how far it was compressed.
_HOW_FAR = re.compile(r"[-_.]?\d+(\.\d+)?(x|pct)?$")
_WIDTH, _LABEL_PX = 240, 110


def compression(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Any | None:
    """Speed-up and quality loss, with intervals, by compression; a line a family and backend.

    A family are variants whose names differ in a number at their end. Of a device one setting is
    drawn, emulated devices have no speed-up, and outputs that are garbage are left out.
    """
    import altair as alt

    found = [point for point in points(rows) if not disagrees(point.row)]
    quality_of = {id(point.row): point.quality for point in found}
    settings = [
        (heading, *fullest(own)) for heading, own in by_device([p.row for p in found], words)
    ]
    kept = [row for _, _, own in settings for row in own]
    column = _column(kept)
    if column is None:
        return None
    backends = style.distinct(row.backend for row in kept)
    panels = []
    for heading, said, own in settings:
        made = [row for row in own if row[column].value is not None and _compressed(row)]
        fast = [(row, row) for row in made if not row.emulated]
        lost = [(row, quality) for row in made if (quality := quality_of[id(row)]) is not None]
        drawn = [
            _panel(data, name, title, backends, column)
            for data, name, title in (
                (_known(fast, "speedup"), "speedup", "speed-up of the median, x"),
                (_known(lost, "quality_loss"), "quality_loss", "quality loss (up is worse)"),
            )
            if data
        ]
        if drawn:
            title_ = style.heading(told(heading, said))
            panels.append(alt.concat(*drawn, columns=2, spacing=24, title=title_))
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


def _known(pairs: Sequence[tuple[Row, Row]], name: str) -> list[tuple[Row, Row]]:
    return [pair for pair in pairs if pair[1][name].value is not None]


def _panel(
    data: Sequence[tuple[Row, Row]], name: str, title: str, backends: list[str], column: str
) -> Any:
    import altair as alt

    lines: dict[tuple[str, str], list[tuple[float, Row]]] = {}
    for row, of in sorted(data, key=lambda pair: pair[0][column].value or 0.0):
        ratio = row[column].value or 0.0
        lines.setdefault((row.backend, _family(row)), []).append((ratio, of))
    figures = [of[name] for _, of in data]
    x = spanning([row[column].value or 1.0 for row, _ in data], [], _WIDTH)
    # A speed-up of 1.01 is none, and is to look like it; a loss is small beside what it is of.
    at = 1.0 if name == "speedup" else 0.0
    y = spanning(
        [figure.value or 0.0 for figure in figures] + [at],
        [(figure.low, figure.high) for figure in figures],
        max(220.0, len(lines) * (height(style.SMALL) + 3)),
        floor=name == "speedup", may_log=name == "speedup", up=True,
    )  # fmt: skip
    words = "parameters" if column == "compression_params" else "bytes"
    axes = {
        "x": style.axis(x, 5, f"times fewer {words}" + (" (log)" if x.log else "")),
        "y": style.axis(y, 5, title + (" (log)" if y.log else ""), upright=True),
    }
    panel = Panel(x, y, backends, axes)
    ends = []
    for (backend, family), own in lines.items():
        path = [(ratio, of[name].value or 0.0) for ratio, of in own]
        panel.line(backend, path)
        for (ratio, value), (_, of) in zip(path, own, strict=True):
            panel.upright(backend, ratio, (of[name].low, of[name].high))
            said = f"{of.variant} on {backend}: {number(value)} at {number(ratio)} times fewer"
            panel.point(backend, ratio, value, said)
        short = shortened(family, _LABEL_PX, style.SMALL)
        ends.append(Label(*path[-1], short + (f" on {backend}" if len(backends) > 1 else "")))
    layers = [panel.rule(y=at), *panel.intervals(), *panel.symbols(45), *panel.beside(ends)]
    return alt.layer(*layers).properties(width=x.pixels, height=y.pixels)
