"""The charts of a report: Vega-Lite specs through Altair, and their SVG without a browser.

Every chart is a function of rows and is None where nothing was measured. Dots with intervals
stand for times, bars from zero for amounts. Colour is always doubled by a shape or a label.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from benchhub.model import Results, Row, Scenario
from benchhub.report import chart_style as style
from benchhub.report.formats.points import Point, is_harness, pareto, points
from benchhub.report.formats.text import MB, number

WIDTH = 540

Chart = Any  # an alt.VConcatChart; altair is imported only where a chart is made


def latency(rows: Sequence[Row]) -> Chart | None:
    """Median latency with its interval (ms) by variant, backend and threads; a panel a device."""
    found = [p.row for p in points(rows)]
    return _panels(
        found,
        [_interval(row, row.p50_ms, row.p50_low_ms, row.p50_high_ms, "ms") for row in found],
        "median latency (p50) of one call, ms, with its 95 % interval",
    )


def memory(rows: Sequence[Row]) -> Chart | None:
    """Peak resident memory (MiB) by variant, backend and threads; a panel a device."""
    wanted = [row for row in rows if row.peak_rss_mib is not None and not is_harness(row)]
    own = [row for row in wanted if row.scenario == Scenario.MEMORY]
    found = own or [row for row in wanted if row.scenario == Scenario.LATENCY]
    data = [_interval(row, row.peak_rss_mib, None, None, "MiB") for row in found]
    return _panels(found, data, "peak resident memory of the process, MiB", bars=True)


def size(rows: Sequence[Row]) -> Chart | None:
    """Bytes of every variant's file (MB), and of the same gzipped."""
    import altair as alt

    files = {(row.variant, row.model_sha256): row for row in rows if row.model_bytes is not None}
    if not files:
        return None
    data: list[dict[str, Any]] = []
    for name, row in zip(_file_names(list(files)), files.values(), strict=True):
        stored = (row.model_bytes or 0) / MB
        packed = None if row.gzip_bytes is None else row.gzip_bytes / MB
        extra = "" if packed is None else f" (gzip {number(packed)})"
        label = f"{number(stored)} MB{extra}"
        data.append({"variant": name, "value": stored, "gzip": packed, "label": label})
    order = [item["variant"] for item in data]
    base = style.chart(data).encode(
        y=alt.Y("variant:N", sort=order, title=None, axis=style.names_axis())
    )
    x = alt.X("value:Q", title="model file, MB (10⁶ bytes); the tick marks its size with gzip")
    bar = base.mark_bar(color=style.PALETTE[0], opacity=0.75, height=14).encode(x=x)
    tick = base.mark_tick(color=style.INK, thickness=2, size=20).encode(x="gzip:Q")
    text = base.mark_text(align="left", dx=6, color=style.INK).encode(x="value:Q", text="label:N")
    chart = alt.layer(bar, tick, text).properties(width=WIDTH, height=alt.Step(26))
    return style.page([chart])


def tradeoff(rows: Sequence[Row]) -> Chart | None:
    """Quality loss against speed-up, both with intervals; a panel a device and thread count.

    Points on the Pareto front of their backend are ringed and joined, and every variant of a
    front is named once. The front is drawn
    per backend, for a speed-up refers to the baseline on the same backend; emulated devices
    have none.
    """
    import altair as alt

    found = [p for p in points(rows) if p.row.speedup is not None and p.quality is not None]
    if not found:
        return None
    backends = style.distinct(p.row.backend for p in found)
    variants = style.distinct(p.row.variant for p in found)
    panels: list[Any] = []
    for device in style.distinct(_device(p.row, rows) for p in found):
        mine = [p for p in found if _device(p.row, rows) == device]
        threads = style.distinct(p.row.threads for p in mine)
        charts = [
            _tradeoff_panel([p for p in mine if p.row.threads == count], backends, variants)
            for count in threads
        ]
        panels.append(alt.concat(*charts, columns=2, spacing=24, title=device))
    return style.page(panels, spacing=18)


def _tradeoff_panel(found: Sequence[Point], backends: list[Any], variants: list[Any]) -> Any:
    import altair as alt

    fronts = {
        id(point)
        for backend in backends
        for point in pareto([p for p in found if p.row.backend == backend])
        if not point.row.emulated
    }
    placed = sorted(found, key=lambda p: (p.row.speedup or 0.0, p.row.variant))
    speeds = [p.row.speedup or 0.0 for p in placed]
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
                "speedup": row.speedup,
                "x_low": row.speedup_low,
                "x_high": row.speedup_high,
                "loss": quality.quality_loss,
                "y_low": quality.quality_loss_low,
                "y_high": quality.quality_loss_high,
                "front": id(point) in fronts,
                "name": names.get(id(point), ""),
                "right": (row.speedup or 0.0) > middle,
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
    for side, align, dx in (("datum.right", "right", -13), ("!datum.right", "left", 13)):
        text = base.mark_text(align=align, dx=dx, dy=-12, fontSize=10).encode(
            **across, **up, text="name:N", color=alt.value(style.INK)
        )
        layers.append(text.transform_filter(f"datum.name && {side}"))
    threads = found[0].row.threads
    words = "1 thread" if threads == 1 else f"{threads} threads"
    title = alt.TitleParams(words, fontWeight="normal")
    return alt.layer(*layers).properties(width=290, height=230, title=title)


def _names(named: Sequence[Point], placed: Sequence[Point]) -> dict[int, str]:
    """The label of each named point; points too close for labels of their own share one."""
    speeds, losses = _extent(placed, "speedup"), _extent(placed, "quality_loss")
    labels: dict[int, str] = {}
    leaders: list[Point] = []
    for point in named:
        x, y = _at(point, "speedup"), _at(point, "quality_loss")
        for other in leaders:
            across = abs(x - _at(other, "speedup")) / speeds
            if across < 0.2 and abs(y - _at(other, "quality_loss")) / losses < 0.06:
                labels[id(other)] += f", {point.row.variant}"
                break
        else:
            leaders.append(point)
            labels[id(point)] = point.row.variant
    return labels


def _at(point: Point, column: str) -> float:
    return _known(point, column)[0]


def _known(point: Point, column: str) -> list[float]:
    row = point.row if column == "speedup" else point.quality
    values = (getattr(row, f"{column}{end}") for end in ("", "_low", "_high"))
    return [value for value in values if value is not None and math.isfinite(value)]


def _extent(placed: Sequence[Point], column: str) -> float:
    known = [value for point in placed for value in _known(point, column)]
    return max(known) - min(known) or 1.0


#: File name of a chart, and the function of rows that makes it.
CHARTS: dict[str, Callable[[Sequence[Row]], Chart | None]] = {
    "latency": latency,
    "tradeoff": tradeoff,
    "memory": memory,
    "size": size,
}


def to_svg(chart: Chart) -> str:
    """The chart as SVG text on a white ground; rendered offline."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(chart.to_json(validate=False)))


def svgs(results: Sequence[Results]) -> dict[str, str]:
    """SVG by chart name; a chart with nothing to show is left out."""
    return {name: to_svg(chart) for name, chart in specs(results).items()}


def specs(results: Sequence[Results]) -> dict[str, Chart]:
    """The charts that have something to show, by name."""
    rows = [row for result in results for row in result.rows]
    made = {name: chart(rows) for name, chart in CHARTS.items()}
    return {name: chart for name, chart in made.items() if chart is not None}


def _panels(
    rows: Sequence[Row], data: Sequence[dict[str, Any]], title: str, bars: bool = False
) -> Chart | None:
    if not rows:
        return None
    backends = style.distinct(row.backend for row in rows)
    threads = style.distinct(row.threads for row in rows)
    panels = []
    for device in style.distinct(_device(row, rows) for row in rows):
        mine = [d for row, d in zip(rows, data, strict=True) if _device(row, rows) == device]
        panels.append(_panel(mine, device, title, backends, threads, bars))
    return style.page(panels)


def _panel(
    data: list[dict[str, Any]],
    device: str,
    title: str,
    backends: list[Any],
    threads: list[Any],
    bars: bool,
) -> Any:
    import altair as alt

    order = style.distinct(d["variant"] for d in data)
    lanes = [f"{b} {t}" for b in backends for t in threads]
    lanes = [lane for lane in lanes if any(d["lane"] == lane for d in data)]
    scale = alt.Scale(zero=True, nice=True) if bars else style.span(data)
    base = style.chart(data).encode(
        y=alt.Y("variant:N", sort=order, title=None, axis=style.names_axis()),
        yOffset=alt.YOffset("lane:N", sort=lanes, scale=alt.Scale(paddingInner=0)),
    )
    x = alt.X("value:Q", title=title, scale=scale)
    text = base.mark_text(align="left", dx=7, color=style.INK, fontSize=10)
    coloured = base.encode(color=style.colour(backends))
    layers = [text.encode(x=alt.X("edge:Q", title=title, scale=scale), text="label:N")]
    if bars:
        layers.insert(0, coloured.mark_bar(opacity=0.8, height=9).encode(x=x))
    else:
        low = alt.X("low:Q", title=title, scale=scale)
        layers.append(coloured.mark_rule(strokeWidth=2).encode(x=low, x2="high:Q"))
        layers.append(coloured.mark_tick(thickness=2, size=8).encode(x=low))
        layers.append(
            coloured.mark_tick(thickness=2, size=8).encode(
                x=alt.X("high:Q", title=title, scale=scale)
            )
        )
        layers.append(
            coloured.mark_point(filled=True, size=55, opacity=1).encode(
                x=x, shape=style.shape(threads, "threads")
            )
        )
    return alt.layer(*layers).properties(
        width=WIDTH, height=alt.Step(15, **{"for": "offset"}), title=device
    )


def _interval(
    row: Row, value: float | None, low: float | None, high: float | None, unit: str
) -> dict[str, Any]:
    bounded = low is not None and high is not None and math.isfinite(high)
    note = "" if bounded or unit != "ms" else ", no interval"
    threads = "1 thread" if row.threads == 1 else f"{row.threads} threads"
    return {
        "variant": row.variant,
        "backend": row.backend,
        "threads": row.threads,
        "lane": f"{row.backend} {row.threads}",
        "value": value,
        "low": low if bounded else None,
        "high": high if bounded else None,
        "edge": high if bounded else value,
        "label": f"{number(value)} {unit}{note} · {threads}",
    }


def _device(row: Row, rows: Sequence[Row]) -> str:
    name = f"{row.device}, emulated instruction time (not ranked)" if row.emulated else row.device
    return name if len({r.run for r in rows}) == 1 else f"{name}, run {row.run}"


def _file_names(files: list[tuple[str, str]]) -> list[str]:
    names = [name for name, _ in files]
    return [n if names.count(n) == 1 else f"{n} {sha[:8]}" for n, sha in files]
