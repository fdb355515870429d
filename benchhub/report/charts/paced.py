"""The chart of paced calls: p95 from the scheduled arrival against the rate of arrivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.report.charts import style
from benchhub.report.charts.devices import PARTING, beside, by_device, fullest, told
from benchhub.report.charts.lettering import height, shortened
from benchhub.report.charts.marks import Label, Panel
from benchhub.report.charts.scales import spanning
from benchhub.text import number

_WIDTH = 270
_LABEL_PX = 140


def paced(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Any | None:
    """p95 (ms) with its interval by rate (1/s), a line a variant and backend, a panel a device.

    None unless some configuration has several rates. Of several other settings the one that most
    have been measured with is drawn.
    """
    found = [
        row for row in rows if row.scenario == Scenario.PACED and row["p95_ms"].value is not None
    ]
    parting = [name for name in PARTING if name != "rate_per_s"]
    panels = [(heading, *fullest(own, parting)) for heading, own in by_device(found, words)]
    if max((len({row.rate_per_s for row in own}) for _, _, own in panels), default=0) < 2:
        return None
    backends = style.distinct(row.backend for row in found)
    made = [
        (own[0].emulated, _panel(own, told(heading, said), backends))
        for heading, said, own in panels
    ]
    return style.page(beside(made), spacing=30)


def _panel(rows: Sequence[Row], heading: str, backends: list[str]) -> Any:
    import altair as alt

    lines: dict[tuple[str, str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.rate_per_s or 0.0):
        lines.setdefault((row.backend, row.variant, row.options or ""), []).append(row)
    x = spanning([row.rate_per_s or 0.0 for row in rows], [], _WIDTH, floor=True, may_log=False)
    y = spanning(
        [row["p95_ms"].value or 0.0 for row in rows],
        [(row["p95_ms"].low, row["p95_ms"].high) for row in rows],
        max(210.0, len(lines) * (height(style.SMALL) + 3)),
        floor=True, up=True,
    )  # fmt: skip
    title = "p95 from schedule, ms" + (" (log)" if y.log else "")
    axes = {
        "x": style.axis(x, 4, "calls per second"),
        "y": style.axis(y, 5, title, upright=True),
    }
    panel = Panel(x, y, backends, axes)
    ends = []
    for (backend, variant, _), own in lines.items():
        path = [(row.rate_per_s or 0.0, row["p95_ms"].value or 0.0) for row in own]
        panel.line(backend, path)
        for row, (rate, value) in zip(own, path, strict=True):
            panel.upright(backend, rate, (row["p95_ms"].low, row["p95_ms"].high))
            said = f"{variant} on {backend}, {rate:g}/s: p95 {number(value)} ms"
            panel.point(backend, rate, value, said)
        name = shortened(variant, _LABEL_PX, style.SMALL)
        ends.append(Label(*path[-1], name + (f" on {backend}" if len(backends) > 1 else "")))
    layers = [*panel.intervals(), *panel.symbols(40), *panel.beside(ends)]
    return alt.layer(*layers).properties(
        width=x.pixels, height=y.pixels, title=style.heading(heading, limit=_WIDTH + 100)
    )
