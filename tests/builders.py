"""Makes the model's types with sensible values, for tests to change what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.model.asked import Budget
from benchhub.model.cell import (
    Cell,
    CellKind,
    Plan,
    Skip,
    SkipKind,
    SkipReason,
    TensorSpec,
    Variant,
)
from benchhub.model.device import DeviceInfo
from benchhub.model.facts import Facts, Provenance
from benchhub.model.launch import Details, Launch, RunInfo
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.quantities import BUDGET_KEYS
from benchhub.model.request import RunRequest
from benchhub.model.scenario import Scenario
from benchhub.ondevice.wire import Conditions

MIB = 1024 * 1024


def make_run(provenance: Mapping[str, str] | None = None, **changes: Any) -> RunInfo:
    """A run that is under way."""
    values: dict[str, Any] = {
        "id": "20260101-120000-abcd",
        "suite": "quickstart",
        "suite_sha256": "5" * 64,
        "task": "chest_xray",
        "baseline": "fp32",
        "effort": "standard",
        "started_at": "2026-01-01T12:00:00Z",
        "finished_at": None,
        "status": "running",
        "request": RunRequest("quickstart", ("localhost",)),
        "provenance": Provenance(provenance or {"benchhub": "0.1.0"}),
    }
    return RunInfo(**(values | changes))


def make_cell(**changes: Any) -> Cell:
    """A latency cell of the baseline on localhost."""
    values: dict[str, Any] = {
        "device": "localhost",
        "variant": "fp32",
        "model_sha256": "a" * 64,
        "backend": "onnxruntime",
        "scenario": Scenario.LATENCY,
        "batch": 1,
        "threads": 1,
        "precision": "f32",
        "launches": 10,
        "iterations": 200,
        "max_timed_s": 10.0,
        "cases": None,
    }
    if changes.get("backend") == "null":
        values |= {"kind": CellKind.HARNESS, "model_sha256": "", "variant": "none"}
    return Cell(**(values | changes))


def make_conditions(**changes: Any) -> Conditions:
    """A quiet device of two cores, at the start of a launch."""
    values: dict[str, Any] = {
        "at_ns": 1_000_000_000,
        "governor": "performance",
        "frequency_mhz": 2400.0,
        "temperature_c": 50.0,
        "throttle_count": 0,
        "load_1m": 0.1,
        "cpu_total_ticks": 100_000,
        "cpu_busy_ticks": 10_000,
        "cpu_steal_ticks": 0,
        "own_cpu_ticks": 5_000,
        "pressure_cpu_us": 0,
        "memory_available_bytes": 4096 * MIB,
        "unavailable": {},
    }
    return Conditions(**(values | changes))


def make_launch(
    cell: Cell | None = None,
    index: int = 0,
    details: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Launch:
    """A finished launch of 200 samples about 10 ms, its own for every index."""
    cell = cell or make_cell()
    rng = np.random.default_rng([index, int(cell.key, 16) % 2**32])
    samples = (1e7 * np.exp(0.06 * rng.standard_normal(cell.iterations))).astype(np.int64)
    values: dict[str, Any] = {
        "run": make_run().id,
        "cell": cell,
        "index": index,
        "attempt": 0,
        "round": index,
        "started_at": f"2026-01-01T12:{index // 60:02d}:{index % 60:02d}.000Z",
        "status": "finished",
        "failure": None,
        "samples_ns": samples,
        "warmup_ns": samples[:10] * 2,
        "outputs": (np.linspace(0, 1, 8, dtype=np.float32).reshape(4, 2),),
        "backend_version": "1.23.0",
        "provider": "CPUExecutionProvider",
        "precision": "f32",
        "clock": "perf_counter_ns",
        "details": Details(details if details is not None else {"python": "3.11.2"}),
        "import_ns": 80_000_000,
        "load_ns": 20_000_000 + index,
        "first_inference_ns": 15_000_000 + index,
        "elapsed_ns": int(samples.sum()),
        "imported_rss_bytes": 60 * MIB,
        "peak_rss_bytes": 100 * MIB,
        "memory_reset": True,
        "wall_ns": 3_000_000_000,
        "involuntary_switches": 3,
        "before": make_conditions(),
        "after": make_conditions(
            at_ns=4_000_000_000,
            cpu_total_ticks=100_600,
            cpu_busy_ticks=10_305,
            own_cpu_ticks=5_300,
        ),
    }
    return Launch(**(values | changes))


def make_launches(cell: Cell | None = None, count: int = 10, **changes: Any) -> list[Launch]:
    """Launches 0 .. count - 1 of one cell."""
    return [make_launch(cell, index, **changes) for index in range(count)]


def make_variant(name: str = "fp32", **changes: Any) -> Variant:
    """A variant of 1000 parameters."""
    values: dict[str, Any] = {
        "name": name,
        "path": Path(f"models/{name}.onnx"),
        "sha256": "a" * 64,
        "format": "onnx",
        "model_bytes": 4000,
        "gzip_bytes": 3600,
        "inputs": (TensorSpec("image", "float32", (None, 1, 64, 64)),),
        "outputs": (TensorSpec("logits", "float32", (None, 2)),),
        "params": 1000,
        "nonzero_params": 1000,
        "macs": 50_000,
    }
    return Variant(**(values | changes))


def make_device(
    name: str = "localhost", facts: Mapping[str, Any] | None = None, **changes: Any
) -> DeviceInfo:
    """A real device without findings."""
    values: dict[str, Any] = {
        "name": name,
        "transport": "local",
        "emulated": False,
        "facts": Facts(facts if facts is not None else {"arch": "x86_64"}),
    }
    return DeviceInfo(**(values | changes))


def make_skip(reason: str = "not installed", **changes: Any) -> Skip:
    """The baseline's latency on a backend that the device lacks; `kind` is the reason's."""
    kind = changes.pop("kind", SkipKind.NO_BACKEND)
    usual = {
        "device": "localhost", "variant": "fp32", "backend": "openvino", "scenario": "latency",
    }  # fmt: skip
    return Skip(**(usual | changes), reason=SkipReason(kind, reason))


def make_plan(*cells: Cell) -> Plan:
    """A plan without skips."""
    return Plan(cells=cells or (make_cell(),), skips=())


def make_budget(name: str = "edge", **changes: Any) -> Budget:
    """A budget that matches everything and, unless changed, asks nothing."""
    limits = {key: changes.pop(key) for key in BUDGET_KEYS if key in changes}
    return Budget(name=name, limits=limits, **changes)


def accuracy() -> Metric:
    """Share of cases whose largest output is the label; higher is better."""

    def weighted(outputs: Any, labels: Any, weights: Any) -> Any:
        hits = (outputs.argmax(axis=1) == labels).astype(np.float64)
        return weights @ hits / weights.sum(axis=1)

    def parts(outputs: Any, labels: Any, names: tuple[str, ...]) -> dict[str, float]:
        hits = outputs.argmax(axis=1) == labels
        return {name: float(hits[labels == i].mean()) for i, name in enumerate(names)}

    return Metric("accuracy", "", True, weighted, parts)


def make_answer_key(cases: int = 300, seed: int = 0) -> AnswerKey:
    """Two classes, one case a patient, and reference outputs that are right 85 % of the time."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, cases)
    shown = np.where(rng.random(cases) < 0.85, labels, 1 - labels)
    outputs = rng.normal(0, 0.1, (cases, 2)).astype(np.float32)
    outputs[np.arange(cases), shown] += 1
    ids = tuple(f"case-{i}" for i in range(cases))
    return AnswerKey("accuracy", labels, ids, ids, ("negative", "positive"), (outputs,))
