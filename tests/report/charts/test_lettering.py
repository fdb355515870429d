"""Widths of texts before they are drawn, and how long ones are shortened."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchhub.report.charts.lettering import shortened, told_apart, width


@given(st.text(max_size=60), st.floats(30, 300))
def test_a_shortened_text_fits_and_keeps_its_ends(text: str, most: float) -> None:
    short = shortened(text, most, 11)
    assert short == text or (width(short, 11) <= most and "\u2026" in short)
    if short != text:
        assert text.startswith(short.split("\u2026")[0])


def test_names_that_differ_in_the_middle_stay_whole() -> None:
    names = [f"a-network-with-a-name-{at}-that-is-longer-than-any-label-may-be" for at in range(3)]
    assert told_apart([*names, "short"], 120, 11) == [*names, "short"]
    ends = [f"a-network-with-a-name-that-is-longer-than-any-label-{at}" for at in range(3)]
    short = told_apart(ends, 120, 11)
    assert len(set(short)) == 3
    assert all(width(one, 11) <= 120 for one in short)


def test_wide_characters_are_wide() -> None:
    assert width("漢字", 10) > width("ab", 10)
    assert width("int8", 11, bold=True) > width("int8", 11)
