"""The chart of a cell over its runs: medians and tails with their intervals, and what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchhub.report.charts import colours, style
from benchhub.report.charts.drawn import to_svg
from benchhub.report.charts.marks import Label, Panel
from benchhub.report.charts.scales import Ends, spanning
from benchhub.text import number

_WIDTH, _HEIGHT = 620, 220


@dataclass(frozen=True, slots=True)
class Dot:
    """A value (ms) and the ends of its interval at a run, by its place from 1."""

    at: int
    value: float
    ends: Ends


def chart(
    series: Mapping[str, Sequence[Dot]], marks: Mapping[int, str], unit: str = "ms"
) -> str | None:
    """Return SVG: a line a series over the runs, dashed lines where something changed; None: there
    is nothing to draw."""
    import altair as alt

    dots = [dot for own in series.values() for dot in own]
    if not dots:
        return None
    places = [float(dot.at) for dot in dots]
    x = spanning(places, [], _WIDTH, may_log=False)
    y = spanning(
        [dot.value for dot in dots], [dot.ends for dot in dots], _HEIGHT, positive=True, up=True
    )
    names = [name for name, own in series.items() if own]
    axes = {
        "x": style.axis(x, 8, "run, by its number in the table"),
        "y": style.axis(y, 5, f"{unit}{' (log)' if y.log else ''}", upright=True),
    }
    panel = Panel(x, y, names, axes)
    ends = []
    for name in names:
        own = series[name]
        panel.line(name, [(dot.at, dot.value) for dot in own])
        for dot in own:
            panel.upright(name, dot.at, dot.ends)
            panel.point(name, dot.at, dot.value, f"{name}: {number(dot.value)} {unit}")
        ends.append(Label(own[-1].at, own[-1].value, name))
    there = {at: words for at, words in marks.items() if x.holds(at - 0.5)}
    rules = [panel.rule(x=at - 0.5, colour=colours.SOFT) for at in there]
    words = [Label(at - 0.5, y.high, text) for at, text in there.items()]
    layers: list[Any] = [*rules, *panel.intervals(), *panel.symbols(40), *panel.beside(ends)]
    layers += panel.labels(words) if words else []
    drawn = alt.layer(*layers).properties(width=x.pixels, height=y.pixels)
    return to_svg(style.page([drawn]))
