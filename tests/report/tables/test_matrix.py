from __future__ import annotations

from dataclasses import replace

from rows import changed
from wide import DEVICES, wide

from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results
from benchhub.report.tables.matrix import matrix
from benchhub.report.tables.table import TableCell


def _line(source: Results, backend: str, variant: str) -> dict[str, TableCell]:
    table = matrix(source).table
    line = next(r for r in table.rows if (r[0].text, r[1].text) == (backend, variant))
    return {c.head.removesuffix(" ms"): cell for c, cell in zip(table.columns, line, strict=True)}


def test_each_cell_is_the_smallest_setting_with_its_loss() -> None:
    source = wide()
    row = next(
        r
        for r in source.rows
        if (r.device, r.backend, r.variant) == ("gpu-server", "openvino", "int8-static")
        and r.scenario == "latency" and r.threads == 1
    )  # fmt: skip
    cell = _line(source, "openvino", "int8-static")["gpu-server"]
    assert cell.sort == row["p50_ms"].value
    assert cell.below == "loss 0.0090"
    assert _line(source, "openvino", "fp32")["gpu-server"].below == "baseline"
    assert "1 thread, batch 1" in matrix(source).table.caption


def test_emulated_devices_come_last_and_are_marked() -> None:
    columns = matrix(wide()).table.columns[2:]
    real = [name for name, emulated, _ in DEVICES if not emulated]
    assert [c.head.removesuffix(" ms") for c in columns][: len(real)] == real
    assert [c.below for c in columns[: len(real)]] == [""] * len(real)
    assert columns[-2].below == "emulated: translated instructions, not ranked"
    assert columns[-1].below == "emulated time, not ranked"


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
    made = matrix(source)
    line = _line(source, failed.backend, failed.variant)
    assert line["localhost"].text == "failed [a]"
    assert line["board-7"].text == "not measured [b]"
    assert "[a] load: memory: 3 GiB asked" in made.notes
    assert _line(source, "openvino", "fp32")["lab-arm64-vm"].text == "skipped [c]"
    assert any(note.startswith("[c] openvino is not installed") for note in made.notes)


def test_flags_are_visible() -> None:
    cell = _line(wide(), "tflite", "tflite-int8")["localhost"]
    assert cell.mark == "doubt"
    assert cell.below.endswith("; garbage")


def test_what_no_device_runs_is_counted_and_not_listed() -> None:
    made = matrix(wide())
    assert ("torch", "fp32") not in {(r[0].text, r[1].text) for r in made.table.rows}
    assert any("5 variants (torch reads torch, not onnx)" in note for note in made.notes)


def test_a_median_that_is_withheld_still_shows_the_loss() -> None:
    source = wide()
    why = {"p50_ms": "needs n_eff >= 39 (has 4)"}
    rows = tuple(
        changed(r, withheld=why) if r.device == "localhost" and r["p50_ms"].value else r
        for r in source.rows
    )
    made = matrix(replace(source, rows=rows))
    cells = [row[2] for row in made.table.rows]
    shown = {cell.text for cell in cells if cell.text.startswith("withheld")}
    assert shown == {"withheld [a]"}
    assert any(cell.below.startswith("loss ") for cell in cells if cell.text in shown)
    assert made.notes[0].startswith("[a] too few launches")
