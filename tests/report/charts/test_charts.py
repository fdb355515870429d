from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from rows import changed
from synthetic import results

from benchhub.report.charts import drawn as charts


def test_every_chart_is_drawn_and_well_formed(native: None) -> None:
    drawn = charts.svgs([results()])
    assert list(drawn) == ["latency", "tradeoff", "memory", "size"]
    for name, svg in drawn.items():
        assert ElementTree.fromstring(svg).tag.endswith("svg"), name
        assert not re.search(r"\b(NaN|undefined|Infinity)\b", svg), name
        assert "url(" not in svg, "ids would clash when charts share a page"
    assert "emulated time" in drawn["latency"]
    assert re.search(r"[\d.]+ ms<", drawn["latency"]), "values are labelled directly"
    assert "2 threads" in drawn["latency"], "settings have panels of their own"
    assert "quality loss of macro_auc" in drawn["tradeoff"]


def test_nothing_measured_gives_no_chart() -> None:
    assert charts.svgs([]) == {}
    failed = [row for row in results().rows if row.status == "failed"]
    assert {name for name, make in charts.CHARTS.items() if make(failed)} == set()


def test_log_scale_only_for_a_wide_range() -> None:
    rows = list(results().rows)
    assert '"type": "log"' not in charts.latency(rows).to_json()
    rows[0] = changed(rows[0], p50_ms=1e5)
    assert '"type": "log"' in charts.latency(rows).to_json()


def test_eight_devices_and_a_missing_interval(native: None) -> None:
    devices = tuple((f"device-with-a-rather-long-name-{i}.lab.example", False) for i in range(8))
    source = results(devices=devices, hostile=False)
    open_ended = changed(source.rows[0], p50_low_ms=None)
    svg = charts.to_svg(charts.latency([open_ended, *source.rows[1:]]))
    assert all(name in svg for name, _ in devices)
    assert "no interval" in svg


@pytest.mark.usefixtures("processes")
def test_heavy_libraries_wait_until_they_are_used() -> None:
    code = (
        "import sys, benchhub.report.run as f; "
        "[f.load(name) for name in f.FORMATS]; "
        "print([m for m in ('pandas', 'altair', 'vl_convert', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
