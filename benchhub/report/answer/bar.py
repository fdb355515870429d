"""A figure with its interval against its limit, as a small drawing that needs no script."""

from __future__ import annotations

import math

from benchhub.report.answer.figures import HeldFigure

WIDTH, HEIGHT = 176, 20
_MIDDLE = HEIGHT / 2


def bar(of: HeldFigure) -> str:
    """Return an SVG: a bar from 0, the interval on it, a line at the limit; empty: no figure.

    An interval that goes beyond the drawing ends in an arrow.
    """
    if of.value is None or not math.isfinite(of.value) or of.value < 0:
        return ""
    top = _top(of)
    parts = [f'<rect class="track" y="7" width="{WIDTH}" height="6"/>']
    if of.limit is not None:
        at = _x(of.limit, top)
        start, length = (0.0, at) if of.at_least else (at, WIDTH - at)
        parts.append(f'<rect class="beyond" x="{start:.1f}" width="{length:.1f}" height="20"/>')
    parts.append(f'<rect class="value" y="7" width="{_x(of.value, top):.1f}" height="6"/>')
    if of.low is not None and of.high is not None:
        parts.append(f'<path class="interval" d="{_interval(of.low, of.high, top)}"/>')
    if of.limit is not None:
        parts.append(f'<path class="limit" d="M{_x(of.limit, top):.1f} 0V20"/>')
    drawn = "".join(parts)
    return (
        f'<svg class="bar" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' aria-hidden="true" focusable="false">{drawn}</svg>'
    )


def _top(of: HeldFigure) -> float:
    value, limit = of.value or 0.0, of.limit or 0.0
    near = max(value, limit)
    high = of.high if of.high is not None and math.isfinite(of.high) else value
    # A wide interval is clipped instead of pressing value and limit into a corner.
    return max(value * 1.1, limit * 1.25, min(high * 1.05, 2 * near)) or 1.0


def _x(value: float, top: float) -> float:
    return max(0.0, min(float(WIDTH), value / top * WIDTH))


def _interval(low: float, high: float, top: float) -> str:
    start, end = _x(low, top), _x(high, top)
    drawn = f"M{start:.1f} {_MIDDLE:g}H{end:.1f}M{start:.1f} 5V15"
    if not math.isfinite(high) or high > top:
        return f"{drawn}M{end - 6:.1f} 5L{end - 1:.1f} {_MIDDLE:g}L{end - 6:.1f} 15"
    return f"{drawn}M{end:.1f} 5V15"
