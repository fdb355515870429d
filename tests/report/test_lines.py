"""Lines of a width: numbers are whole, intervals and commands where a line has room for them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from benchhub.report.lines import folded, wrapped

FIGURES = st.builds(
    lambda value, low, high, unit: f"{value:,.3f} [{low:,.3f}, {high:,.3f}]{unit}",
    st.floats(-1e12, 1e12), st.floats(-1e12, 1e12), st.floats(-1e12, 1e12),
    st.sampled_from(["", " ms", " MiB", "/s"]),
)  # fmt: skip
NAMES = st.text("abcxyz0123456789-_./測試", min_size=1, max_size=60)
PARTS = st.lists(FIGURES | NAMES | st.sampled_from(["of", "the median", "`benchhub gate latest`"]))


@settings(deadline=None)
@given(PARTS, st.integers(20, 200), st.sampled_from(["", "  ", " " * 10]))
def test_nothing_is_lost_and_lines_fit(parts: list[str], width: int, indent: str) -> None:
    text = " ".join(parts)
    lines = folded(text, width, indent)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        number = re.search(rf"\d[\d.,]{{{width - len(indent) - 2},}}", line)
        assert cell_len(line) <= width or number


@settings(deadline=None)
@given(st.lists(FIGURES, min_size=1), st.integers(80, 200))
def test_a_figure_stands_in_one_line_with_its_interval(parts: list[str], width: int) -> None:
    lines = folded("; ".join(parts), width, "  ")
    assert [part for part in parts if not any(part in line for line in lines)] == []


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("p95 of 12.3 [11.0, 14.2] ms is it", 19, ["p95 of", "12.3 [11.0, 14.2]", "ms is it"]),
        ("it is 2.18x [1.72, 2.76] fast", 20, ["it is", "2.18x [1.72, 2.76]", "fast"]),
        ("say `benchhub gate latest` then", 30, ["say `benchhub gate latest`", "then"]),
        ("resnet50-int8-static-64", 12, ["resnet50-", "int8-static-", "64"]),
        ("at 2026-11-30T12:30 of 10.0.0.12", 16, ["at", "2026-11-30T12:30", "of 10.0.0.12"]),
        ("a" * 30, 20, ["a" * 20, "a" * 10]),
        ("", 20, [""]),
    ],
)  # fmt: skip
def test_where_lines_are_broken(text: str, width: int, lines: list[str]) -> None:
    assert folded(text, width) == lines


def test_of_nothing_there_is_no_line() -> None:
    assert list(wrapped(" ", 80)) == []
