"""The charts of a report: Vega-Lite specs through Altair, and their SVG without a browser.

Every chart is a function of rows and is None where nothing was measured. Dots with intervals
stand for times, bars from zero for amounts. Colour and shape are the backend's, the same in every
chart; variants have a lane or a label. Every device has panels and axes of its own, in the order
of the run, emulated ones behind the real ones; what a panel holds was measured at one setting.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from benchhub.model.row import Results, Row
from benchhub.report.charts import colours, style
from benchhub.report.charts.compression import compression
from benchhub.report.charts.lean import lean
from benchhub.report.charts.paced import paced
from benchhub.report.charts.panels import WIDTH, latency, memory
from benchhub.report.charts.tradeoff import tradeoff
from benchhub.report.tables.emulated import emulation_words
from benchhub.text import MB, number

Chart = Any  # an alt.VConcatChart; altair is imported only where a chart is made


def size(rows: Sequence[Row], words: Mapping[str, str] | None = None) -> Chart | None:
    """Bytes of every variant's file (MB), and of the same gzipped."""
    import altair as alt

    files = {
        (row.variant, row.model_sha256): row for row in rows if row["model_bytes"].value is not None
    }
    if not files:
        return None
    data: list[dict[str, Any]] = []
    for name, row in zip(_file_names(list(files)), files.values(), strict=True):
        stored = (row["model_bytes"].value or 0) / MB
        packed = None if (bytes_ := row["gzip_bytes"].value) is None else bytes_ / MB
        extra = "" if packed is None else f" (gzip {number(packed)})"
        label = f"{number(stored)} MB{extra}"
        data.append(
            {"variant": name, "value": stored, "gzip": packed, "label": label,
             "edge": max(stored, packed or 0.0)}
        )  # fmt: skip
    order = [item["variant"] for item in data]
    base = style.chart(data).encode(
        y=alt.Y("variant:N", sort=order, title=None, axis=style.names_axis(order))
    )
    title = "model file, MB (10⁶ bytes); the tick marks its size with gzip"
    x = alt.X("value:Q", title=title, axis=alt.Axis(tickCount=5, ticks=False))
    bar = base.mark_bar(color=colours.SOFT, opacity=0.6, height=14).encode(x=x)
    tick = base.mark_tick(color=colours.INK, thickness=2, size=20).encode(x="gzip:Q")
    text = base.mark_text(align="left", dx=6, color=colours.INK).encode(x="edge:Q", text="label:N")
    chart = alt.layer(bar, tick, text).properties(width=WIDTH, height=alt.Step(26))
    return style.page([chart])


#: File name of a chart, and the function of rows and the words for emulated devices that makes it.
CHARTS: dict[str, Callable[..., Chart | None]] = {
    "latency": latency,
    "tradeoff": tradeoff,
    "paced": paced,
    "memory": memory,
    "size": size,
}


def to_svg(chart: Chart) -> str:
    """The chart as SVG text, which follows its reader's light or dark ground; rendered offline."""
    import vl_convert

    return lean(str(vl_convert.vegalite_to_svg(chart.to_json(validate=False))), colours.sheet())


def svgs(results: Sequence[Results]) -> dict[str, str]:
    """SVG by chart name; a chart with nothing to show is left out."""
    return {name: to_svg(chart) for name, chart in specs(results).items()}


def specs(results: Sequence[Results], without: Collection[str] = ()) -> dict[str, Chart]:
    """The charts that have something to show, by name, but those that are not wanted."""
    rows = [row for result in results for row in result.rows]
    words = {d.name: emulation_words(d) for result in results for d in result.devices}
    made = {name: chart(rows, words) for name, chart in CHARTS.items() if name not in without}
    if any(result.claims for result in results):
        made["compression"] = compression(rows, words)
    return {name: chart for name, chart in made.items() if chart is not None}


def _file_names(files: list[tuple[str, str]]) -> list[str]:
    names = [name for name, _ in files]
    return [n if names.count(n) == 1 else f"{n} {sha[:8]}" for n, sha in files]
