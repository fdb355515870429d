"""How the charts look: palette, shapes, scales, and the style that all panels share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

#: Okabe and Ito's palette, in an order that stays legible on white and on near-black.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C6BB1", "#B8860B", "#56B4E9", "#7F7F7F")
SHAPES = (
    "circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right",
    "triangle-left",
    "M-1,-1L1,-1L-1,1L1,1Z",  # an hourglass
    "M-1,-1L-1,1L1,-1L1,1Z",  # a bow tie
)  # fmt: skip
INK = "#24292f"
LOG_RATIO = 20.0

#: Room for a reader whose sans-serif runs wider than the one that was measured.
_MARGIN = {"left": 16, "right": 44, "top": 6, "bottom": 6}


def span(data: list[dict[str, Any]]) -> alt.Scale:
    """Linear from zero, or logarithmic when the medians span more than a factor of twenty."""
    import altair as alt

    values = [d["value"] for d in data]
    if min(values) > 0 and max(values) / min(values) > LOG_RATIO:
        return alt.Scale(type="log", nice=True)
    return alt.Scale(zero=True, nice=True)


def near() -> alt.Scale:
    """A linear scale around the data, not from zero."""
    import altair as alt

    return alt.Scale(zero=False, nice=True, padding=18)


def colour(backends: list[Any]) -> alt.Color:
    """Colour by backend, the same one in every panel."""
    import altair as alt

    colours = [PALETTE[i % len(PALETTE)] for i in range(len(backends))]
    return alt.Color("backend:N", scale=alt.Scale(domain=backends, range=colours), title="backend")


def shape(values: list[Any], field: str) -> alt.Shape:
    """Shape by a field, for eyes that do not tell the colours apart."""
    import altair as alt

    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(values))]
    return alt.Shape(f"{field}:N", scale=alt.Scale(domain=values, range=shapes), title=field)


def names_axis(narrow: bool = False) -> alt.Axis:
    """The names of variants, without ticks; a long one ends in an ellipsis."""
    import altair as alt

    limit = 110 if narrow else 170
    return alt.Axis(labelLimit=limit, ticks=False, domain=False, labelPadding=8)


def few_ticks(narrow: bool) -> alt.Axis:
    """An axis of numbers, with fewer of them where there is little room."""
    import altair as alt

    return alt.Axis(tickCount=4, labelOverlap=True) if narrow else alt.Axis(labelOverlap=True)


def heading(words: str, limit: int = 560) -> alt.TitleParams:
    """The title of a device's panel: what follows the first comma stands below it, in small."""
    import altair as alt

    first, _, rest = words.partition(", ")
    if not rest:
        return alt.TitleParams(first, limit=limit)
    return alt.TitleParams(
        first, limit=limit, subtitle=rest, subtitleColor=INK, subtitleFontSize=10
    )


def chart(data: list[dict[str, Any]]) -> Any:
    """A chart of these items: altair copies a chart at each step, lists with it, but no tuple."""
    import altair as alt

    return alt.Chart({"values": tuple(data)})  # not a frame: pandas takes half a second to import


def distinct(values: Any) -> list[Any]:
    """Values once each, in the order they first appear."""
    return list(dict.fromkeys(values))


def page(panels: Sequence[Any], spacing: int = 14) -> Any:
    """Panels below each other with the style all charts share."""
    import altair as alt

    ink = {"labelColor": INK, "titleColor": INK, "titleFontWeight": "normal"}
    config = {
        "background": "white",
        "font": "sans-serif",
        "padding": _MARGIN,
        "view": {"stroke": None},
        "axis": {"gridColor": "#dfe3e8", "domainColor": "#8c959f", **ink},
        "legend": {
            "orient": "top",
            "columns": 5,
            "labelLimit": 200,
            "columnPadding": 26,
            "padding": 10,
            "symbolOpacity": 1,
            "symbolBaseFillColor": INK,
            "symbolBaseStrokeColor": INK,
            **ink,
        },
        "title": {"anchor": "start", "color": INK, "fontSize": 12, "limit": 560, "offset": 8},
    }
    return alt.vconcat(*panels, spacing=spacing, config=config)
