"""Where labels stand so that they meet neither one another nor points: greedy, and the same always.

Pixels throughout, from the upper left. Every label takes the cheapest of some hundred places
around its point that is free; far places have a leader. What finds none stands beside the panel,
in a column that has room by construction.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

#: Between a label and what it must not meet.
GAP = 2.0
#: Of a point's symbol, with its line.
REACH = 6.5
_NEAR = 3.0
_RINGS = (16, 28, 42, 58, 76, 96, 120, 150, 190, 240, 300)
_DIRECTIONS = 24
#: What a place costs in pixels of distance: for a line under it, a leader over a point or leader.
#: (Text has a rim of the ground's colour, so that a line under it stays readable, and ugly.)
_OVER_LINE, _OVER_POINT, _CROSSED, _UNDER = 9.0, 25.0, 40.0, 60.0
_LEADER = 14.0
#: How often labels that a leader runs under choose again, when all others have their places.
_ROUNDS = 2

Box = tuple[float, float, float, float]  # left, top, right, bottom
Segment = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class WantedLabel:
    """A label that wants a place: its point, and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Placed:
    """The place of a label; `right`: its text begins at the left edge, next to the point."""

    box: Box
    right: bool
    leader: Segment | None = None
    aside: bool = False


def place(
    wanted: Sequence[WantedLabel],
    points: Sequence[tuple[float, float]],
    lines: Sequence[Segment],
    width: float,
    height: float,
    reserved: Sequence[Box] = (),
) -> list[Placed]:
    """Return a place for each label, in their order; the first choose first.

    `points` are those that no label may cover, nor what is `reserved`, `lines` upright or level
    ones that it had better not; labels stay within the panel, or to the right of it (`aside`).
    """
    symbols = np.array([_around(x, y) for x, y in points]).reshape(-1, 4)
    under = np.array([_of_segment(line) for line in lines]).reshape(-1, 4)
    found: list[Placed | None] = [None] * len(wanted)
    again = list(range(len(wanted)))
    for _ in range(1 + _ROUNDS):
        for index in again:
            others = [one for at, one in enumerate(found) if one is not None and at != index]
            taken = [*reserved, *(one.box for one in others)]
            leaders = [one.leader for one in others if one.leader is not None]
            found[index] = _choose(wanted[index], symbols, under, taken, leaders, (width, height))
        again = _under_one_another(found)
    left = [index for index, chosen in enumerate(found) if chosen is None]
    beside = column([wanted[index] for index in left], width + 12, height)
    for index, at in zip(left, beside, strict=True):
        found[index] = at
    return [one for one in found if one is not None]


def _under_one_another(found: Sequence[Placed | None]) -> list[int]:
    """Which labels a leader runs under, and whose leader does so: they choose once more."""
    known = [(index, one) for index, one in enumerate(found) if one is not None]
    led = [(index, one.leader) for index, one in known if one.leader is not None]
    if not led:
        return []
    boxes = np.array([one.box for _, one in known])
    crossed = _cross(np.array([leader for _, leader in led]), boxes, 0.0)
    rows, columns = np.nonzero(crossed)
    return sorted({led[row][0] for row in rows} | {known[at][0] for at in columns})


def column(wanted: Sequence[WantedLabel], left: float, height: float) -> list[Placed]:
    """Return places one below the other from `left` on, near the height of their points.

    Where one column is full the next begins; leaders go from the points.
    """
    if not wanted:
        return []
    step = max(one.height for one in wanted) + GAP
    rows = max(1, int(height // step))
    order = sorted(range(len(wanted)), key=lambda index: wanted[index].y)
    made: dict[int, Placed] = {}
    # Columns take turns, so that a label stands near the height of its point in each.
    columns = math.ceil(len(wanted) / rows)
    for turn in range(columns):
        mine = order[turn::columns]
        tops = _apart([wanted[index].y - wanted[index].height / 2 for index in mine], step, height)
        for index, top in zip(mine, tops, strict=True):
            one = wanted[index]
            box = (left, top, left + one.width, top + one.height)
            leader = (one.x + REACH, one.y, left - 2, top + one.height / 2)
            made[index] = Placed(box, True, leader, aside=True)
        left += max(wanted[index].width for index in mine) + 12
    return [made[index] for index in range(len(wanted))]


def _apart(tops: Sequence[float], step: float, height: float) -> list[float]:
    """Push sorted tops apart to a step each, kept between 0 and the height as far as they fit."""
    found: list[float] = []
    for index, top in enumerate(tops):
        room = height - step * (len(tops) - index)
        least = found[-1] + step if found else 0.0
        found.append(max(least, min(top, max(room, least))))
    return found


def _choose(
    one: WantedLabel,
    symbols: Any,
    under: Any,
    taken: Sequence[Box],
    leaders: Sequence[Segment],
    panel: tuple[float, float],
) -> Placed | None:
    boxes, starts, costs, right = _places(one)
    inside = (boxes[:, 0] >= 1) & (boxes[:, 1] >= 1)
    inside &= (boxes[:, 2] <= panel[0] - 1) & (boxes[:, 3] <= panel[1] - 1)
    if not inside.any():
        return None
    boxes, starts, costs, right = boxes[inside], starts[inside], costs[inside], right[inside]
    labels = np.array(taken).reshape(-1, 4)
    free = ~_meet(boxes, labels, GAP).any(1) & ~_meet(boxes, symbols, 0.5).any(1)
    if not free.any():
        return None
    boxes, starts, costs, right = boxes[free], starts[free], costs[free], right[free]
    before = np.array(leaders).reshape(-1, 4)
    own = np.array([_around(one.x, one.y)])
    others = symbols[~(symbols == own).all(1)]
    far = costs >= _RINGS[0]
    costs = costs + _OVER_LINE * _meet(boxes, under, 0.5).sum(1)
    costs += _UNDER * _cross(before, boxes, 1.0).sum(0)
    costs += far * _UNDER * _cross(starts, labels, 1.0).sum(1)
    costs += far * _OVER_POINT * _cross(starts, others, -1.0).sum(1)
    costs += far * _CROSSED * _crossings(starts, before).sum(1)
    at = int(np.argmin(costs))
    box = (*map(float, boxes[at]),)
    leader = (*map(float, starts[at]),) if far[at] else None
    return Placed(box, bool(right[at]), leader)  # type: ignore[arg-type]


def _places(one: WantedLabel) -> tuple[Any, Any, Any, Any]:
    """Boxes around a point, their leaders, what each costs, and on which side it begins."""
    offsets, costs, right = _around_zero()
    width, height = one.width, one.height
    left = np.where(right, offsets[:, 0], offsets[:, 0] - width) + one.x
    top = offsets[:, 1] - height / 2 + one.y
    boxes = np.stack([left, top, left + width, top + height], 1)
    ends = np.stack([np.clip(one.x, left - 1, left + width + 1), offsets[:, 1] + one.y], 1)
    ends[:, 0] = np.where(right, left - 1, left + width + 1)
    away = ends - np.array([one.x, one.y])
    long = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-9)
    begin = np.array([one.x, one.y]) + away / long[:, None] * np.minimum(REACH, long)[:, None]
    return boxes, np.concatenate([begin, ends], 1), costs, right


@lru_cache(maxsize=1)
def _around_zero() -> tuple[Any, Any, Any]:
    """Where a label's near end may lie around a point, and what that costs."""
    near = REACH + _NEAR
    places = [
        (near, 0.0, 0.0, True), (near - 1, -10.0, 1.0, True), (near - 1, 10.0, 1.2, True),
        (-near, 0.0, 2.0, False), (1 - near, -10.0, 3.0, False), (1 - near, 10.0, 3.2, False),
        (-4.0, -16.0, 4.0, True), (-4.0, 16.0, 4.2, True),
        (4.0, -16.0, 5.0, False), (4.0, 16.0, 5.2, False),
    ]  # fmt: skip
    for radius, turn in itertools.product(_RINGS, range(_DIRECTIONS)):
        angle = math.tau * (turn + 0.5) / _DIRECTIONS
        x, y = radius * math.cos(angle), radius * math.sin(angle) * 0.8
        places.append((x, y, radius + _LEADER, x >= 0))
    for step, (x, right) in itertools.product(
        range(2, 24), ((3.0, True), (-3.0, False), (14.0, True), (-14.0, False))
    ):
        for y in (-13.5 * step, 13.5 * step):
            places.append((x, y, abs(y) + abs(x) / 2 + _LEADER, right))
    table = np.array([place[:3] for place in places])
    return table[:, :2], table[:, 2], np.array([place[3] for place in places])


def _around(x: float, y: float) -> Box:
    return x - REACH, y - REACH, x + REACH, y + REACH


def _of_segment(line: Segment) -> Box:
    (left, right), (top, bottom) = sorted(line[0::2]), sorted(line[1::2])
    return left, top, right, bottom


def _meet(some: Any, others: Any, gap: float) -> Any:
    """Which of some boxes come nearer than a gap to which of the others."""
    one, other = some[:, None, :], others[None, :, :]
    across = (one[..., 0] < other[..., 2] + gap) & (other[..., 0] < one[..., 2] + gap)
    return across & (one[..., 1] < other[..., 3] + gap) & (other[..., 1] < one[..., 3] + gap)


def _cross(segments: Any, boxes: Any, gap: float) -> Any:
    """Which segments run through which boxes, made larger by a gap: the slabs are cut in turn."""
    first, last = segments[:, None, :2], segments[:, None, 2:]
    away = np.where(np.abs(last - first) < 1e-9, 1e-9, last - first)
    low, high = boxes[None, :, :2] - gap, boxes[None, :, 2:] + gap
    enter, leave = (low - first) / away, (high - first) / away
    begin = np.minimum(enter, leave).max(2)
    end = np.maximum(enter, leave).min(2)
    return (begin < end) & (end > 0) & (begin < 1)


def _crossings(some: Any, others: Any) -> Any:
    """Which of some segments cross which of the others."""

    def side(a: Any, b: Any, c: Any) -> Any:
        return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (
            c[..., 0] - a[..., 0]
        )

    a, b = some[:, None, :2], some[:, None, 2:]
    c, d = others[None, :, :2], others[None, :, 2:]
    return (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)
