from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from benchhub.report.answer.bar import WIDTH, bar
from benchhub.report.answer.figures import HeldFigure


def _drawn(**known: object) -> ET.Element:
    return ET.fromstring(bar(HeldFigure("p95_ms", **known)))  # type: ignore[arg-type]


def _limit_at(of: ET.Element) -> float:
    path = next(part for part in of if part.get("class") == "limit").get("d", "")
    return float(re.findall(r"[\d.]+", path)[0])


def test_a_value_within_its_limit_ends_before_the_line() -> None:
    drawn = _drawn(value=8.0, low=7.5, high=8.5, limit=10.0)
    value = next(part for part in drawn if part.get("class") == "value")
    assert float(value.get("width", "")) < _limit_at(drawn) < WIDTH


def test_a_value_beyond_its_limit_ends_behind_the_line() -> None:
    drawn = _drawn(value=40.0, low=39.0, high=41.0, limit=10.0)
    value = next(part for part in drawn if part.get("class") == "value")
    assert float(value.get("width", "")) > _limit_at(drawn)


def test_what_is_beyond_a_least_rate_lies_below_it() -> None:
    drawn = _drawn(value=120.0, limit=100.0, at_least=True)
    beyond = next(part for part in drawn if part.get("class") == "beyond")
    assert float(beyond.get("x", "")) == 0


def test_a_wide_interval_is_clipped_with_an_arrow() -> None:
    wide = bar(HeldFigure("p95_ms", 8.0, 1.0, float("inf"), limit=10.0))
    near = bar(HeldFigure("p95_ms", 8.0, 7.0, 9.0, limit=10.0))
    path = re.findall(r'class="interval" d="([^"]+)"', wide + near)
    assert ["L" in one for one in path] == [True, False]


def test_without_a_figure_there_is_no_drawing_and_without_a_limit_no_line() -> None:
    assert bar(HeldFigure("p95_ms", limit=10.0)) == ""
    assert bar(HeldFigure("p95_ms", float("nan"))) == ""
    assert 'class="limit"' not in bar(HeldFigure("p95_ms", 8.0, 7.0, 9.0))
    assert 'class="value"' in bar(HeldFigure("p95_ms", 0.0, 0.0, 0.0))
