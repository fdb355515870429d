"""The chart of quality loss against latency on one device, and the front of each backend."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.model.row import Row
from benchhub.report.charts import colours, style
from benchhub.report.charts.devices import PARTING, by_device, by_setting
from benchhub.report.charts.lettering import height, told_apart, width
from benchhub.report.charts.marks import Label, Panel
from benchhub.report.charts.scales import AxisScale, spanning
from benchhub.report.tables.front import front
from benchhub.report.tables.points import Configuration, disagrees, loss_of, median_ms, points
from benchhub.report.tables.settings import SETTINGS, spoken, usual_left_out, varying
from benchhub.text import number

#: Pixels of a panel, without its axes.
WIDTH = 1000
#: Of one device so many settings have a panel each; of several so many devices have one.
MOST_PANELS, MOST_DEVICES = 4, 3
#: Of more points in one panel only those of the fronts have a label.
MOST_LABELS = 80
_LABEL_PX = 210
_FIRST, _SECOND, _THIRD = 0, 1, 2
_READ = (
    "Lower and further left is better. Filled and joined: the front of each backend, which nothing "
    "is shown to beat; hollow: beaten. Lines: 95 % intervals; an arrow: it goes on."
)


def tradeoff(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Any | None:
    """Quality loss against latency; of several devices the first three, a panel each.

    That of one device is as `of_device` has it.
    """
    devices = style.distinct(row.device for _, own in by_device(rows, words) for row in own)
    charts = (of_device(rows, device, words) for device in devices)
    made = list(itertools.islice((chart for chart in charts if chart is not None), MOST_DEVICES))
    if len(made) < 2:
        return made[0] if made else None
    return style.page([chart.vconcat[0] for chart in made])


def of_device(
    rows: Sequence[Row],
    device: str,
    words: Mapping[str, str] | None = None,
    pick_cell: str = "",
    limits: Mapping[str, float] | None = None,
) -> Any | None:
    """Quality loss against the median latency (ms), both with intervals; a panel a setting.

    `pick_cell` is the cell that is marked, and whose setting stands first; `limits` are drawn by
    column (`p50_ms`, `quality_loss`) where they lie within the panel. None: nothing has both.
    An emulated device has no front.
    """
    import altair as alt

    found = [
        point
        for point in points([row for row in rows if row.device == device])
        if (loss := loss_of(point)) is not None and math.isfinite(loss)
    ]
    if not found:
        return None
    by_row = {id(point.row): point for point in found}
    pick = next((p.row for p in found if pick_cell and p.row.cell == pick_cell), None)
    settings = by_setting([point.row for point in found], pick)
    groups = [(said, [by_row[id(row)] for row in own]) for said, own in settings[:MOST_PANELS]]
    drawn = [point for _, group in groups for point in group]
    limits = limits or {}
    tall = max(len(group) for _, group in groups)
    x = spanning(
        [median_ms(point) for point in drawn],
        [_ends(point, "p50_ms") for point in drawn] + [(v, v) for v in _only(limits, "p50_ms")],
        WIDTH,
        positive=True,
        pad=24,
    )
    y = spanning(
        [loss_of(point) or 0.0 for point in drawn if not disagrees(point.row)],
        [_ends(p, "quality_loss") for p in drawn] + [(v, v) for v in _only(limits, "quality_loss")],
        min(max(260, 200 + 7 * tall), 660),
        zero=True, may_log=False, up=True, pad=24,
    )  # fmt: skip
    backends = style.distinct(
        row.backend for row in rows if row["p50_ms"].value is not None and row.runs_model
    )
    (heading, _), *_ = by_device([point.row for point in drawn], words)
    left = [said for said, _ in settings[MOST_PANELS:]]
    lines = [*filter(None, [heading.partition(", ")[2]]), _READ]
    if left:
        lines.append(f"Not drawn: {'; '.join(left)}.")
    panels = []
    for index, (said, group) in enumerate(groups):
        title = said if index else heading.partition(", ")[0] + (f", {said}" if said else "")
        panels.append(
            _panel(group, x, y, backends, pick, limits).properties(
                width=WIDTH,
                height=y.pixels,
                title=alt.TitleParams(
                    title, limit=WIDTH, subtitle=alt.Undefined if index else lines,
                    subtitleColor=colours.SOFT, subtitleFontSize=style.SMALL,
                ),
            )
        )  # fmt: skip
    return style.page(panels)


def _panel(
    found: Sequence[Configuration],
    x: AxisScale,
    y: AxisScale,
    backends: list[str],
    pick: Row | None,
    limits: Mapping[str, float],
) -> Any:
    import altair as alt

    judged = [p.quality.quality for p in found if p.quality is not None]
    metrics = style.distinct(figures.metric for figures in judged if figures is not None)
    of = f" of {metrics[0]}" if len(metrics) == 1 else ""
    log = " (log)" if x.log else ""
    axes = {
        "x": style.axis(x, 8, f"median latency (p50) of one call, ms{log}"),
        "y": style.axis(y, 6, f"quality loss{of} (up is worse)", upright=True),
    }
    panel = Panel(x, y, backends, axes)
    fronts = {
        backend: front([p for p in found if p.row.backend == backend]) for backend in backends
    }
    best = {id(p) for own in fronts.values() for p in own if not p.row.emulated}
    texts = _texts(found, colours.without_slot(backends))
    labels = []
    for point in found:
        row, loss = point.row, loss_of(point) or 0.0
        at = y.within(loss)
        panel.across(row.backend, at, _ends(point, "p50_ms"))
        panel.upright(row.backend, median_ms(point), _ends(point, "quality_loss"))
        said = f"{row.variant} on {row.backend}: {number(median_ms(point))} ms, loss {number(loss)}"
        panel.point(row.backend, median_ms(point), at, said, id(point) in best)
        text = texts[id(point)]
        if at != loss:
            text += f", loss {number(loss)} lies beyond"
        mine = row is pick
        first = _FIRST if mine else _SECOND if id(point) in best else _THIRD
        if len(found) <= MOST_LABELS or first < _THIRD:
            labels.append(
                Label(median_ms(point), at, f"{text}: the pick" if mine else text, first, mine)
            )
    layers = [panel.rule(y=0.0)]
    reserved = []
    for column, limit in limits.items():
        rule, box = _limit(panel, column, limit)
        layers += rule
        reserved += box
    layers += [*panel.intervals(), *_joined(fronts, best, panel)]
    drawn = panel.labels(labels, reserved)
    if pick is not None and any(point.row is pick for point in found):
        chosen = next(point for point in found if point.row is pick)
        ring = style.chart([{"x": median_ms(chosen), "y": y.within(loss_of(chosen) or 0.0)}])
        ring = ring.mark_point(size=210, shape="circle", color=colours.INK, strokeWidth=2)
        layers.append(ring.encode(**axes))
    return alt.layer(*layers, *panel.symbols(), *drawn)


def _limit(panel: Panel, column: str, limit: float) -> tuple[list[Any], list[Any]]:
    """The layers of a limit, and the box of its words; nothing where it lies beyond the panel."""
    upright = column == "quality_loss"
    scale = panel.y if upright else panel.x
    if column not in ("p50_ms", "quality_loss") or not scale.holds(limit):
        return [], []
    words = f"limit {number(limit)}" + ("" if upright else " ms")
    rule = panel.rule(**({"y": limit} if upright else {"x": limit}), colour=colours.LIMIT)
    at = scale.at(limit)
    right, bottom = panel.x.pixels, panel.y.pixels
    panel.segments.append((0.0, at, right, at) if upright else (at, 0.0, at, bottom))
    wide, high = width(words, style.SMALL), height(style.SMALL)
    if upright:  # along the rule, from the right, above it or below
        places = [
            (float(left), top)
            for left in range(int(right - wide), 0, -20)
            for top in (at - high - 1, at + 2)
            if 0 <= top <= bottom - high
        ]
    else:
        places = [
            (left, float(top))
            for top in range(2, int(bottom - high), 12)
            for left in (at + 4, at - wide - 4)
            if 0 <= left <= right - wide
        ]
    boxes = [(left, top, left + wide, top + high) for left, top in places]
    box = next((box for box in boxes if panel.free(box)), None)
    if box is None:
        return [rule], []
    where = {"x": panel.x.value(box[0]), "y": panel.y.value(box[1] + high / 2), "text": words}
    text = style.chart([where]).mark_text(
        align="left", baseline="middle", fontSize=style.SMALL, color=colours.LIMIT
    )
    return [rule, text.encode(**panel.axes, text="text:N")], [box]


def _joined(
    fronts: Mapping[str, Sequence[Configuration]], best: set[int], panel: Panel
) -> list[Any]:
    import altair as alt

    data: list[dict[str, Any]] = [
        {"backend": backend, "x": median_ms(point), "y": panel.y.within(loss_of(point) or 0.0)}
        for backend, own in fronts.items()
        for point in own
        if id(point) in best
    ]
    if not data:
        return []
    for before, after in itertools.pairwise(data):
        if before["backend"] == after["backend"]:
            first, last = panel.x.at(before["x"]), panel.x.at(after["x"])
            y = panel.y.at(before["y"])
            panel.segments.append((first, y, last, y))
            panel.segments.append((last, y, last, panel.y.at(after["y"])))
    line = style.chart(data).mark_line(
        strokeDash=[5, 3], opacity=0.8, strokeWidth=1.5, interpolate="step-after"
    )
    return [line.encode(**panel.axes, stroke=style.colour(panel.backends, alt.Stroke))]


def _texts(found: Sequence[Configuration], unlike: set[str]) -> dict[int, str]:
    """What stands at each point: its variant, and what neither colour nor panel tells."""
    rows = [point.row for point in found]
    names = style.distinct(row.variant for row in rows)
    short = dict(zip(names, told_apart(names, _LABEL_PX, style.SMALL), strict=True))
    more = [name for name in varying(rows) if name not in PARTING]
    made = {}
    for point in found:
        row = point.row
        said = spoken(row, usual_left_out(row, [name for name in more if name in SETTINGS]))
        text = short[row.variant] + (f" on {row.backend}" if row.backend in unlike else "")
        made[id(point)] = text + (f", {said}" if said else "")
    return made


def _ends(point: Configuration, column: str) -> tuple[float | None, float | None]:
    row = point.quality if column == "quality_loss" else point.row
    assert row is not None
    return row[column].low, row[column].high


def _only(limits: Mapping[str, float], column: str) -> list[float]:
    return [limits[column]] if column in limits else []
