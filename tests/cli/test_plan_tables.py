"""What a dry run shows of a plan, and how a run tells what it leaves out."""

from __future__ import annotations

import io
from collections.abc import Sequence

from builders import make_cell, make_skip
from rich.console import Console

from benchhub.cli.show.plan import plan_table, planned_settings, skip_lines
from benchhub.cli.show.table import print_table
from benchhub.model.cell import Cell, Skip
from benchhub.model.scenario import Scenario

LONG = ("tflite-fp32", "tflite-float16", "tflite-int8-dynamic")
BATCHES = (("latency", 1), ("throughput", 8))


def skips(
    reason: str, backend: str, variants: Sequence[str], where: Sequence[tuple[str, int]] = BATCHES,
    devices: Sequence[str] = ("here", "pi5"),
) -> list[Skip]:  # fmt: skip
    return [
        make_skip(
            reason, device=device, variant=variant, backend=backend, scenario=name, batch=batch
        )
        for device in devices
        for variant in variants
        for name, batch in where
    ]


def test_skips_that_share_a_reason_are_one_line() -> None:
    reason = "the suite means it for tflite"
    plan = skips(reason, "onnxruntime", LONG) + skips(reason, "openvino", LONG)
    names = ", ".join(LONG)
    assert skip_lines(plan) == [
        f"skipped: onnxruntime, openvino: {names}: {reason} (24 combinations)"
    ]
    (told,) = skip_lines(plan, scenarios=True)
    assert told.endswith("(latency batch 1, throughput batch 8 on here, pi5)")


def test_skips_that_differ_are_told_apart() -> None:
    plan = [
        *skips("tflite reads tflite, not onnx", "tflite", ["fp32"]),
        *skips("fixed at batch 1", "tflite", ["fp32"], BATCHES[1:]),
        *skips("fixed at batch 1", "tflite", ["fp16"], BATCHES[1:], ["pi5"]),
        *skips("fixed at batch 1", "openvino", ["fp16"], [("memory", 8)], ["pi5"]),
    ]
    assert skip_lines(plan, scenarios=True) == [
        "skipped: tflite: fp32: tflite reads tflite, not onnx"
        " (latency batch 1, throughput batch 8 on here, pi5)",
        "skipped: tflite: fp32: fixed at batch 1 (throughput batch 8 on here, pi5)",
        "skipped: tflite: fp16: fixed at batch 1 (throughput batch 8 on pi5)",
        "skipped: openvino: fp16: fixed at batch 1 (memory batch 8 on pi5)",
    ]
    assert skip_lines(plan)[2].endswith("(1 combination)")


def cells(devices: Sequence[str], backends: Sequence[str] = ("tflite",)) -> list[Cell]:
    return [
        Cell(
            device, variant, "0" * 64, backend, scenario, batch=1, threads=threads,
            precision="f32", launches=10, iterations=200, max_timed_s=10.0,
        )
        for device in devices
        for backend in backends
        for scenario in (Scenario.LATENCY, Scenario.COLD_START)
        for variant in LONG
        for threads in (1, 2)
    ]  # fmt: skip


def shown(plan: Sequence[Cell], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    print_table(console, plan_table(plan))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_names_stay_whole_on_a_narrow_terminal() -> None:
    lines = shown(cells(["here", "raspberry-pi-5"]), 80)
    assert max(map(len, lines)) <= 80
    assert lines[1] == "Cells, each on here, raspberry-pi-5"
    text = "\n".join(lines)
    assert all(text.count(name) == 1 for name in LONG)
    assert text.count("cold_start") == 1


def test_devices_that_do_not_measure_the_same_have_lines_of_their_own() -> None:
    plan = cells(["here", "pi5"]) + cells(["here"], ["openvino"])
    lines = shown(plan, 100)
    assert lines[1] == "Cells"
    (tflite,) = [line for line in lines if "tflite " in line and "latency" in line]
    (openvino,) = [line for line in lines if "openvino" in line]
    assert tflite.rstrip().endswith("here, pi5")
    assert openvino.rstrip().endswith(" here")


def test_a_cell_is_told_by_what_it_differs_in() -> None:
    cell = Cell(
        "here", "fp32", "0" * 64, "onnxruntime", Scenario.LATENCY, batch=8, threads=2,
        precision="tf32", launches=3, iterations=10, max_timed_s=1.0, concurrency=4,
        options='{"provider": "cuda"}',
    )  # fmt: skip
    assert planned_settings(cell) == "t2 b8 c4 tf32 provider=cuda"


def test_of_a_thousand_devices_alike_eight_are_named() -> None:
    names = [f"rack1-{number:04}" for number in range(1000)]
    cells = [make_cell(device=name) for name in names]
    title = plan_table(cells).caption
    assert title.startswith("Cells, each on rack1-0000, rack1-0001, ")
    assert title.endswith("rack1-0007 and 992 more")
    other = make_cell(device="rack1-0500", threads=7)
    apart = plan_table([other if cell.device == other.device else cell for cell in cells])
    devices = [line[-1].text for line in apart.rows]
    assert len(devices) == 2
    assert devices[0].endswith("and 991 more")
    assert devices[1] == "rack1-0500"
    plan = skips("a reason", "tflite", ["fp32"], devices=names)
    (told,) = skip_lines(plan, scenarios=True)
    assert told.endswith("rack1-0007 and 992 more)")
