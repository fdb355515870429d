"""Seeded results that exercise all a report can show; numbers are drawn, not measured."""

from __future__ import annotations

import random
from pathlib import Path

from benchhub.model.cell import Skip, TensorSpec, Variant
from benchhub.model.device import DeviceInfo, Finding
from benchhub.model.launch import RunInfo
from benchhub.model.recipe import Recipe
from benchhub.model.row import BY_DEFINITION, Flag, Results, Row, Verdict
from benchhub.model.scenario import VerdictOutcome

HOSTILE = "<script>alert('x')</script>"
PIPED = 'two|parts,\nsecond "line" & more'
FORMULA = "=1+1"
SHAS = {"fp32": "a" * 64, "fp16": "b" * 64, "int8-dynamic": "c" * 64, "int8-static": "d" * 64}
SIZES = {"fp32": 1_640_000, "fp16": 830_000, "int8-dynamic": 440_000, "int8-static": 450_000}
SPEED = {"fp32": 1.0, "fp16": 0.97, "int8-dynamic": 1.4, "int8-static": 2.1}
LOSS = {"fp32": 0.0, "fp16": 0.0001, "int8-dynamic": 0.004, "int8-static": 0.009}


def results(
    run: str = "20260101-abc",
    devices: tuple[tuple[str, bool], ...] = (("raspberry-pi-4", False), ("emulated-arm64", True)),
    seed: int = 1,
    hostile: bool = True,
) -> Results:
    """A run of four variants on two backends; 49 cells a device, plus what went wrong."""
    draw = random.Random(seed)
    rows = [row for index, device in enumerate(devices) for row in _rows(run, device, index, draw)]
    infos = [_device(*device) for device in devices]
    skips = []
    if hostile:
        rows += [_failed(run, devices[0][0])]
        infos.append(
            DeviceInfo("board-7", "ssh", False, error=f"no route; {PIPED}; cable {HOSTILE}")
        )
        skips.append(Skip("board-7", HOSTILE, "openvino", "latency", PIPED))
    return Results(
        run=_run(run),
        devices=tuple(infos),
        rows=tuple(rows),
        verdicts=tuple(_verdicts(rows)),
        skips=tuple(skips),
        variants=tuple(_variant(name) for name in SHAS),
    )


def _rows(run: str, device: tuple[str, bool], index: int, draw: random.Random) -> list[Row]:
    rows = []
    for backend, factor in (("onnxruntime", 1.0), ("openvino", 0.8)):
        for variant in SHAS:
            for threads in (1, 2):
                base = 12.0 * (1 + 40 * device[1] + index) * factor / threads**0.7
                rows.append(_latency(_row(run, device, backend, variant, threads), base, draw))
            rows.append(_offline(_row(run, device, backend, variant, 2), draw))
            rows.append(_quality(_row(run, device, backend, variant, 1), draw))
            memory = _row(run, device, backend, variant, 1, scenario="memory")
            memory.peak_rss_mib = 60 + SIZES[variant] / 1e5 + 40 * (backend == "openvino")
            memory.model_rss_mib = memory.peak_rss_mib - 40
            rows.append(memory)
            cold = _row(run, device, backend, variant, 1, scenario="cold_start")
            cold.load_ms, cold.first_inference_ms = draw.uniform(10, 90), draw.uniform(5, 30)
            rows.append(cold)
    rows.append(_harness(run, device))
    rows[2].flags = (Flag("slowdown", "post-cut 4.1 % slower, governor powersave"),)
    rows[3].flags = (
        Flag("throttled", "3 events"),
        Flag("single_core", "1 core <b>seen</b>", caps=False),
    )
    return rows


def _row(
    run: str,
    device: tuple[str, bool],
    backend: str,
    variant: str,
    threads: int,
    scenario: str = "latency",
) -> Row:
    return Row(
        run=run,
        device=device[0],
        arch="aarch64",
        emulated=device[1],
        backend=backend,
        backend_version="1.23.0",
        provider="CPU",
        variant=variant,
        recipe=None if variant == "fp32" else variant,
        model_sha256=SHAS.get(variant, "9" * 64),
        scenario=scenario,
        batch=1,
        threads=threads,
        precision="f32",
        launches=10,
        iterations=2000,
        n_eff=412.5,
        model_bytes=SIZES.get(variant),
        gzip_bytes=int(SIZES.get(variant, 0) * 0.9),
        params=400_000,
        nonzero_params=399_000,
        macs=12_000_000,
        compression_params=1.0,
        compression_bytes=SIZES["fp32"] / SIZES.get(variant, SIZES["fp32"]),
        agreement_max_abs=0.0 if variant == "fp32" else 0.01,
        agreement_relative=0.001,
        clock="perf_counter_ns",
        cell=f"{device[0]}/{backend}/{variant}/{scenario}/{threads}",
        provenance={"runner_sha256": "e" * 64},
    )


def _latency(row: Row, base: float, draw: random.Random) -> Row:
    row.p50_ms = base / SPEED[row.variant] * draw.uniform(0.98, 1.02)
    for name, tail in (("p50", 1.0), ("p90", 1.1), ("p95", 1.2)):
        value = row.p50_ms * tail
        setattr(row, f"{name}_ms", value)
        setattr(row, f"{name}_low_ms", value * 0.96)
        setattr(row, f"{name}_high_ms", value * 1.06)
    row.mean_ms = row.p50_ms * 1.02
    row.withheld = {"p99_ms": "needs n_eff >= 299"}
    row.speedup = SPEED[row.variant] * draw.uniform(0.98, 1.02)
    row.speedup_low, row.speedup_high = row.speedup * 0.95, row.speedup * 1.05
    row.intervals = {"p50_ms": {"method": "woodruff", "level": 0.95, "high": float("inf")}}
    if row.variant == "fp32":
        row.speedup, row.speedup_low, row.speedup_high = 1.0, None, None
        row.intervals = {**row.intervals, "speedup": {"method": BY_DEFINITION}}
    return row


def _harness(run: str, device: tuple[str, bool]) -> Row:
    """The null backend's cell: no model, so no variant either."""
    row = _row(run, device, "null", "none", 1)
    row.model_sha256, row.recipe, row.precision = "", None, None
    row.model_bytes = row.gzip_bytes = row.params = row.nonzero_params = row.macs = None
    row.compression_params = row.compression_bytes = row.agreement_max_abs = None
    row.p50_ms, row.p50_low_ms, row.p50_high_ms = 0.000071, 0.00007, 0.000072
    row.peak_rss_mib = 29.7
    row.flags = (Flag("coarse_clock", "2000 samples take 37 values", caps=False),)
    return row


def _offline(row: Row, draw: random.Random) -> Row:
    row.scenario, row.batch = "throughput", 8
    row.cell = row.cell.replace("latency", "throughput")
    row.throughput_per_s = 300 * SPEED[row.variant] * draw.uniform(0.98, 1.02)
    row.throughput_low_per_s = row.throughput_per_s * 0.97
    row.throughput_high_per_s = row.throughput_per_s * 1.03
    return row


def _quality(row: Row, draw: random.Random) -> Row:
    row.scenario, row.quality_metric, row.quality_cases = "quality", "macro_auc", 400
    row.cell = row.cell.replace("latency", "quality")
    row.quality_loss = LOSS[row.variant] * draw.uniform(0.9, 1.1)
    row.quality_loss_low, row.quality_loss_high = row.quality_loss - 0.003, row.quality_loss + 0.003
    row.quality = 0.83 - row.quality_loss
    row.quality_low, row.quality_high = row.quality - 0.02, row.quality + 0.02
    if row.variant == "fp32":
        row.quality_loss_low = row.quality_loss_high = None
        row.intervals = {"quality_loss": {"method": BY_DEFINITION}}
    row.quality_parts = {"Effusion": row.quality + 0.03, HOSTILE: row.quality - 0.03}
    return row


def _failed(run: str, device: str) -> Row:
    row = _row(run, (device, False), "tflite-with-a-very-long-backend-name", HOSTILE, 1)
    row.status, row.reason, row.recipe = "failed", f"load raised: {PIPED}", FORMULA
    row.model_bytes = row.gzip_bytes = None
    row.mean_ms = float("nan")
    return row


def _verdicts(rows: list[Row]) -> list[Verdict]:
    found = []
    for row in rows:
        if row.p95_ms is None or row.p95_high_ms is None or row.p95_low_ms is None:
            continue
        limit = 8.2
        outcome = VerdictOutcome.INCONCLUSIVE
        if row.p95_high_ms <= limit and not row.emulated:
            outcome = VerdictOutcome.PASS
        elif row.p95_low_ms > limit:
            outcome = VerdictOutcome.FAIL
        found.append(
            Verdict(
                row.cell, row.device, row.variant, row.backend, row.scenario, 1, row.threads,
                "clinic|room", "p95_ms", limit, row.p95_ms, row.p95_low_ms, row.p95_high_ms,
                row.launches, outcome, "the interval decides",
                "" if outcome is VerdictOutcome.PASS else f"run `benchhub run {PIPED}`",
                (10, 16) if outcome is VerdictOutcome.INCONCLUSIVE else (10,),
            )
        )  # fmt: skip
    return found


def _device(name: str, emulated: bool) -> DeviceInfo:
    facts = {
        "cpu": {"model": "Cortex-A72", "cores": 4},
        "memory_bytes": 4_000_000_000,
        "avx": False,
    }
    finding = Finding("governor", "warn", "powersave", "clocks vary", "cpupower frequency-set")
    return DeviceInfo(name, "ssh", emulated, facts, (finding,), labels={"site": HOSTILE})


def _run(run: str) -> RunInfo:
    provenance = {"command": "benchhub run chest", "versions": {"benchhub": "0.1", "numpy": "2.3"}}
    times = ("2026-01-01T10:00:00Z", "2026-01-01T10:05:00Z")
    return RunInfo(
        run, "chest-xray", "f" * 64, "chest_xray", "fp32", "standard", *times, "done",
        {"devices": ["raspberry-pi-4"]}, provenance,
    )  # fmt: skip


def _variant(name: str) -> Variant:
    recipe = None if name == "fp32" else Recipe(name, {"calibration_cases": 64})
    tensor = TensorSpec("x", "float32", (None, 1, 64, 64))
    return Variant(
        name, Path(f"models/{name}.onnx"), SHAS[name], "onnx", SIZES[name],
        int(SIZES[name] * 0.9), (tensor,), (tensor,), recipe, 400_000, 399_000, 12_000_000,
    )  # fmt: skip
