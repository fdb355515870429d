from __future__ import annotations

from dataclasses import replace

import pytest
from rows import changed
from wide import DEVICES, wide

from benchhub.model.device import DeviceInfo
from benchhub.model.figure import Figure, Interval
from benchhub.model.row import Results, Row
from benchhub.report.answer.heat import HeatMap, heat_map
from benchhub.report.answer.heat_cell import HeatCell, shade_of
from benchhub.report.answer.order import in_order


def _map(source: Results) -> HeatMap:
    return heat_map(in_order(source))


def _cell(source: Results, device: str, backend: str, variant: str) -> HeatCell:
    return _map(source).cell(device, (backend, variant))


def _row(source: Results, device: str, backend: str, variant: str) -> Row:
    """The latency cell at its smallest settings."""
    return next(
        r
        for r in source.rows
        if (r.device, r.backend, r.variant) == (device, backend, variant)
        and r.scenario == "latency" and r.threads == 1
    )  # fmt: skip


def test_each_field_is_the_smallest_setting_with_its_speed_up_and_median() -> None:
    source = wide()
    cell = _cell(source, "gpu-server", "openvino", "int8-static")
    row = _row(source, "gpu-server", "openvino", "int8-static")
    assert cell.row == row
    assert cell.text == "2.10×"
    assert cell.below.endswith(" ms")
    assert _cell(source, "gpu-server", "openvino", "fp32").text == "baseline"
    assert "1 thread, batch 1" in _map(source).about


def test_the_worst_verdict_on_the_same_use_is_a_sign_and_not_only_a_colour() -> None:
    source = wide()
    kept = _cell(source, "gpu-server", "openvino", "int8-static")
    assert (kept.verdict, kept.sign, kept.words) == ("PASS", "✓", "✓ 2.10×")
    open_ = _cell(source, "lab-arm64-user", "openvino", "int8-static")
    assert open_.sign == "?"
    free = replace(source, verdicts=(), budgets=())
    assert _cell(free, "gpu-server", "openvino", "int8-static").sign == ""


@pytest.mark.parametrize(
    ("value", "low", "high", "shade"),
    [
        (2.1, 1.9, 2.3, 3), (1.5, 1.4, 1.6, 2), (1.1, 1.05, 1.2, 1), (1.1, 0.9, 1.3, 0),
        (0.9, 0.85, 0.95, -1), (0.7, 0.65, 0.75, -2), (0.4, 0.3, 0.5, -3), (3.0, None, None, 0),
    ],
)  # fmt: skip
def test_a_shade_says_no_more_than_the_interval(
    value: float, low: float | None, high: float | None, shade: int
) -> None:
    assert shade_of(Figure(value, Interval(low, high, "paired"))) == shade


def test_emulated_devices_come_last_and_have_no_shade() -> None:
    found = _map(wide())
    real = [name for name, emulated, _ in DEVICES if not emulated]
    assert [device.name for device in found.devices][: len(real)] == real
    assert {found.cell("lab-arm64-user", pair).shade for pair in found.pairs} == {None}


def test_lines_are_what_there_is_more_of() -> None:
    source = wide()
    assert not _map(source).by_device
    many = tuple(DeviceInfo(f"d{at}", "ssh", False) for at in range(60))
    assert _map(replace(source, devices=(*source.devices, *many))).by_device


def test_what_is_empty_says_why() -> None:
    source = wide()
    failed = next(r for r in source.rows if r.device == "localhost" and r.scenario == "latency")
    rows = tuple(
        changed(r, status="failed", reason="load: memory: 3 GiB asked", p50_ms=None)
        if r.device == "localhost" and r.variant == failed.variant and r.backend == failed.backend
        else r
        for r in source.rows
    )
    devices = (*source.devices, DeviceInfo("board-7", "ssh", False, error="no route"))
    source = replace(source, rows=rows, devices=devices)
    made = _map(source)
    at = (failed.backend, failed.variant)
    assert made.cell("localhost", at).text == "failed [a]"
    assert made.cell("board-7", at).text == "not measured [b]"
    assert "[a] load: memory: 3 GiB asked" in made.notes
    assert made.cell("lab-arm64-vm", ("openvino", "fp32")).text == "skipped [c]"
    assert any(note.startswith("[c] openvino is not installed") for note in made.notes)


def test_flags_are_a_sign_too() -> None:
    cell = _cell(wide(), "localhost", "tflite", "tflite-int8")
    assert cell.flags == ("garbage",)
    assert cell.sign.endswith("!")


def test_what_no_device_runs_is_counted_and_not_listed() -> None:
    made = _map(wide())
    assert ("torch", "fp32") not in made.pairs
    assert any("5 variants (torch reads torch, not onnx)" in note for note in made.notes)


def test_a_median_that_is_withheld_says_so() -> None:
    source = wide()
    why = {"p50_ms": "needs n_eff >= 39 (has 4)"}
    rows = tuple(
        changed(r, withheld=why) if r.device == "localhost" and r["p50_ms"].value else r
        for r in source.rows
    )
    made = _map(replace(source, rows=rows))
    cells = [made.cell("localhost", pair) for pair in made.pairs]
    assert {cell.text for cell in cells if cell.text.startswith("withheld")} == {"withheld [a]"}
    assert made.notes[0].startswith("[a] too few launches")


def test_a_run_of_rates_alone_is_mapped_by_them() -> None:
    source = wide()
    rates = tuple(row for row in source.rows if row.scenario == "throughput")
    made = _map(replace(source, rows=rates))
    assert "cases a second" in made.about
    assert made.cell("localhost", ("onnxruntime", "fp32")).below.endswith("/s")
