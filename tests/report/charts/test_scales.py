"""Axes: what they span, where values lie on them, and what their ticks are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchhub.report.charts.scales import AxisScale, spanning

VALUES = st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=30)


@given(VALUES, st.booleans(), st.booleans())
def test_every_value_lies_within_and_comes_back(values: list[float], up: bool, zero: bool) -> None:
    scale = spanning(values, [], 300, up=up, zero=zero)
    for value in values:
        assert 0 <= scale.at(value) <= 300
        assert abs(scale.at(scale.value(scale.at(value))) - scale.at(value)) < 0.2


@given(VALUES, st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=30))
def test_intervals_never_take_the_axis_from_the_values(
    values: list[float], halves: list[float]
) -> None:
    ends = [(v - h, v + h) for v, h in zip(values, halves, strict=False)]
    scale = spanning(values, ends, 1000)
    span = abs(scale.at(max(values)) - scale.at(min(values)))
    assert span > 100 or max(values) <= min(values) * (1 + 1e-6)


def test_a_usual_interval_is_on_the_axis_and_a_wide_one_is_not() -> None:
    scale = spanning([1.0, 2.0, 3.0], [(0.9, 1.1), (1.9, 2.1), (-200.0, 206.0)], 500)
    assert scale.holds(0.9)
    assert not scale.holds(206.0)
    assert scale.high < 8


def test_noise_looks_like_noise() -> None:
    scale = spanning([0.0010, 0.0011], [(-0.002, 0.004), (-0.002, 0.004)], 500)
    assert scale.at(0.0011) - scale.at(0.0010) < 100


def test_ratios_from_a_decade_on() -> None:
    assert spanning([1.0, 11.0], [], 100).log
    assert not spanning([1.0, 9.0], [], 100).log
    assert not spanning([0.0, 100.0], [], 100).log
    assert not spanning([1.0, 11.0], [], 100, may_log=False).log


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_one_value_alone(value: float) -> None:
    scale = spanning([value], [], 100)
    assert scale.low < value < scale.high
    assert scale.ticks(4)


def test_an_axis_of_amounts_begins_at_zero() -> None:
    assert spanning([3.0, 5.0], [], 100, floor=True).low == 0
    assert spanning([3.0, 5.0], [], 100, zero=True).low < 0
    assert spanning([-3.0, 5.0], [], 100, floor=True).low < -3


@given(st.floats(1e-6, 1e6), st.floats(1.0001, 1e6), st.booleans(), st.integers(3, 9))
def test_ticks_are_few_and_round(low: float, ratio: float, log: bool, about: int) -> None:
    scale = AxisScale(low, low * ratio, 400, log and ratio > 10)
    found = scale.ticks(about)
    assert len(found) <= 2 * about
    assert all(scale.low * (1 - 1e-6) <= tick <= scale.high * (1 + 1e-6) for tick in found)
    for tick in found:
        digits = f"{abs(tick):.6e}".split("e")[0].rstrip("0").rstrip(".").replace(".", "")
        assert not scale.log or digits in ("1", "2", "3", "5")


def test_what_is_not_finite_is_not_on_the_axis() -> None:
    scale = spanning([1.0, math.inf, math.nan, 2.0], [(None, 3.0), (1.0, math.inf)], 100)
    assert math.isfinite(scale.low)
    assert scale.high < 10


def test_an_axis_of_what_is_positive_has_no_less_than_nothing() -> None:
    assert spanning([1.0, 9.0], [(-30.0, 40.0)] * 2, 100, positive=True).low == 0
    assert spanning([1.0, 9.0], [(-30.0, 40.0)] * 2, 100).low < 0
