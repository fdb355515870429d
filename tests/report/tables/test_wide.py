"""A report of five devices, four backends and nine variants stays one that can be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from browser import dump_dom
from wide import wide

from benchhub.model.figure import Figure
from benchhub.model.row import Row
from benchhub.report.charts import drawn as charts
from benchhub.report.run import render
from benchhub.report.tables.by_device import energy, gpu, latency, memory, paced, throughput
from benchhub.report.tables.table import Table

SOURCE = wide()
BY_NAME = {device.name: device for device in SOURCE.devices}


def _heads(table: Table) -> list[str]:
    return [column.head for column in table.columns]


def test_settings_are_columns_only_where_they_vary() -> None:
    made = latency(SOURCE, BY_NAME["localhost"])
    assert _heads(made)[:4] == ["Variant", "Backend", "Threads", "Median (p50) ms"]
    assert "(batch 1)" in made.caption
    swept = throughput(SOURCE, BY_NAME["localhost"])
    assert _heads(swept)[2] == "Settings"
    assert {row[2].text for row in swept.rows} == {"b1 c1", "b1 c4", "b8 c1", "b8 c4"}
    assert _heads(memory(SOURCE, BY_NAME["localhost"]))[:3] == ["Variant", "Backend", "Scenario"]
    both = latency(SOURCE, BY_NAME["gpu-server"])
    settings = {" ".join(row[2].text.split()[:2]) for row in both.rows}
    assert {"t1 f32", "t2 bf16"} <= settings


def test_a_speedup_names_its_base_where_that_is_another() -> None:
    made = latency(SOURCE, BY_NAME["localhost"])
    at = _heads(made).index("Speed-up")
    said = {row[0].text: row[at].below for row in made.rows}
    assert said["tflite-int8"] == "against tflite-fp32"
    assert said["int8-static"] == said["tflite-fp32"] == ""


def test_a_speedup_without_a_median_says_of_how_many_pairs_it_is() -> None:
    def hidden(row: Row) -> Row:
        faster = row["speedup"]
        if faster.interval and not faster.by_definition:
            faster = replace(faster, interval=replace(faster.interval, n_eff=12.0))
        told = {"p50_ms": Figure(withheld="needs n_eff"), "speedup": faster}
        return replace(row, figures={**row.figures, **told})

    made = latency(replace(SOURCE, rows=tuple(map(hidden, SOURCE.rows))), BY_NAME["localhost"])
    at = _heads(made).index("Speed-up")
    said = {row[0].text: row[at].below for row in made.rows}
    assert said["int8-static"] == "of 12 pairs of launches"
    assert said["tflite-int8"] == "against tflite-fp32, of 12 pairs of launches"
    assert said["fp32"] == ""  # 1 by definition


def test_clock_and_energy_tables_only_where_something_was_counted() -> None:
    assert not gpu(SOURCE, BY_NAME["localhost"]).rows
    assert not energy(SOURCE, BY_NAME["raspberry-pi-5"]).rows
    made = gpu(SOURCE, BY_NAME["gpu-server"])
    assert _heads(made)[3:9] == [
        "Host p50 ms", "Device p50 ms", "Copy in ms", "Copy out ms", "Launch overhead ms",
        "GPU MiB",
    ]  # fmt: skip
    counted = energy(SOURCE, BY_NAME["localhost"])
    assert {row[_heads(counted).index("Counted by")].text for row in counted.rows} == {
        "RAPL package-0"
    }


def test_paced_calls_have_their_rate_and_their_service_apart() -> None:
    made = paced(SOURCE, BY_NAME["localhost"])
    assert _heads(made)[2] == "Rate 1/s"
    assert "concurrency 2" in made.caption
    flags = [row[-1].text for row in made.rows]
    assert "overloaded" in flags


@pytest.mark.parametrize("name", ["latency", "tradeoff", "memory", "paced"])
def test_charts_stay_within_a_page(name: str, native: None) -> None:
    svg = charts.to_svg(charts.specs([SOURCE])[name])
    width, height = (float(svg.split(f'{side}="')[1].split('"')[0]) for side in ("width", "height"))
    assert width < 1100
    assert height < 1200


@pytest.mark.usefixtures("processes", "native")
def test_nothing_runs_off_a_narrow_screen(tmp_path: Path) -> None:
    script = (
        "<script>document.title = String("
        "document.documentElement.scrollWidth - innerWidth)</script></body>"
    )
    page = tmp_path / "wide.html"
    page.write_text(render("html", [SOURCE]).replace("</body>", script), "utf-8")
    shown = dump_dom(page, tmp_path / "profile", "--window-size=1000,800")
    assert int(shown.split("<title>")[1].split("<")[0]) <= 0
