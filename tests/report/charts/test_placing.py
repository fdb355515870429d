"""Labels meet neither one another nor points, whatever they are and wherever the points lie."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchhub.report.charts.placing import Placed, WantedLabel, column, place

WIDTH, HEIGHT = 1000.0, 500.0


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return (
        one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    )  # fmt: skip


def _hold(found: list[Placed], points: list[tuple[float, float]]) -> None:
    for one, other in itertools.combinations(found, 2):
        assert not _meet(one.box, other.box)
    for one in found:
        for x, y in points:
            assert not _meet(one.box, (x - 5, y - 5, x + 5, y + 5))
        if one.aside:
            assert one.box[0] > WIDTH
        else:
            assert one.box[0] >= 0
            assert one.box[2] <= WIDTH
            assert one.box[1] >= 0
            assert one.box[3] <= HEIGHT


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(8, WIDTH - 8), st.floats(8, HEIGHT - 8), st.integers(8, 220)),
        max_size=60,
    )
)
def test_anywhere(told: list[tuple[float, float, int]]) -> None:
    points = [(x, y) for x, y, _ in told]
    _hold(place([WantedLabel(x, y, w, 13) for x, y, w in told], points, [], WIDTH, HEIGHT), points)


@pytest.mark.parametrize("shape", ["spread", "a line", "a heap", "one spot", "two columns"])
def test_many_points_as_charts_have_them(shape: str) -> None:
    aside = 0
    for seed in range(20):
        draw = random.Random(seed)
        points = [_point(shape, draw) for _ in range(draw.randint(1, 60))]
        wanted = [WantedLabel(x, y, draw.uniform(30, 120), 13.2) for x, y in points]
        lines = [(x - 20, y, x + 20, y) for x, y in points]
        found = place(wanted, points, lines, WIDTH, HEIGHT)
        assert len(found) == len(points)
        _hold(found, points)
        aside += sum(one.aside for one in found)
    assert aside <= 20 * 3, "the panel itself has room"


def _point(shape: str, draw: random.Random) -> tuple[float, float]:
    x, y = draw.uniform(20, WIDTH - 20), draw.uniform(20, HEIGHT - 20)
    if shape == "a line":
        return x, HEIGHT / 2
    if shape == "a heap":
        return WIDTH / 2 + draw.gauss(0, 30), HEIGHT / 2 + draw.gauss(0, 15)
    if shape == "one spot":
        return WIDTH / 2, HEIGHT / 2
    return (draw.choice([100.0, 700.0]), y) if shape == "two columns" else (x, y)


def test_what_finds_no_place_stands_beside_the_panel() -> None:
    points = [(50.0, 50.0)] * 60
    found = place([WantedLabel(*point, 90, 13) for point in points], points, [], 100, 100)
    assert sum(one.aside for one in found) >= 50
    for one, other in itertools.combinations(found, 2):
        assert not _meet(one.box, other.box)


def test_a_lonely_label_stands_right_of_its_point_and_needs_no_leader() -> None:
    (one,) = place([WantedLabel(300, 200, 80, 13)], [(300.0, 200.0)], [], WIDTH, HEIGHT)
    assert one.right
    assert one.leader is None
    assert 0 < one.box[0] - 300 < 15
    (edge,) = place([WantedLabel(980, 200, 80, 13)], [(980.0, 200.0)], [], WIDTH, HEIGHT)
    assert not edge.right


def test_hardly_a_leader_runs_under_a_label() -> None:
    draw = random.Random(7)
    points = [_point("a heap", draw) for _ in range(30)]
    found = place([WantedLabel(x, y, 70, 13) for x, y in points], points, [], WIDTH, HEIGHT)
    assert any(one.leader for one in found)
    under = 0
    for one, other in itertools.permutations(found, 2):
        if one.leader is not None:
            ax, ay, bx, by = one.leader
            steps = ((ax + (bx - ax) * t / 50, ay + (by - ay) * t / 50) for t in range(51))
            left, top, right, bottom = other.box
            under += any(left < x < right and top < y < bottom for x, y in steps)
    assert under <= 8, "of 870 pairs in a heap that symbols cover twice"


def test_what_is_reserved_stays_free() -> None:
    box = (310.0, 150.0, 600.0, 250.0)
    (one,) = place([WantedLabel(300, 200, 80, 13)], [(300.0, 200.0)], [], WIDTH, HEIGHT, [box])
    assert not _meet(one.box, box)


def test_a_column_keeps_the_order_of_heights() -> None:
    draw = random.Random(3)
    wanted = [WantedLabel(500, draw.uniform(0, 300), 60, 13) for _ in range(18)]
    found = column(wanted, 600, 300)
    for one, other in itertools.combinations(zip(wanted, found, strict=True), 2):
        assert (one[0].y < other[0].y) == (one[1].box[1] < other[1].box[1])
        assert not _meet(one[1].box, other[1].box)
