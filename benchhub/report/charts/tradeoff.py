"""The chart of quality loss against speed-up, with the Pareto front of each backend."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchhub.model.row import Row
from benchhub.report.charts import style
from benchhub.report.charts.devices import beside, by_device
from benchhub.report.tables.front import front
from benchhub.report.tables.points import Configuration, points, smallest
from benchhub.report.tables.settings import spoken, varying

MOST_PANELS = 6
#: Lines of labels above a point, what one names at most, and its width.
_LEVELS, _MOST_NAMES, _LABEL_PX = 3, 2, 180


def tradeoff(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Any | None:
    """Quality loss against speed-up, both with intervals; a panel a device and setting.

    Where that would be more than six panels, a device has one, at its smallest settings.

    Points on the Pareto front of their backend are ringed and joined, and every variant of a
    front is named once. The front is drawn
    per backend, for a speed-up refers to the baseline on the same backend; emulated devices
    have none.
    """
    import altair as alt

    found = [
        p for p in points(rows) if p.row["speedup"].value is not None and p.quality is not None
    ]
    if not found:
        return None
    backends = style.distinct(p.row.backend for p in found)
    variants = style.distinct(p.row.variant for p in found)
    names = varying([p.row for p in found])
    if len({(p.row.run, p.row.device, spoken(p.row, names)) for p in found}) > MOST_PANELS:
        kept = {id(row) for row in smallest([p.row for p in found])}
        found = [p for p in found if id(p.row) in kept]
        names = ()
    by_row = {id(p.row): p for p in found}
    panels: list[Any] = []
    for device, own in by_device([p.row for p in found], words):
        mine = [by_row[id(row)] for row in own]
        settings = style.distinct(spoken(row, names) for row in own)
        charts = [
            _tradeoff_panel(
                [p for p in mine if spoken(p.row, names) == setting], backends, variants,
                alt.TitleParams(setting, fontWeight="normal", limit=330)
                if setting and names
                else style.heading(device, limit=330),
            )
            for setting in settings
        ]  # fmt: skip
        if names:
            panels.append(alt.concat(*charts, columns=2, spacing=24, title=style.heading(device)))
        else:
            panels += [(own[0].emulated, chart) for chart in charts]
    return style.page(panels if names else beside(panels), spacing=18)


def _tradeoff_panel(
    found: Sequence[Configuration], backends: list[Any], variants: list[Any], title: Any
) -> Any:
    import altair as alt

    fronts = {
        id(point)
        for backend in backends
        for point in front([p for p in found if p.row.backend == backend])
        if not point.row.emulated
    }
    placed = sorted(found, key=lambda p: (speed_of(p), p.row.variant))
    speeds = [speed_of(p) for p in placed]
    middle = (min(speeds) + max(speeds)) / 2
    fastest = {p.row.variant: id(p) for p in placed if id(p) in fronts}
    names = _names([p for p in placed if fastest.get(p.row.variant) == id(p)], placed)
    data: list[dict[str, Any]] = []
    for point in placed:
        row, quality = point.row, point.quality
        assert quality is not None
        data.append(
            {
                "variant": row.variant,
                "backend": row.backend,
                "speedup": row["speedup"].value,
                "x_low": row["speedup"].low,
                "x_high": row["speedup"].high,
                "loss": quality["quality_loss"].value,
                "y_low": quality["quality_loss"].low,
                "y_high": quality["quality_loss"].high,
                "front": id(point) in fronts,
                "name": names[id(point)].text if id(point) in names else "",
                "level": names[id(point)].level if id(point) in names else 0,
                "right": speed_of(point) > middle,
            }
        )
    base = style.chart(data).encode(color=style.colour(backends))
    across = {"x": alt.X("speedup:Q", title="speed-up of the median, x", scale=style.near())}
    up = {"y": alt.Y("loss:Q", title="quality loss (up is worse)", scale=style.near())}
    marked = base.transform_filter("datum.front")
    zero = style.chart([{"zero": 0}]).mark_rule(strokeDash=[2, 3], color=style.INK)
    layers = [
        zero.encode(y="zero:Q"),
        base.mark_rule(strokeWidth=1).encode(x="x_low:Q", x2="x_high:Q", **up),
        base.mark_rule(strokeWidth=1).encode(y="y_low:Q", y2="y_high:Q", **across),
        marked.mark_line(strokeDash=[5, 3], opacity=0.7, interpolate="step-after").encode(
            **across, **up, order="speedup:Q"
        ),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            **across, **up, shape=style.shape(variants, "variant")
        ),
        marked.mark_point(size=260, shape="circle", strokeWidth=1.5).encode(**across, **up),
    ]
    sides = (("datum.right", "right", -13), ("!datum.right", "left", 13))
    for (side, align, dx), level in itertools.product(sides, range(_LEVELS)):
        mine = f"datum.name && {side} && datum.level == {level}"
        if not any(one["name"] and one["level"] == level for one in data):
            continue
        text = base.mark_text(
            align=align, dx=dx, dy=-12 - 11 * level, fontSize=10, limit=_LABEL_PX
        ).encode(**across, **up, text="name:N", color=alt.value(style.INK))
        layers.append(text.transform_filter(mine))
    return alt.layer(*layers).properties(width=290, height=230, title=title)


@dataclass(frozen=True, slots=True)
class _Label:
    """What stands at a point, and in which line above it, so that it crosses no other."""

    text: str
    level: int


def _names(
    named: Sequence[Configuration], placed: Sequence[Configuration]
) -> dict[int, _Label]:  # fmt: skip
    """The label of each named point; points too close for labels of their own share one."""
    speeds, losses = _extent(placed, "speedup"), _extent(placed, "quality_loss")

    def near(point: Configuration, other: Configuration, across: float) -> bool:
        x, y = (abs(_at(point, of) - _at(other, of)) for of in ("speedup", "quality_loss"))
        return x / speeds < across and y / losses < 0.06

    groups: list[list[Configuration]] = []
    for point in named:
        group = next((one for one in groups if near(point, one[0], 0.2)), None)
        if group is None:
            groups.append([point])
        else:
            group.append(point)
    labels: dict[int, _Label] = {}
    for at, group in enumerate(groups):
        beside = sum(near(group[0], other[0], 0.7) for other in groups[:at])
        text = ", ".join(point.row.variant for point in group[:_MOST_NAMES])
        more = f" +{len(group) - _MOST_NAMES}" if len(group) > _MOST_NAMES else ""
        labels[id(group[0])] = _Label(text + more, beside % _LEVELS)
    return labels


def speed_of(point: Configuration) -> float:
    """Return the speed-up that a configuration is drawn at."""
    return point.row["speedup"].value or 0.0


def _at(point: Configuration, column: str) -> float:
    return _known(point, column)[0]


def _known(point: Configuration, column: str) -> list[float]:
    row = point.row if column == "speedup" else point.quality
    if row is None:
        return []
    values = (row[column].value, row[column].low, row[column].high)
    return [value for value in values if value is not None and math.isfinite(value)]


def _extent(placed: Sequence[Configuration], column: str) -> float:
    known = [value for point in placed for value in _known(point, column)]
    return max(known) - min(known) or 1.0
