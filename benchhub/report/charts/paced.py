"""The chart of paced calls: p95 from the scheduled arrival against the rate of arrivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.report.charts import style
from benchhub.report.charts.devices import beside, by_device
from benchhub.report.charts.panels import NARROW
from benchhub.report.tables.settings import order, spoken, varying


def paced(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Any | None:
    """p95 (ms) with its interval by rate (1/s), a line a variant and backend, a panel a device.

    None unless some configuration has several rates. Of other settings the smallest is drawn.
    """
    found = [
        row for row in rows if row.scenario == Scenario.PACED and row["p95_ms"].value is not None
    ]
    names = [name for name in varying(found) if name != "rate_per_s"]
    least: dict[tuple[str, str, str, str], str] = {}
    for row in sorted(found, key=order):
        least.setdefault((row.run, row.device, row.backend, row.variant), spoken(row, names))
    found = [
        row
        for row in found
        if least[row.run, row.device, row.backend, row.variant] == spoken(row, names)
    ]
    if len({row.rate_per_s for row in found}) < 2:
        return None
    backends = style.distinct(row.backend for row in found)
    variants = style.distinct(row.variant for row in found)
    panels = [
        (mine[0].emulated, _panel(mine, name, backends, variants))
        for name, mine in by_device(found, words)
    ]
    return style.page(beside(panels))


def _panel(rows: Sequence[Row], heading: str, backends: list[Any], variants: list[Any]) -> Any:
    import altair as alt

    data = [
        {
            "rate": row.rate_per_s,
            "value": row["p95_ms"].value,
            "low": row["p95_ms"].low,
            "high": row["p95_ms"].high,
            "backend": row.backend,
            "variant": row.variant,
            "lane": f"{row.backend} {row.variant}",
        }
        for row in rows
    ]
    scale = style.span(data)
    title = "p95 from the scheduled arrival, ms"
    base = style.chart(data).encode(
        x=alt.X("rate:Q", title="calls per second", scale=alt.Scale(zero=True, nice=True)),
        color=style.colour(backends),
    )
    value = alt.Y("value:Q", title=title, scale=scale)
    layers = [
        base.mark_line(strokeWidth=1.2).encode(y=value, detail="lane:N"),
        base.mark_rule(strokeWidth=1.2).encode(
            y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q"
        ),
        base.mark_point(filled=True, size=50, opacity=1).encode(
            y=value, shape=style.shape(variants, "variant")
        ),
    ]
    return alt.layer(*layers).properties(
        width=NARROW + 40,
        height=200,
        title=style.heading(heading, limit=NARROW + 50),
    )
