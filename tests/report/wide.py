"""A wide seeded run: five devices, four backends, nine variants, with sweeps of every setting."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from rows import changed, make_row

from benchhub.model.asked import Budget
from benchhub.model.cell import Skip, SkipKind, SkipReason, TensorSpec, Variant
from benchhub.model.device import DeviceInfo
from benchhub.model.facts import Facts, Provenance
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.launch import RunInfo
from benchhub.model.recipe import Recipe
from benchhub.model.request import RunRequest
from benchhub.model.row import Results, Row, Verdict
from benchhub.model.scenario import VerdictOutcome

#: Name, whether it is emulated, and milliseconds of the baseline on one thread.
DEVICES = (
    ("localhost", False, 1.2),
    ("lab-arm64-user", True, 22.0),
    ("raspberry-pi-5", False, 9.0),
    ("lab-arm64-vm", True, 410.0),
    ("gpu-server", False, 0.9),
)
READS = {"onnxruntime": "onnx", "openvino": "onnx", "tflite": "tflite", "torch": "torch"}
ONNX = ("fp32", "fp16", "int8-dynamic", "int8-static", "pruned-50")
TFLITE = ("tflite-fp32", "tflite-fp16", "tflite-int8")
VARIANTS = (*ONNX, *TFLITE, "torch-fp32")
SPEED = dict(zip(VARIANTS, (1.0, 0.97, 1.4, 2.1, 1.05, 1.0, 1.01, 1.9, 1.0), strict=True))
LOSS = dict(zip(VARIANTS, (0.0, 1e-4, 4e-3, 9e-3, 2e-2, 0.0, 1e-4, 8e-3, 0.0), strict=True))
SIZES = {name: int(1_640_000 / (4 if "int8" in name else 1)) for name in VARIANTS}


def wide(seed: int = 3) -> Results:
    """The results; numbers are drawn, not measured."""
    draw = random.Random(seed)
    rows: list[Row] = []
    skips: list[Skip] = []
    for device, emulated, base_ms in DEVICES:
        for backend in READS:
            for variant in VARIANTS:
                if _format(variant) != READS[backend]:
                    why = f"{backend} reads {READS[backend]}, not {_format(variant)}"
                    skips.append(_skip(device, variant, backend, SkipKind.FORMAT, why))
                    continue
                if device == "lab-arm64-vm" and backend == "openvino":
                    why = "openvino is not installed here; benchhub devices provision lab-arm64-vm"
                    skips.append(_skip(device, variant, backend, SkipKind.NO_BACKEND, why))
                    continue
                rows += _of(device, emulated, base_ms, backend, variant, draw)
    rows[7] = changed(rows[7], flags=(Flag(FlagKind.THROTTLED, "3 throttle events"),))
    broken = next(
        index for index, row in enumerate(rows)
        if row.variant == "tflite-int8" and row.scenario == "latency"
    )  # fmt: skip
    far = Flag(FlagKind.GARBAGE, "outputs lie 1.3 of the reference's spread away")
    rows[broken] = changed(rows[broken], flags=(far,))
    return Results(
        run=_run(),
        devices=tuple(_device(name, emulated) for name, emulated, _ in DEVICES),
        rows=tuple(rows),
        verdicts=tuple(_verdicts(rows)),
        skips=tuple(skips),
        variants=tuple(_variant(name) for name in VARIANTS),
        budgets=(Budget("clinic", limits={"latency_p95_ms": 12.0, "paced_p95_ms": 12.0}),),
    )


def _of(
    device: str, emulated: bool, base_ms: float, backend: str, variant: str, draw: random.Random
) -> list[Row]:
    """The rows of one artifact: latency, throughput, paced, memory, quality."""
    gpu = device == "gpu-server" and backend == "torch"
    options = None
    if device == "gpu-server" and backend in ("onnxruntime", "torch"):
        options = "provider=cuda" if backend == "onnxruntime" else "device=cuda mode=compile"
    plain: dict[str, Any] = {
        "run": _run().id, "device": device, "arch": "aarch64", "emulated": emulated,
        "backend": backend, "backend_version": "1.0", "variant": variant,
        "model_sha256": f"{VARIANTS.index(variant):064x}", "scenario": "latency", "batch": 1,
        "threads": 1, "precision": "f32", "launches": 10, "iterations": 2000, "n_eff": 400.0,
        "model_bytes": SIZES[variant], "gzip_bytes": SIZES[variant] * 9 // 10, "options": options,
        "quality_metric": "macro_auc", "quality_cases": 400, "quality_loss": LOSS[variant],
        "quality_loss_low": LOSS[variant] - 0.003, "quality_loss_high": LOSS[variant] + 0.003,
        "quality": 0.83 - LOSS[variant], "quality_low": 0.81 - LOSS[variant],
        "quality_high": 0.85 - LOSS[variant], "intervals": {},
    }  # fmt: skip
    if variant == "fp32":
        plain["intervals"] = {"quality_loss": {"method": BY_DEFINITION}}
    factor = {"onnxruntime": 1.0, "openvino": 0.8, "tflite": 1.3, "torch": 1.6}[backend]
    one_ms = base_ms * factor / SPEED[variant]
    made = [
        *_latency(plain, one_ms, gpu, draw),
        *_throughput(plain, base_ms),
        *(_paced(plain, base_ms) if backend == "onnxruntime" else ()),
        plain | {"scenario": "memory", "peak_rss_mib": 60.0 + 40 * factor},
        plain | {"scenario": "quality"},
    ]
    for index, row in enumerate(made):
        row["cell"] = f"{device}/{backend}/{variant}/{row['scenario']}/{index}"
    return [make_row(**row) for row in made]


def _latency(
    plain: dict[str, Any], one_ms: float, gpu: bool, draw: random.Random
) -> list[dict[str, Any]]:
    made = []
    for precision in ("f32", "bf16") if gpu else ("f32",):
        for threads in (1, 2):
            p50 = one_ms / threads**0.7 * draw.uniform(0.97, 1.03)
            row = _timed(plain | {"threads": threads, "precision": precision}, p50)
            if gpu:
                row |= {
                    "device_p50_ms": p50 * 0.4, "overhead_p50_ms": p50 * 0.55,
                    "copy_in_p50_ms": p50 * 0.04, "copy_out_p50_ms": p50 * 0.01,
                    "gpu_mem_mib": 612.0,
                }  # fmt: skip
            if plain["device"] == "localhost":
                row |= {"energy_mj": p50 * 15, "energy_source": "RAPL package-0"}
            made.append(row)
    return made


def _throughput(plain: dict[str, Any], base_ms: float) -> list[dict[str, Any]]:
    made = []
    for batch in (1, 8):
        for concurrency in (1, 4):
            rate = 1000 / base_ms * SPEED[plain["variant"]] * batch**0.2 * concurrency**0.4
            row = plain | {
                "scenario": "throughput", "batch": batch, "concurrency": concurrency,
                "throughput_per_s": rate, "throughput_low_per_s": rate * 0.97,
                "throughput_high_per_s": rate * 1.03,
            }  # fmt: skip
            made.append(_compared(row))
    return made


def _paced(plain: dict[str, Any], base_ms: float) -> list[dict[str, Any]]:
    made = []
    for share in (0.2, 0.5, 0.9):
        rate = round(share * 1000 / base_ms, 1)
        p50 = base_ms / SPEED[plain["variant"]] * (1 + share**4 * 3)
        row = _timed(plain | {"scenario": "paced", "rate_per_s": rate, "concurrency": 2}, p50)
        for name in ("speedup", "speedup_low", "speedup_high"):
            row.pop(name, None)
        row["intervals"].pop("speedup", None)
        row["withheld"] = {"speedup": "paced calls wait for one another"}
        row["service_p50_ms"] = base_ms / SPEED[plain["variant"]]
        if share > 0.8 and plain["variant"] == "fp32":
            evidence = "arrivals came 1.3 times as fast as calls ended"
            row["flags"] = (Flag(FlagKind.OVERLOADED, evidence),)
        made.append(row)
    return made


def _timed(row: dict[str, Any], p50: float) -> dict[str, Any]:
    for name, tail in (("p50", 1.0), ("p90", 1.1), ("p95", 1.2), ("p99", 1.5)):
        row |= {
            f"{name}_ms": p50 * tail, f"{name}_low_ms": p50 * tail * 0.96,
            f"{name}_high_ms": p50 * tail * 1.06,
        }  # fmt: skip
    return _compared(row)


def _compared(row: dict[str, Any]) -> dict[str, Any]:
    against = "tflite-fp32" if _format(row["variant"]) == "tflite" else "fp32"
    if row["variant"] == "torch-fp32":
        why = "the baseline was not measured with these settings"
        return row | {"intervals": dict(row["intervals"]), "withheld": {"speedup": why}}
    speedup, described = SPEED[row["variant"]], {"against": against}
    row |= {"speedup": speedup}
    if row["variant"] == against:
        described["method"] = BY_DEFINITION
    else:
        row |= {"speedup_low": speedup * 0.95, "speedup_high": speedup * 1.05}
    return row | {"intervals": {**row["intervals"], "speedup": described}}


def _skip(device: str, variant: str, backend: str, kind: SkipKind, why: str) -> Skip:
    return Skip(device, variant, backend, "latency", SkipReason(kind, why), batch=1)


def _format(variant: str) -> str:
    return variant.split("-")[0] if variant.split("-")[0] in ("tflite", "torch") else "onnx"


def _verdicts(rows: list[Row]) -> list[Verdict]:
    found = []
    for row in rows:
        p95 = row["p95_ms"]
        if row.scenario not in ("latency", "paced") or p95.high is None:
            continue
        limit = 12.0
        outcome = VerdictOutcome.INCONCLUSIVE
        if not row.emulated:
            outcome = VerdictOutcome.PASS if p95.high <= limit else VerdictOutcome.FAIL
        found.append(
            Verdict(
                row.cell, row.device, row.variant, row.backend, row.scenario, row.batch,
                row.threads, "clinic", f"{row.scenario}_p95_ms", "p95_ms", limit, p95.value,
                p95.low, p95.high, row.launches, outcome, "the interval decides",
            )
        )  # fmt: skip
    return found


def _device(name: str, emulated: bool) -> DeviceInfo:
    labels = {"emulation": "translated instructions"} if name == "lab-arm64-user" else {}
    return DeviceInfo(name, "ssh", emulated, Facts({"arch": "aarch64"}), labels=labels)


def _run() -> RunInfo:
    times = ("2026-01-01T10:00:00Z", "2026-01-01T10:05:00Z")
    return RunInfo(
        "20260101-wide", "cross-hardware", "f" * 64, "chest_xray", "fp32", "standard", *times,
        "done", RunRequest("cross-hardware", tuple(name for name, _, _ in DEVICES)),
        Provenance({"benchhub": "0.1"}),
    )  # fmt: skip


def _variant(name: str) -> Variant:
    tensor = TensorSpec("x", "float32", (None, 1, 64, 64))
    against = "tflite-fp32" if name in TFLITE[1:] else None
    recipe = Recipe(name) if name in ONNX[1:] else None
    return Variant(
        name, Path(f"models/{name}"), f"{VARIANTS.index(name):064x}", _format(name), SIZES[name],
        SIZES[name] * 9 // 10, (tensor,), (tensor,), recipe, 400_000, 399_000, 12_000_000,
        against=against,
    )  # fmt: skip
