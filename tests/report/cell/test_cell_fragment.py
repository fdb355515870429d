"""What a cell opens, as HTML."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from browser import dump_dom
from builders import (
    make_cell,
    make_conditions,
    make_device,
    make_launch,
    make_launches,
    make_run,
    make_variant,
)
from synthetic import HOSTILE

from benchhub.model.flag import Flag, FlagKind
from benchhub.model.launch import Launch
from benchhub.model.row import CellDetails, Row
from benchhub.model.scenario import Scenario
from benchhub.ondevice.wire import Failure
from benchhub.report.cell.axes import BOTTOM, LEFT, RIGHT, TOP, Axes, axes_of
from benchhub.report.cell.ecdf import ecdf
from benchhub.report.cell.fragment import fragment
from benchhub.report.cell.launches import MOST
from benchhub.results.details.of_cell import details_of
from benchhub.results.rows.rows import summarize


def opened(cell: Any, launches: list[Launch]) -> tuple[Row, CellDetails]:
    (row,) = summarize(make_run(), [cell], launches, [make_variant()], [make_device()])
    return row, details_of(cell, launches, row.provenance.warmup_dropped)


def html_of(cell: Any, launches: list[Launch]) -> str:
    return str(fragment(*opened(cell, launches)))


def parsed(html: str) -> ElementTree.Element:
    """The fragment as XML, which is stricter than HTML: every element has its end."""
    return ElementTree.fromstring(html)


def parts(html: str) -> dict[str, str]:
    """The text of each part by its name."""
    return {
        str(part.find("dt").text): "".join(part.find("dd").itertext())  # type: ignore[union-attr]
        for part in parsed(html).findall("div")
    }


def lines(html: str) -> list[str]:
    (listed,) = re.findall(r"<pre>(.*?)</pre>", html, re.DOTALL)
    return str(listed).splitlines()


def test_a_latency_cell_tells_all_that_was_asked() -> None:
    cell = make_cell()
    html = html_of(cell, make_launches(cell))
    found = parts(html)
    assert list(found) == [
        "Measured", "Distribution", "Launches, in order", "Outputs", "Conditions", "Provenance",
    ]  # fmt: skip
    assert "\np50 9.99 [9.95, 10.03] ms\n" in found["Measured"]
    assert "2,000 calls of 10 launches" in found["Distribution"]
    assert found["Launches, in order"].startswith("10 finished of 10 planned.")
    assert lines(html)[0].split() == [
        "launch", "round", "01-01", "UTC", "p50", "ms", "p95", "ms"
    ]  # fmt: skip
    assert lines(html)[3].split()[:3] == ["2.0", "2", "12:00:02"]
    assert found["Conditions"].splitlines() == [
        "governor performance", "clock 2,400 MHz", "temperature 50.0 °C",
        "load 0.100 processes over a minute",
    ]  # fmt: skip
    for told in (
        "a" * 64, "onnxruntime 1.23.0, CPUExecutionProvider, 1 thread, batch 1",
        "clock perf_counter_ns; warm-up left out", "figures of launches 0.0 to 9.0",
        "python 3.11.2", f"cell {cell.key}",
    ):  # fmt: skip
        assert told in found["Provenance"]
    assert f'<a href="#cell={cell.key}">' in html


def test_launches_stand_in_order_with_what_became_of_them() -> None:
    cell = make_cell(launches=3)
    first, second, third = make_launches(cell, 3)
    busy = make_conditions(
        at_ns=4_000_000_000, cpu_total_ticks=100_600, cpu_busy_ticks=10_600, own_cpu_ticks=5_300,
        temperature_c=61.0,
    )  # fmt: skip
    second = dataclasses.replace(second, after=busy)
    third = dataclasses.replace(
        third, status="failed", failure=Failure("time", "timeout", "no end within 30 s"),
        started_at="2026-01-02T00:00:00+00:00",
    )  # fmt: skip
    html = html_of(cell, [first, second, third])
    head, *told = lines(html)
    assert head.split() == [
        "launch", "round", "start", "UTC", "p50", "ms", "p95", "ms", "°C",
    ]  # fmt: skip
    assert told[0].endswith("50.0")
    assert told[1].endswith("61.0  foreign_cpu 50%")
    assert told[2].split() == [
        "2.0", "2", "01-02", "00:00:00", "50.0", "failed,", "time:", "timeout:", "no", "end",
        "within", "30", "s",
    ]  # fmt: skip
    assert parts(html)["Not finished"] == "failed: time: timeout: no end within 30 s"
    assert "1 failed, 2 finished of 3 planned" in parts(html)["Launches, in order"]


def test_two_hundred_launches_are_forty_lines_and_a_fold() -> None:
    cell = make_cell(launches=200)
    launches = make_launches(cell, 200)
    launches[150] = dataclasses.replace(launches[150], status="interrupted")
    html = html_of(cell, launches)
    listed = re.findall(r"<pre>(.*?)</pre>", html, re.DOTALL)
    assert [len(one.splitlines()) for one in listed] == [MOST + 1, 200 - MOST + 1]
    assert "<summary>160 further launches, 1 of them not finished</summary>" in html
    assert listed[0].splitlines()[0] == listed[1].splitlines()[0]
    assert len(list(parsed(html).iter())) < 60
    assert "figures of launches 0.0 to 149.0, 151.0 to 199.0\n" in parts(html)["Provenance"]


@pytest.mark.parametrize(
    ("scenario", "changes", "head"),
    [
        (Scenario.THROUGHPUT, {}, "cases/s"),
        (Scenario.MEMORY, {}, "peak MiB  model MiB"),
        (Scenario.COLD_START, {}, "load ms  1st call ms"),
        (Scenario.PACED, {"rate_per_s": 50.0}, "p50 ms  p95 ms"),
    ],
)
def test_each_scenario_lists_what_it_measures(scenario, changes, head) -> None:
    cell = make_cell(scenario=scenario, **changes)
    html = html_of(cell, make_launches(cell, 4))
    assert lines(html)[0].endswith(head)
    assert ("Distribution" in parts(html)) == (scenario is Scenario.PACED)
    assert 'class="strip"' in html


def test_one_launch_has_a_curve_without_a_band() -> None:
    cell = make_cell(launches=1)
    html = html_of(cell, make_launches(cell, 1))
    assert 'class="curve"' in html
    assert 'class="band"' not in html
    assert 'class="strip"' not in html
    assert "single_launch" in parts(html)["Doubts"]


@pytest.mark.parametrize("samples", [[5_000_000] * 40, [0] * 40, [1, 1_000_000_000] * 20, [7]])
def test_any_times_can_be_drawn(samples) -> None:
    cell = make_cell(launches=2)
    launches = [make_launch(cell, one, samples_ns=np.array(samples)) for one in range(2)]
    html = html_of(cell, launches)
    drawn = "".join(re.findall(r"<svg.*?</svg>", html))
    assert drawn
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_a_far_tail_does_not_set_the_axis_and_is_told() -> None:
    cell = make_cell()
    launches = make_launches(cell)
    launches[3].samples_ns[7] = 900_000_000
    row, detail = opened(cell, launches)
    assert detail.distribution is not None
    assert axes_of(detail.distribution).high_ms < 20
    html = str(fragment(row, detail))
    assert "slowest 900 ms →" in html
    assert "slowest: 900 ms, call 8 of launch 3.0" in html


def test_the_curve_lies_in_its_axes_and_rises() -> None:
    cell = make_cell()
    row, detail = opened(cell, make_launches(cell))
    assert detail.distribution is not None
    drawn = ecdf(row, detail.distribution)
    (path,) = re.findall(r'class="curve" d="M([^"]*)"', drawn)
    start, _, steps = path.partition("l")
    numbers = [int(one) for one in re.findall(r"-?\d+", steps)]
    at = [tuple(map(int, start.split()))]
    for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
        at.append((at[-1][0] + dx, at[-1][1] + dy))
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in at)
    assert all(x0 <= x1 and y0 >= y1 for (x0, y0), (x1, y1) in pairwise(at))
    assert at[0][1] == BOTTOM
    median_x = axes_of(detail.distribution).x(row["p50_ms"].value or 0)
    assert any(abs(x - median_x) <= 1 and y == (TOP + BOTTOM) // 2 for x, y in at)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (9.7, 10.4, ["9.8", "10", "10.2", "10.4 ms"]),
        (0.5, 1.2, ["0.6", "0.8", "1", "1.2 ms"]),
        (0.3, 9.0, ["0.5", "1", "2", "5 ms"]),
        (0.3, 900.0, ["1", "10", "100 ms"]),
    ],
)
def test_notches_are_round(low, high, expected) -> None:
    assert [text for _, text in Axes(low, high).ticks()] == expected


def test_without_details_the_row_alone_tells() -> None:
    cell = make_cell()
    row, _ = opened(cell, make_launches(cell))
    html = str(fragment(row, None))
    assert "They are not listed in this file." in html
    assert "<svg" not in html
    assert "a" * 64 in html
    gone = str(fragment(row, CellDetails(gone="2026-03-01T10:00:00+00:00")))
    assert "Their samples were deleted 2026-03-01 10:00:00 UTC." in gone
    assert "not listed" not in gone


def test_a_cell_that_was_never_launched() -> None:
    row, detail = opened(make_cell(), [])
    assert parts(str(fragment(row, detail)))["Launches, in order"] == "No launch was made."


def test_sums_without_samples_are_listed() -> None:
    cell = make_cell(launches=1)
    sums = {"sums": {"p50_ms": 15.0, "p95_ms": 21.0}, "sums_as": "rounded to 1 ms"}
    launch = make_launch(cell, details=sums, samples_ns=np.empty(0, dtype=np.int64))
    html = html_of(cell, [launch])
    assert lines(html)[1].split()[-2:] == ["15.0", "21.0"]
    assert "Distribution" not in parts(html)


def test_what_a_device_says_is_text() -> None:
    cell = make_cell(launches=2)
    failed = make_launch(
        cell, 1, status="failed", failure=Failure(HOSTILE, HOSTILE, HOSTILE), started_at=HOSTILE,
    )  # fmt: skip
    told = make_launch(
        cell, backend_version=HOSTILE, provider=HOSTILE, clock=HOSTILE, details={HOSTILE: HOSTILE},
        before=make_conditions(governor=HOSTILE, unavailable={HOSTILE: HOSTILE}),
    )  # fmt: skip
    row, detail = opened(cell, [told, failed])
    row = dataclasses.replace(
        row, flags=(Flag(FlagKind.HOT, HOSTILE),), cell='"><script>', run=HOSTILE, options=HOSTILE
    )
    html = str(fragment(row, detail))
    parsed(html)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 8


def test_an_element_has_no_id_and_no_style_of_its_own() -> None:
    cell = make_cell()
    for element in parsed(html_of(cell, make_launches(cell))).iter():
        assert not {"id", "style", "onclick"} & set(element.keys())


@pytest.mark.usefixtures("processes")
def test_chromium_opens_it(tmp_path) -> None:
    cell = make_cell()
    html = html_of(cell, make_launches(cell, 60))
    page = tmp_path / "page.html"
    page.write_text(
        "<!DOCTYPE html><html lang=en><title>t</title><main>"
        f'<details id="cell={cell.key}"><summary>cell</summary>{html}</details></main></html>'
    )
    dom = dump_dom(page, tmp_path / "profile")
    assert dom.count("<pre>") == 2
    assert dom.count("<svg") == 2
    assert dom.count("<dt>") == 6
