"""The charts with a panel a device and a lane a configuration: latency and peak memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.model.quantities import QUANTITIES
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.report.charts import style
from benchhub.report.charts.devices import ROOMY_LANES, beside, by_device
from benchhub.report.tables.points import points, smallest
from benchhub.report.tables.settings import spoken, varying
from benchhub.text import number

WIDTH = 540
#: Of each of two panels side by side.
NARROW = 245


def latency(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Any | None:
    """Median latency with its interval (ms) by variant, backend and settings; a panel a device."""
    found = [p.row for p in points(rows)]
    title = "median latency (p50) of one call, ms, with its 95 % interval"
    return _panels(found, "p50_ms", title, words)


def memory(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Any | None:
    """Peak resident memory (MiB) by variant, backend and settings; a panel a device."""
    wanted = [row for row in rows if row["peak_rss_mib"].value is not None and row.runs_model]
    own = [row for row in wanted if row.scenario == Scenario.MEMORY]
    found = own or [row for row in wanted if row.scenario == Scenario.LATENCY]
    title = "peak resident memory of the process, MiB"
    return _panels(found, "peak_rss_mib", title, words, bars=True)


def _panels(
    rows: Sequence[Row],
    column: str,
    title: str,
    words: Mapping[str, str] | None,
    bars: bool = False,
) -> Any | None:
    """Panels with room for labels; where there is none, smallest settings only, side by side.

    `bars` show amounts, without their intervals.
    """
    if not rows:
        return None
    roomy = _lanes(rows) <= ROOMY_LANES
    shown = list(rows) if roomy else smallest(rows)
    names = varying(shown)
    backends = style.distinct(row.backend for row in shown)
    settings = style.distinct(spoken(row, names) for row in shown)
    panels = []
    for device, mine in by_device(shown, words):
        data = [_datum(row, column, names, roomy, limits=not bars) for row in mine]
        if not roomy:
            _number_lanes(data)
        said = title if roomy else QUANTITIES[column].unit
        panel = _panel(data, device, said, backends, settings, bars)
        panels.append((mine[0].emulated, panel))
    return style.page([panel for _, panel in panels] if roomy else beside(panels))


def _lanes(rows: Sequence[Row]) -> int:
    """Lanes of the fullest panel, those left empty for the sake of order included."""
    names = varying(rows)
    variants: dict[tuple[str, str], set[str]] = {}
    lanes: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        variants.setdefault((row.run, row.device), set()).add(row.variant)
        lanes.setdefault((row.run, row.device), set()).add(f"{row.backend} {spoken(row, names)}")
    return max(len(variants[key]) * len(lanes[key]) for key in lanes)


def _number_lanes(data: list[dict[str, Any]]) -> None:
    """Let the configurations of each variant take its lanes from the top, none left empty."""
    taken: Counter[str] = Counter()
    for item in data:
        item["lane"] = str(taken[item["variant"]])
        taken[item["variant"]] += 1


def _panel(
    data: list[dict[str, Any]],
    device: str,
    title: str,
    backends: list[Any],
    settings: list[Any],
    bars: bool,
) -> Any:
    import altair as alt

    roomy = any(d["label"] for d in data)
    order = style.distinct(d["variant"] for d in data)
    lanes = [f"{b} {s}" for b in backends for s in settings] if roomy else list("0123456789")
    lanes = [lane for lane in lanes if any(d["lane"] == lane for d in data)]
    scale = alt.Scale(zero=True, nice=True) if bars else style.span(data)
    base = style.chart(data).encode(
        y=alt.Y("variant:N", sort=order, title=None, axis=style.names_axis(not roomy)),
        yOffset=alt.YOffset("lane:N", sort=lanes, scale=alt.Scale(paddingInner=0)),
    )
    x = alt.X("value:Q", title=title, scale=scale, axis=style.few_ticks(not roomy))
    text = base.mark_text(align="left", dx=7, color=style.INK, fontSize=10)
    coloured = base.encode(color=style.colour(backends))
    layers = [text.encode(x=alt.X("edge:Q", title=title, scale=scale), text="label:N")]
    if not roomy:
        layers = []
    if bars:
        layers.insert(0, coloured.mark_bar(opacity=0.8, height=9 if roomy else 6).encode(x=x))
    else:
        low = alt.X("low:Q", title=title, scale=scale)
        layers.append(coloured.mark_rule(strokeWidth=2).encode(x=low, x2="high:Q"))
        if roomy:
            for edge in (low, alt.X("high:Q", title=title, scale=scale)):
                layers.append(coloured.mark_tick(thickness=2, size=8).encode(x=edge))
        # Lanes tell settings apart where they are many; with one, the shape doubles the colour.
        kind = ("setting", settings) if len(settings) > 1 else ("backend", backends)
        layers.append(
            coloured.mark_point(filled=True, size=55 if roomy else 40, opacity=1).encode(
                x=x, shape=style.shape(kind[1], kind[0])
            )
        )
    step = 15 if roomy else 10
    return alt.layer(*layers).properties(
        width=WIDTH if roomy else NARROW,
        height=alt.Step(step, **{"for": "offset"}),
        title=style.heading(device, limit=560 if roomy else NARROW + 80),
    )


def _datum(
    row: Row, column: str, names: Sequence[str], roomy: bool, limits: bool
) -> dict[str, Any]:
    found, unit = row[column], QUANTITIES[column].unit
    value, low, high = found.value, found.low, found.high
    if not limits:
        low = high = None
    bounded = low is not None and high is not None and math.isfinite(high)
    note = "" if bounded or unit != "ms" else ", no interval"
    setting = spoken(row, names)
    said = f" \u00b7 {setting}" if setting else ""
    return {
        "variant": row.variant,
        "backend": row.backend,
        "setting": setting,
        "lane": f"{row.backend} {setting}",
        "value": value,
        "low": low if bounded else None,
        "high": high if bounded else None,
        "edge": high if bounded else value,
        "label": f"{number(value)} {unit}{note}{said}" if roomy else "",
    }
