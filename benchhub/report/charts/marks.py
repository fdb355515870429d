"""What a panel is drawn of, as few elements as will do: all lines of a colour are one path.

A chart of sixty points with two intervals each has sixty symbols, sixty labels and a handful of
paths; a reader's browser holds a page of twenty such.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchhub.report.charts import colours, style
from benchhub.report.charts.lettering import height, width
from benchhub.report.charts.placing import REACH, Box, Placed, Segment, WantedLabel, column, place
from benchhub.report.charts.scales import AxisScale, Ends

#: Half the width of the mark of an interval that goes on beyond the panel.
_ARROW = 4.0


@dataclass(frozen=True, slots=True)
class Label:
    """A text for a point; `first`: it chooses its place before others do."""

    x: float
    y: float
    text: str
    first: int = 0
    bold: bool = False


@dataclass(slots=True)
class Panel:
    """One panel while it is put together; everything is given in the units of its axes."""

    x: AxisScale
    y: AxisScale
    backends: Sequence[str]
    axes: Mapping[str, Any]  # encodings of x and y, which every layer has
    strokes: list[dict[str, Any]] = field(default_factory=list)
    points: list[dict[str, Any]] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)

    def across(self, backend: str, y: float, ends: Ends) -> None:
        """Draw an interval on the x axis; what lies beyond the panel is an arrow at its edge."""
        self._interval(backend, self.x, ends, self.y.at(y), upright=False)

    def upright(self, backend: str, x: float, ends: Ends) -> None:
        """Draw an interval on the y axis; what lies beyond the panel is an arrow at its edge."""
        self._interval(backend, self.y, ends, self.x.at(x), upright=True)

    def bar(self, backend: str, y: float, value: float) -> None:
        """Draw a line from the left edge to a value."""
        self._stroke(backend, [(0.0, self.y.at(y)), (self.x.at(value), self.y.at(y))])

    def line(self, backend: str, path: Sequence[tuple[float, float]]) -> None:
        """Draw a line through values."""
        self._stroke(backend, [(self.x.at(x), self.y.at(y)) for x, y in path])

    def point(self, backend: str, x: float, y: float, said: str, solid: bool = True) -> None:
        """Draw a symbol; `said` is what a live chart tells of it."""
        self.points.append({"backend": backend, "x": x, "y": y, "on": solid, "said": said})

    def free(self, box: Box) -> bool:
        """Whether no point is under a box of pixels."""
        spots = [(self.x.at(one["x"]), self.y.at(one["y"])) for one in self.points]
        return not any(
            box[0] - REACH < x < box[2] + REACH and box[1] - REACH < y < box[3] + REACH
            for x, y in spots
        )

    def labels(self, wanted: Sequence[Label], reserved: Sequence[Box] = ()) -> list[Any]:
        """Return the layers of labels and of their leaders, none over another or over a point."""
        order = sorted(range(len(wanted)), key=lambda index: wanted[index].first)
        found = place(
            [self._wanted(wanted[index]) for index in order],
            [(self.x.at(one["x"]), self.y.at(one["y"])) for one in self.points],
            self.segments,
            self.x.pixels,
            self.y.pixels,
            reserved,
        )
        return self.texts(
            [(wanted[index], placed) for index, placed in zip(order, found, strict=True)]
        )

    def beside(self, wanted: Sequence[Label]) -> list[Any]:
        """Return the layers of labels in a column to the right of the panel, and their leaders."""
        found = column([self._wanted(label) for label in wanted], self.x.pixels + 16, self.y.pixels)
        return self.texts(list(zip(wanted, found, strict=True)))

    def texts(self, placed: Sequence[tuple[Label, Placed]]) -> list[Any]:
        """Return the layers of labels that have their places, and of their leaders."""
        leaders: list[dict[str, Any]] = []
        texts: dict[tuple[bool, bool], list[dict[str, Any]]] = {}
        for label, at in placed:
            left, top, right, bottom = at.box
            data = self._data((left if at.right else right, (top + bottom) / 2))
            texts.setdefault((at.right, label.bold), []).append(data | {"text": label.text})
            if at.leader:
                ends = (at.leader[:2], at.leader[2:])
                leaders += [{"i": len(leaders) + i, **self._data(e)} for i, e in enumerate(ends)]
                leaders.append({"i": len(leaders), "x": None, "y": None})
        made = self._room([at.box for _, at in placed])
        if leaders:
            line = style.chart(leaders).mark_line(color=colours.SOFT, strokeWidth=0.6)
            made.append(line.encode(**self.axes, order="i:Q"))
        for (right, bold), own in texts.items():
            mark = style.chart(own).mark_text(
                align="left" if right else "right", baseline="middle", fontSize=style.SMALL,
                fontWeight="bold" if bold else "normal", color=colours.INK,
            )  # fmt: skip
            made.append(mark.encode(**self.axes, text="text:N"))
        return made

    def intervals(self, thick: float = 1.2, opacity: float = 0.75) -> list[Any]:
        """Return the layer of all lines, a path a backend."""
        import altair as alt

        if not self.strokes:
            return []
        line = style.chart(self.strokes).mark_line(strokeWidth=thick, opacity=opacity)
        return [
            line.encode(**self.axes, order="i:Q", stroke=style.colour(self.backends, alt.Stroke))
        ]

    def symbols(self, size: float = 70) -> list[Any]:
        """Return the layer of the points; those that are not solid have an outline only."""
        import altair as alt

        if not self.points:
            return []
        hollow = any(not one["on"] for one in self.points)
        return [
            style.chart(self.points)
            .mark_point(filled=True, size=size, opacity=1, strokeWidth=1.5)
            .encode(
                **self.axes,
                fill=style.colour(self.backends, alt.Fill),
                stroke=style.colour(self.backends, alt.Stroke),
                shape=style.shape(self.backends),
                tooltip="said:N",
                **(
                    {"fillOpacity": alt.condition("datum.on", alt.value(1), alt.value(0))}
                    if hollow
                    else {}
                ),
            )
        ]

    def rule(self, x: float | None = None, y: float | None = None, colour: str = "") -> Any:
        """Return the layer of one dashed line over the whole panel."""
        of = "x" if y is None else "y"
        rule = style.chart([{"x": x} if y is None else {"y": y}]).mark_rule(
            strokeDash=[3, 3], color=colour or colours.INK
        )
        return rule.encode(**{of: self.axes[of]})

    def _room(self, boxes: Sequence[Box]) -> list[Any]:
        """Return an unseen layer as wide as the labels: what lays panels out thinks them narrow."""
        left = min((box[0] for box in boxes), default=0.0)
        right = max((box[2] for box in boxes), default=0.0)
        ends = [end for end in (left, right) if not 0 <= end <= self.x.pixels]
        if not ends:
            return []
        data = [self._data((end, self.y.pixels / 2)) for end in ends]
        return [style.chart(data).mark_point(size=1, opacity=0).encode(**self.axes)]

    def _wanted(self, label: Label) -> WantedLabel:
        size = style.SMALL
        wide = width(label.text, size, label.bold)
        return WantedLabel(self.x.at(label.x), self.y.at(label.y), wide, height(size))

    def _interval(
        self, backend: str, scale: AxisScale, ends: Ends, other: float, upright: bool
    ) -> None:
        low, high = ends
        if low is None and high is None:
            return
        path: list[tuple[float, float]] = []
        for end, beyond in ((low, -math.inf), (high, math.inf)):
            value = beyond if end is None or math.isnan(end) else end
            if scale.holds(value):
                path.append((scale.at(value), 0.0))
                continue
            at = scale.at(scale.low if value < scale.low else scale.high)
            back = _ARROW if at < scale.pixels / 2 else -_ARROW
            arrow = [(at + back, -_ARROW), (at, 0.0), (at + back, _ARROW)]
            path += [*arrow, (at, 0.0)] if not path else [(at, 0.0), *arrow]
        turned = [(other + b, a) if upright else (a, other + b) for a, b in path]
        self._stroke(backend, turned)
        along = [a for a, _ in path]
        first, last = min(along), max(along)
        self.segments.append(
            (other, first, other, last) if upright else (first, other, last, other)
        )

    def _stroke(self, backend: str, path: Sequence[tuple[float, float]]) -> None:
        at = len(self.strokes)
        rows = [self._data(pixel) for pixel in path] + [{"x": None, "y": None}]
        self.strokes += [{"backend": backend, "i": at + i, **row} for i, row in enumerate(rows)]

    def _data(self, pixel: tuple[float, float]) -> dict[str, Any]:
        return {"x": self.x.value(pixel[0]), "y": self.y.value(pixel[1])}
