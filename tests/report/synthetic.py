"""Seeded results that exercise all a report can show; numbers are drawn, not measured."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from rows import make_row

from benchhub.model.asked import Budget
from benchhub.model.cell import CellKind, Skip, SkipKind, SkipReason, TensorSpec, Variant
from benchhub.model.device import DeviceInfo, Finding
from benchhub.model.facts import Facts, Provenance
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.launch import RunInfo
from benchhub.model.recipe import Recipe
from benchhub.model.request import RunRequest
from benchhub.model.row import Results, Row, RowProvenance, Verdict
from benchhub.model.scenario import VerdictOutcome

HOSTILE = "<script>alert('x')</script>"
PIPED = 'two|parts,\nsecond "line" & more'
FORMULA = "=1+1"
LIMIT_MS = 8.2
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
        skips.append(
            Skip("board-7", HOSTILE, "openvino", "latency", SkipReason(SkipKind.UNBUILT, PIPED))
        )
    return Results(
        run=_run(run),
        devices=tuple(infos),
        rows=tuple(rows),
        verdicts=tuple(_verdicts(rows)),
        skips=tuple(skips),
        variants=tuple(_variant(name) for name in SHAS),
        budgets=(Budget("clinic|room", limits={"latency_p95_ms": LIMIT_MS}),),
    )


def _rows(run: str, device: tuple[str, bool], index: int, draw: random.Random) -> list[Row]:
    rows: list[dict[str, Any]] = []
    for backend, factor in (("onnxruntime", 1.0), ("openvino", 0.8)):
        for variant in SHAS:
            for threads in (1, 2):
                base = 12.0 * (1 + 40 * device[1] + index) * factor / threads**0.7
                rows.append(_latency(_row(run, device, backend, variant, threads), base, draw))
            rows.append(_offline(_row(run, device, backend, variant, 2), draw))
            rows.append(_quality(_row(run, device, backend, variant, 1), draw))
            peak = 60 + SIZES[variant] / 1e5 + 40 * (backend == "openvino")
            rows.append(
                _row(run, device, backend, variant, 1, "memory")
                | {"peak_rss_mib": peak, "model_rss_mib": peak - 40}
            )
            rows.append(
                _row(run, device, backend, variant, 1, "cold_start")
                | {"load_ms": draw.uniform(10, 90), "first_inference_ms": draw.uniform(5, 30)}
            )
    rows.append(_harness(run, device))
    rows[2]["flags"] = (Flag(FlagKind.SLOWDOWN, "post-cut 4.1 % slower, governor powersave"),)
    rows[3]["flags"] = (
        Flag(FlagKind.THROTTLED, "3 events"),
        Flag(FlagKind.STEAL, "1 core <b>seen</b>", caps=False),
    )
    return [make_row(**one) for one in rows]


def _row(
    run: str,
    device: tuple[str, bool],
    backend: str,
    variant: str,
    threads: int,
    scenario: str = "latency",
) -> dict[str, Any]:
    """The columns of a row."""
    return {
        "run": run,
        "device": device[0],
        "arch": "aarch64",
        "emulated": device[1],
        "backend": backend,
        "backend_version": "1.23.0",
        "provider": "CPU",
        "variant": variant,
        "recipe": None if variant == "fp32" else variant,
        "model_sha256": SHAS.get(variant, "9" * 64),
        "scenario": scenario,
        "batch": 1,
        "threads": threads,
        "precision": "f32",
        "launches": 10,
        "iterations": 2000,
        "n_eff": 412.5,
        "model_bytes": SIZES.get(variant),
        "gzip_bytes": int(SIZES.get(variant, 0) * 0.9),
        "params": 400_000,
        "nonzero_params": 399_000,
        "macs": 12_000_000,
        "compression_params": 1.0,
        "compression_bytes": SIZES["fp32"] / SIZES.get(variant, SIZES["fp32"]),
        "agreement_max_abs": 0.0 if variant == "fp32" else 0.01,
        "agreement_relative": 0.001,
        "clock": "perf_counter_ns",
        "cell": f"{device[0]}/{backend}/{variant}/{scenario}/{threads}",
        "provenance": RowProvenance(model_sha256=SHAS.get(variant, "9" * 64), planned_launches=10),
    }


def _latency(row: dict[str, Any], base: float, draw: random.Random) -> dict[str, Any]:
    p50_ms = base / SPEED[row["variant"]] * draw.uniform(0.98, 1.02)
    for name, tail in (("p50", 1.0), ("p90", 1.1), ("p95", 1.2)):
        value = p50_ms * tail
        row |= {
            f"{name}_ms": value, f"{name}_low_ms": value * 0.96, f"{name}_high_ms": value * 1.06,
        }  # fmt: skip
    row |= {"mean_ms": p50_ms * 1.02, "withheld": {"p99_ms": "needs n_eff >= 299"}}
    speedup = SPEED[row["variant"]] * draw.uniform(0.98, 1.02)
    row |= {"speedup": speedup, "speedup_low": speedup * 0.95, "speedup_high": speedup * 1.05}
    row["intervals"] = {"mean_ms": {"method": "woodruff", "high": float("inf")}}
    if row["variant"] == "fp32":
        row |= {"speedup": 1.0, "speedup_low": None, "speedup_high": None}
        row["intervals"] |= {"speedup": {"method": BY_DEFINITION}}
    return row


def _harness(run: str, device: tuple[str, bool]) -> dict[str, Any]:
    """The null backend's cell: no model, so no variant either."""
    columns = _row(run, device, "null", "none", 1)
    columns |= {"model_sha256": "", "recipe": None, "precision": None, "kind": CellKind.HARNESS}
    for name in (
        "model_bytes", "gzip_bytes", "params", "nonzero_params", "macs", "compression_params",
        "compression_bytes", "agreement_max_abs",
    ):  # fmt: skip
        columns[name] = None
    columns |= {"p50_ms": 0.000071, "p50_low_ms": 0.00007, "p50_high_ms": 0.000072}
    columns["peak_rss_mib"] = 29.7
    clock = Flag(FlagKind.COARSE_CLOCK, "2000 samples take 37 values", caps=False)
    return columns | {"flags": (clock,)}


def _offline(row: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    rate = 300 * SPEED[row["variant"]] * draw.uniform(0.98, 1.02)
    return row | {
        "scenario": "throughput",
        "batch": 8,
        "cell": row["cell"].replace("latency", "throughput"),
        "throughput_per_s": rate,
        "throughput_low_per_s": rate * 0.97,
        "throughput_high_per_s": rate * 1.03,
    }


def _quality(row: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    loss = LOSS[row["variant"]] * draw.uniform(0.9, 1.1)
    quality = 0.83 - loss
    row |= {
        "scenario": "quality",
        "quality_metric": "macro_auc",
        "quality_cases": 400,
        "cell": row["cell"].replace("latency", "quality"),
        "quality_loss": loss,
        "quality_loss_low": loss - 0.003,
        "quality_loss_high": loss + 0.003,
        "quality": quality,
        "quality_low": quality - 0.02,
        "quality_high": quality + 0.02,
        "quality_parts": {"Effusion": quality + 0.03, HOSTILE: quality - 0.03},
    }
    if row["variant"] == "fp32":
        row |= {"quality_loss_low": None, "quality_loss_high": None}
        row["intervals"] = {"quality_loss": {"method": BY_DEFINITION}}
    return row


def _failed(run: str, device: str) -> Row:
    columns = _row(run, (device, False), "tflite-with-a-very-long-backend-name", HOSTILE, 1)
    columns |= {"status": "failed", "reason": f"load raised: {PIPED}", "recipe": FORMULA}
    return make_row(**columns | {"model_bytes": None, "gzip_bytes": None, "mean_ms": float("nan")})


def _verdicts(rows: list[Row]) -> list[Verdict]:
    found = []
    for row in rows:
        p95 = row["p95_ms"]
        if p95.value is None or p95.high is None or p95.low is None:
            continue
        limit = LIMIT_MS
        outcome = VerdictOutcome.INCONCLUSIVE
        if p95.high <= limit and not row.emulated:
            outcome = VerdictOutcome.PASS
        elif p95.low > limit:
            outcome = VerdictOutcome.FAIL
        found.append(
            Verdict(
                row.cell, row.device, row.variant, row.backend, row.scenario, 1, row.threads,
                "clinic|room", "latency_p95_ms", "p95_ms", limit, p95.value, p95.low, p95.high,
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
    return DeviceInfo(name, "ssh", emulated, Facts(facts), (finding,), labels={"site": HOSTILE})


def _run(run: str) -> RunInfo:
    provenance = {"command": "benchhub run chest", "benchhub": "0.1", "controller numpy": "2.3"}
    times = ("2026-01-01T10:00:00Z", "2026-01-01T10:05:00Z")
    return RunInfo(
        run, "chest-xray", "f" * 64, "chest_xray", "fp32", "standard", *times, "done",
        RunRequest("chest-xray", ("raspberry-pi-4",)), Provenance(provenance),
    )  # fmt: skip


def _variant(name: str) -> Variant:
    recipe = None if name == "fp32" else Recipe(name, {"calibration_cases": 64})
    tensor = TensorSpec("x", "float32", (None, 1, 64, 64))
    return Variant(
        name, Path(f"models/{name}.onnx"), SHAS[name], "onnx", SIZES[name],
        int(SIZES[name] * 0.9), (tensor,), (tensor,), recipe, 400_000, 399_000, 12_000_000,
    )  # fmt: skip
