"""The share of a cell's calls within a time, drawn: all launches together, and their range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from benchhub.model.row import Distribution, Row
from benchhub.report.cell.axes import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axes,
    at_share,
    axes_of,
)
from benchhub.text import number, shown

#: Percentiles that are marked with their intervals, and the share of each.
_MARKED = {"p50_ms": 0.5, "p95_ms": 0.95}
#: What stands at the left, by the share that it is.
_SHARES = {1.0: "100 %", 0.5: "50 %", 0.0: "0 %"}

Point = tuple[float, float]


def ecdf(row: Row, of: Distribution) -> str:
    """Return the curve of all calls as SVG, in the band between the fastest and slowest launch.

    It is made of numbers alone: no text of a device or a file gets into it.
    """
    axes = axes_of(of)
    fast, slow, all_ = (
        _curve(axes, times, of.shares) for times in (of.lowest_ms, of.highest_ms, of.pooled_ms)
    )
    corner = [(axes.x(axes.high_ms), axes.y(1.0))] if of.highest_ms[-1] > axes.high_ms else []
    band = f"{_line([*slow, *corner, *reversed(fast)])}z" if of.launches > 1 else ""
    ticks = [(round(axes.x(ms)), text) for ms, text in axes.ticks()]
    marks = {name: share for name, share in _MARKED.items() if row[name].value is not None}
    slowest = of.pooled_ms[-1]
    parts = [
        f'<svg class="ecdf" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
        f' height="{HEIGHT}"><title>Share of {of.calls:,} calls within a time</title>'
        f"<desc>{_words(row, of)}</desc>",
        f'<path class="band" d="{band}"/>' if band else "",
        f'<path class="axis" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}',
        *(f"M{x} {BOTTOM}v4" for x, _ in ticks),
        f'"/><path class="curve" d="{_line(all_)}"/>',
        *(_text(LEFT - 5, axes.y(share) + 4, "end", text) for share, text in _SHARES.items()),
        *(_text(x, BOTTOM + 18, "middle", text) for x, text in ticks),
        f'<path class="marks" d="{"".join(_whisker(row, n, s, axes) for n, s in marks.items())}"/>'
        if marks
        else "",
        *(_label(row, name, share, axes, of) for name, share in marks.items()),
        _text(RIGHT, TOP - 6, "end", f"slowest {number(slowest)} ms →")
        if slowest > axes.high_ms
        else "",
        "</svg>",
    ]
    return "".join(parts)


def _curve(axes: Axes, times_ms: Sequence[float], shares: Sequence[float]) -> list[Point]:
    """Return a rising curve in pixels, up to where it leaves the axis."""
    high = axes.high_ms
    points = list(zip(times_ms, shares, strict=True))
    found = [point for point in points if point[0] <= high]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= high < x1:
            share = (axes.x(high) - axes.x(x0)) / (axes.x(x1) - axes.x(x0))
            found.append((high, y0 + (y1 - y0) * share))
    return [(axes.x(ms), axes.y(share)) for ms, share in found]


def _line(points: Iterable[Point]) -> str:
    """Return a path in whole pixels, each point told from the one before: that packs best."""
    said, before = "", (0, 0)
    for x, y in points:
        here = (round(x), round(y))
        step = (here[0] - before[0], here[1] - before[1])
        if not said:
            said = f"M{here[0]} {here[1]}l"
        elif step != (0, 0):
            said += f"{step[0]}{'' if step[1] < 0 else ' '}{step[1]} "
        before = here
    return said.rstrip(" l")


def _whisker(row: Row, name: str, share: float, axes: Axes) -> str:
    """Return the interval of a percentile as a line with ends, where it is in view, and a dot."""
    figure = row[name]
    y, x = round(axes.y(share)), round(axes.x(min(figure.value or 0.0, axes.high_ms)))
    dot = f"M{x} {y - 3}v6"
    if figure.low is None or figure.high is None:
        return dot
    left, right = (round(axes.x(min(max(one, axes.low_ms), axes.high_ms)))
                   for one in (figure.low, figure.high))  # fmt: skip
    return f"{dot}M{left} {y}H{right}"


def _label(row: Row, name: str, share: float, axes: Axes, of: Distribution) -> str:
    """Return a percentile's number on the side of the band where there is more room."""
    ends = [at_share(of, of.lowest_ms, share), at_share(of, of.highest_ms, share)]
    ends += [one for one in (row[name].low, row[name].high) if one is not None]
    left, right = axes.x(min(ends)), min(axes.x(max(ends)), axes.x(axes.high_ms))
    text = f"{name.removesuffix('_ms')} {number(row[name].value)}"
    if RIGHT - right >= left - LEFT:
        return _text(right + 6, axes.y(share) + 4, "start", text)
    return _text(left - 6, axes.y(share) + 4, "end", text)


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{text}</text>'


def _words(row: Row, of: Distribution) -> str:
    told = [
        f"{name.removesuffix('_ms')} {shown(row[name])} ms"
        for name in _MARKED
        if row[name].value is not None
    ]
    ends = f"fastest {number(of.pooled_ms[0])}, slowest {number(of.pooled_ms[-1])} ms"
    return "; ".join([*told, ends])
