"""How the charts look: the parts that all panels share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchhub.report.charts import colours
from benchhub.report.charts.lettering import width
from benchhub.report.charts.scales import AxisScale

if TYPE_CHECKING:
    import altair as alt

#: Room for a reader whose sans-serif runs wider than the one that was measured.
_MARGIN = {"left": 10, "right": 20, "top": 6, "bottom": 6}
#: Of labels in a panel, in pixels.
SMALL = 11


def colour(backends: Sequence[str], channel: Any) -> Any:
    """Colour by backend as a mark's fill or stroke, the same one in every panel."""
    return channel("backend:N", scale=_by_name(colours.slots(backends), 0), legend=legend())


def shape(backends: Sequence[str]) -> Any:
    """Shape by backend, for eyes that do not tell the colours apart."""
    import altair as alt

    return alt.Shape("backend:N", scale=_by_name(colours.slots(backends), 1), legend=legend())


def _by_name(found: dict[str, tuple[str, str]], at: int) -> alt.Scale:
    import altair as alt

    return alt.Scale(domain=list(found), range=[one[at] for one in found.values()])


def legend() -> alt.Legend:
    """The names of backends above the panels, in a row."""
    import altair as alt

    return alt.Legend(title=None, orient="top", columns=6)


def axis(scale: AxisScale, about: int, title: str | None, upright: bool = False) -> Any:
    """An axis of numbers with a grid and few ticks."""
    import altair as alt

    ticks = scale.ticks(about)
    made = alt.Axis(
        title=title,
        values=ticks,
        format=".6~g",
        ticks=False,
        domain=not upright,
        labelPadding=5,
        titlePadding=12 if upright else 6,
    )
    kind: Any = alt.Y if upright else alt.X
    return kind("y:Q" if upright else "x:Q", scale=scale.drawn(), axis=made)


def names_axis(names: Sequence[str]) -> alt.Axis:
    """The names of variants, without ticks; a long one ends in an ellipsis."""
    import altair as alt

    wide = min(max(width(name, SMALL) for name in names), 200)
    return alt.Axis(labelLimit=200, ticks=False, domain=False, labelPadding=8, minExtent=wide + 8)


def heading(words: str, limit: int = 560) -> alt.TitleParams:
    """The title of a device's panel: what follows the first comma stands below it, in small."""
    import altair as alt

    first, _, rest = words.partition(", ")
    if not rest:
        return alt.TitleParams(first, limit=limit)
    return alt.TitleParams(
        first, limit=limit, subtitle=rest, subtitleColor=colours.SOFT, subtitleFontSize=SMALL
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

    ink = {"labelColor": colours.INK, "titleColor": colours.INK, "titleFontWeight": "normal"}
    config = {
        "aria": False,
        "background": colours.GROUND,
        "font": "sans-serif",
        "padding": _MARGIN,
        "view": {"stroke": None},
        "axis": {"gridColor": colours.GRID, "domainColor": colours.AXIS, "labelFontSize": SMALL,
                 "titleFontSize": 12, **ink},
        "legend": {"labelLimit": 200, "labelFontSize": 12, "columnPadding": 26, "padding": 6,
                   "symbolOpacity": 1, "symbolSize": 80, **ink},
        "title": {"anchor": "start", "color": colours.INK, "fontSize": 13, "limit": 560,
                  "offset": 8},
    }  # fmt: skip
    return alt.vconcat(*panels, spacing=spacing, config=config)
