"""The charts with a panel a device and setting, a lane a configuration: latency and peak memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.model.quantities import QUANTITIES
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.report.charts import colours, style
from benchhub.report.charts.devices import PARTING, beside, by_device, by_setting, fullest, told
from benchhub.report.charts.lettering import height, shortened, width
from benchhub.report.charts.marks import Label, Panel
from benchhub.report.charts.placing import Placed
from benchhub.report.charts.scales import AxisScale, Ends, spanning
from benchhub.report.tables.points import points
from benchhub.report.tables.settings import spoken, usual_left_out, varying
from benchhub.text import number

WIDTH = 540
#: Of each of two panels side by side, and of each of three.
NARROW, CLOSE = 310, 240
#: More panels are one a device, and more lanes in one are drawn closer, without labels.
MOST_PANELS, ROOMY_LANES = 6, 24
#: Of the names of variants, in pixels.
_NAMES, _NAMES_CLOSE = 170, 150
_BETWEEN = 5


def latency(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Any | None:
    """Median latency with its interval (ms) by variant and backend; a panel a device, setting."""
    found = [p.row for p in points(rows)]
    title = "median latency (p50) of one call, ms"
    return _panels(found, "p50_ms", title, words)


def memory(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Any | None:
    """Peak resident memory (MiB) by variant and backend; a panel a device and setting."""
    wanted = [row for row in rows if row["peak_rss_mib"].value is not None and row.runs_model]
    own = [row for row in wanted if row.scenario == Scenario.MEMORY]
    found = own or [row for row in wanted if row.scenario == Scenario.LATENCY]
    title = "peak resident memory, MiB"
    return _panels(found, "peak_rss_mib", title, words, bars=True)


def _panels(
    rows: Sequence[Row],
    column: str,
    title: str,
    words: Mapping[str, str] | None,
    bars: bool = False,
) -> Any | None:
    """Panels of every setting; where they would be many, of each device's fullest one.

    `bars` show amounts, without their intervals.
    """
    if not rows:
        return None
    devices = by_device(rows, words)
    shown = [(heading, own, by_setting(own)) for heading, own in devices]
    if sum(len(settings) for _, _, settings in shown) > MOST_PANELS:
        shown = [(heading, own, [fullest(own)]) for heading, own in devices]
    drawn = [group for _, _, settings in shown for _, group in settings]
    roomy = sum(map(len, drawn)) <= ROOMY_LANES * MOST_PANELS
    roomy = roomy and max(map(len, drawn)) <= ROOMY_LANES
    wide = WIDTH if len(drawn) == 1 else NARROW if roomy else CLOSE
    backends = style.distinct(row.backend for row in rows)
    panels = []
    for heading, own, settings in shown:
        found = [row for _, group in settings for row in group]
        values = [row[column].value or 0.0 for row in found]
        ends = [] if bars else [_ends(row, column) for row in found]
        x = spanning(values, ends, wide, floor=True, may_log=not bars)
        for said, group in settings:
            panel = _panel(group, column, x, backends, title, roomy, bars)
            title_ = style.heading(told(heading, said), limit=wide + 150)
            panels.append((own[0].emulated, panel.properties(title=title_)))
    return style.page(beside(panels, 2 if roomy else 3), spacing=30)


def _panel(
    rows: Sequence[Row],
    column: str,
    x: AxisScale,
    backends: list[str],
    title: str,
    roomy: bool,
    bars: bool,
) -> Any:
    import altair as alt

    more = [name for name in varying(rows) if name not in PARTING]
    step = 16 if roomy else 10
    lanes, names, bottom = _lanes(rows, backends, step)
    y = AxisScale(0.0, bottom, bottom)  # a lane lies where it is drawn
    log = " (log)" if x.log else ""
    axes = {
        "x": style.axis(x, 6 if x.pixels > NARROW else 4, title + log),
        "y": alt.Y("y:Q", scale=alt.Scale(domain=[bottom, 0.0], nice=False, zero=False), axis=None),
    }
    panel = Panel(x, y, backends, axes)
    unlike = colours.without_slot(backends)
    texts = [_name(text, at, _NAMES if roomy else _NAMES_CLOSE) for text, at in names]
    for row, at in zip(rows, lanes, strict=True):
        value, ends = row[column].value or 0.0, _ends(row, column)
        if bars:
            panel.bar(row.backend, at, value)
            ends = (None, None)
        elif ends != (None, None):
            panel.across(row.backend, at, ends)
        setting = spoken(row, usual_left_out(row, more))
        unit = QUANTITIES[column].unit
        note = ", no interval" if not bars and ends == (None, None) else ""
        label = f"{number(value)} {unit}{note}" + (f", {setting}" if setting else "")
        label += f", {row.backend}" if row.backend in unlike else ""
        said = f"{row.variant} on {row.backend}: {label}"
        panel.point(row.backend, value, at, said)
        if roomy or row.backend in unlike:
            texts.append(_behind(label, at, x, value, ends))
    thick = (9 if roomy else 6) if bars else 2
    layers = [*panel.intervals(thick, 0.75), *panel.symbols(60 if roomy else 40)]
    return alt.layer(*layers, *panel.texts(texts)).properties(width=x.pixels, height=bottom)


def _lanes(
    rows: Sequence[Row], backends: list[str], step: float
) -> tuple[list[float], list[tuple[str, float]], float]:
    """Where each row lies, every variant with where its name stands, and the height of all."""
    variants: dict[str, list[Row]] = {}
    for row in rows:
        variants.setdefault(row.variant, []).append(row)
    places: dict[int, float] = {}
    names = []
    top = float(_BETWEEN)
    for variant, own in variants.items():
        tall = max(len(own) * step, height(style.SMALL) + 1)
        begin = top + (tall - len(own) * step) / 2
        ordered = sorted(own, key=lambda row: backends.index(row.backend))
        for lane, row in enumerate(ordered):
            places[id(row)] = begin + (lane + 0.5) * step
        names.append((variant, top + tall / 2))
        top += tall + _BETWEEN
    return [places[id(row)] for row in rows], names, top


def _name(text: str, at: float, most: float) -> tuple[Label, Placed]:
    short = shortened(text, most, style.SMALL)
    wide, half = width(short, style.SMALL), height(style.SMALL) / 2
    return Label(0.0, at, short), Placed((-10 - wide, at - half, -10.0, at + half), right=False)


def _behind(text: str, at: float, x: AxisScale, value: float, ends: Ends) -> tuple[Label, Placed]:
    """The label of a lane: behind its point and its interval."""
    last = value if ends[1] is None else x.within(ends[1])
    left = max(x.at(value) + 9, x.at(last) + 6)
    half = height(style.SMALL) / 2
    box = (left, at - half, left + width(text, style.SMALL), at + half)
    return Label(value, at, text), Placed(box, right=True)


def _ends(row: Row, column: str) -> Ends:
    """Both limits, or none where one is not known."""
    low, high = row[column].low, row[column].high
    if low is None or high is None or not math.isfinite(low) or not math.isfinite(high):
        return None, None
    return low, high
