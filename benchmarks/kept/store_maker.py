"""Makes large stores through the store's own API, of today's code or of commit 00c81a1.

Started as a script with the code to use on the path, `python store_maker.py FILE WHAT`: an earlier
version makes the store that it reads.
"""

from __future__ import annotations

import datetime
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

#: Where the types are that a store is made of; before there was one module of them.
_MODULES = (
    "model", "model.asked", "model.cell", "model.device", "model.facts", "model.launch",
    "model.quality", "model.request", "model.scenario", "ondevice.wire", "store",
)  # fmt: skip
_NAMES = ("Budget", "Cell", "Plan", "Variant", "DeviceInfo", "Launch", "RunInfo", "Scenario",
          "Conditions", "Store")  # fmt: skip
CASES, LABELS = 240, 14
#: What a run is like: devices, kinds of them that answer alike, variants, launches a timed cell,
#: samples a launch, and how many runs there are.
AMOUNTS: dict[str, SimpleNamespace] = {
    "cells": SimpleNamespace(devices=20, kinds=20, variants=10, launches=10, samples=200, runs=1),
    "kinds": SimpleNamespace(devices=20, kinds=4, variants=10, launches=10, samples=200, runs=1),
    "few": SimpleNamespace(devices=2, kinds=2, variants=10, launches=10, samples=200, runs=1),
    "launches": SimpleNamespace(
        devices=1, kinds=0, variants=250, launches=400, samples=200, runs=1
    ),
    "runs": SimpleNamespace(devices=1, kinds=0, variants=8, launches=10, samples=20, runs=1000),
    "small": SimpleNamespace(devices=2, kinds=1, variants=2, launches=2, samples=20, runs=2),
}
BACKENDS = ("onnxruntime", "openvino", "tflite")
#: With their settings, where there are answers to judge: 20 devices x 10 variants x 3 backends have
#: 3,480 cells, 1,160 of latency, as one backend does not read one of the variants.
_SCENARIOS = (("latency", (1, 2)), ("memory", (1,)), ("quality", (1, 8)), ("cold_start", (1,)))


class Types:
    """The types of the code on the path, wherever they are."""

    def __init__(self) -> None:
        found: dict[str, Any] = {}
        for name in _MODULES:
            try:
                module = importlib.import_module(f"benchhub.{name}")
            except ModuleNotFoundError:
                continue
            found |= {one: getattr(module, one) for one in dir(module)}
        self.found = found
        self.today = "Details" in found

    def __getattr__(self, name: str) -> Any:
        return self.found[name]

    def cell(self, **values: Any) -> Any:
        """Return a cell."""
        return self.Cell(**values)

    def told(self, kind: str, values: dict[str, Any]) -> Any:
        """Return a mapping as the type of it that there is today."""
        return self.found[kind](values) if self.today else values

    def run(self, number: int, budget: bool) -> Any:
        """Return a run; a thousand of them are a quarter of an hour apart."""
        started = datetime.datetime(2026, 1, 1, 12) + datetime.timedelta(minutes=15 * number)
        request = {"suite": "fleet", "devices": ["board"]}
        return self.RunInfo(
            id=f"{started:%Y%m%d-%H%M%S}-{number:04x}", suite="fleet", suite_sha256="5" * 64,
            task="chest_xray", baseline="v0", effort="standard",
            started_at=f"{started:%Y-%m-%dT%H:%M:%S.000Z}", finished_at=None, status="done",
            request=self.RunRequest("fleet", ("board",)) if self.today else request,
            provenance=self.told("Provenance", {"benchhub": "0.1.0", "seed": "1"}),
        )  # fmt: skip


def cells(of: Types, amount: SimpleNamespace) -> list[Any]:
    """Return the cells of a run, in the order of a plan."""
    found = []
    scenarios = _SCENARIOS if amount.kinds else (("latency", (1,)),)
    backends = BACKENDS if amount.kinds else BACKENDS[:1]
    for device in range(amount.devices):
        for variant in range(amount.variants):
            for backend in backends:
                if (variant, backend) == (9, "tflite"):
                    continue
                for scenario, settings in scenarios:
                    for setting in settings:
                        quality = scenario == "quality"
                        found.append(of.Cell(
                            device=f"board-{device:02}", variant=f"v{variant}",
                            model_sha256=f"{variant:064x}", backend=backend,
                            scenario=of.Scenario(scenario), batch=setting if quality else 1,
                            threads=1 if quality else setting, precision="f32",
                            launches=_count(scenario, amount), iterations=amount.samples,
                            max_timed_s=10.0,
                        ))  # fmt: skip
    return found


def _count(scenario: str, amount: SimpleNamespace) -> int:
    return {"latency": amount.launches, "quality": 1}.get(scenario, 3)


def launches(
    of: Types, run: str, planned: Sequence[Any], amount: SimpleNamespace, seed: int, exact: Any
) -> Iterator[Any]:
    """Yield the launches of a run, in rounds; boards of one kind answer alike."""
    rng = np.random.default_rng(seed)
    began = datetime.datetime(2026, 1, 1, 12)
    number = 0
    for index in range(max(cell.launches for cell in planned)):
        for cell in planned:
            if index >= cell.launches:
                continue
            number += 1
            level = 1e6 * np.exp(0.01 * rng.standard_normal())
            samples = (level * np.exp(0.06 * rng.standard_normal(amount.samples))).astype(np.int64)
            if str(cell.scenario) != "latency":
                samples = samples[:0]
            started = began + datetime.timedelta(milliseconds=10 * number)
            state = of.Conditions(
                at_ns=number, governor="performance", frequency_mhz=2400.0, temperature_c=45.0,
                load_1m=0.1, cpu_total_ticks=100_000, cpu_busy_ticks=10_000, cpu_steal_ticks=0,
                own_cpu_ticks=5_000, pressure_cpu_us=0, memory_available_bytes=1 << 32,
            )  # fmt: skip
            yield of.Launch(
                run=run, cell=cell, index=index, attempt=0, round=index,
                started_at=f"{started:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z", status="finished",
                failure=None, samples_ns=samples, warmup_ns=samples[:10] * 2,
                outputs=() if exact is None else (_answers(cell, amount, exact),),
                backend_version="1.23.0", provider="CPUExecutionProvider", precision="f32",
                clock="perf_counter_ns",
                details=of.told("Details", {"python": "3.11.2", "intra_op_threads": cell.threads}),
                import_ns=80_000_000, load_ns=20_000_000 + int(rng.integers(10_000)),
                first_inference_ns=15_000_000 + int(rng.integers(10_000)),
                elapsed_ns=int(samples.sum()), imported_rss_bytes=60 << 20,
                peak_rss_bytes=(100 << 20) + int(rng.integers(1 << 20)), memory_reset=True,
                wall_ns=600_000_000, involuntary_switches=3, before=state, after=state,
            )  # fmt: skip


_ANSWERED: dict[Any, Any] = {}


def _answers(cell: Any, amount: SimpleNamespace, exact: Any) -> Any:
    """Return what a cell answers to all cases, or to the four that every launch has."""
    device, variant = int(cell.device[-2:]) % amount.kinds, int(cell.variant[1:])
    name = device, variant, cell.backend
    if name not in _ANSWERED:
        rng = np.random.default_rng([device, variant, BACKENDS.index(cell.backend)])
        off = (0.01 * variant + 1e-6) * rng.standard_normal(exact.shape)
        _ANSWERED[name] = np.clip(exact + off, 1e-6, 1 - 1e-6).astype(np.float32)
    whole = _ANSWERED[name]
    return whole if str(cell.scenario) == "quality" else whole[:4]


def answer_key(of: Types) -> Any:
    """Return what is judged by: a screening of fourteen labels, two pictures a patient."""
    rng = np.random.default_rng(0)
    shape = CASES, LABELS
    labels = (rng.random(shape) < 0.2).astype(np.int64)
    exact = (1 / (1 + np.exp(-2 * labels - rng.standard_normal(shape)))).astype(np.float32)
    ids = tuple(map(str, range(CASES)))
    groups = tuple(str(case // 2) for case in range(CASES))
    names = tuple(f"label {index}" for index in range(LABELS))
    kind = of.found.get("AnswerKey") or of.Truth
    return kind("macro_auc", labels, ids, groups, names, (exact,), also=("log_loss",))


def budgets(of: Types) -> tuple[Any, ...]:
    """Return a budget on latency and one on quality, as there is one in every suite."""
    if of.today:
        return (
            of.Budget("fast", limits={"latency_p50_ms": 5.0, "latency_p95_ms": 8.0}),
            of.Budget("good", limits={"quality_loss_max": 0.02}),
        )
    return (
        of.Budget("fast", latency_ms={"p50": 5.0, "p95": 8.0}),
        of.Budget("good", quality_loss_max=0.02),
    )


def make(file: Path, what: str) -> dict[str, int]:
    """Make a store of the amount that `what` names; return how much is in it."""
    amount, of = AMOUNTS[what], Types()
    planned, count = cells(of, amount), 0
    key = answer_key(of) if amount.kinds else None
    exact = key.reference[0] if key is not None else None
    facts = {"arch": "aarch64", "cpu_model": "Cortex-A76", "cores_logical": 4, "os": "Linux",
             "kernel": "6.1", "memory_bytes": 8 << 30, "packages": {"onnxruntime": "1.23.0"},
             "isa_flags": [f"flag{number}" for number in range(100)]}  # fmt: skip
    variants = [
        of.Variant(
            name=f"v{number}", path=Path(f"models/v{number}.onnx"), sha256=f"{number:064x}",
            format="onnx", model_bytes=4000 - number, gzip_bytes=2000, inputs=(), outputs=(),
            params=1000, nonzero_params=1000,
        )
        for number in range(amount.variants)
    ]  # fmt: skip
    with of.Store.open(f"sqlite:///{file}") as store:
        _quick(store)
        for number in range(amount.runs):
            run = of.run(number, bool(amount.kinds))
            store.create_run(run, of.Plan(tuple(planned), ()), key, variants, budgets(of))
            for name in sorted({cell.device for cell in planned}):
                store.put_device(run.id, of.DeviceInfo(name, "ssh", False, of.told("Facts", facts)))
            for launch in launches(of, run.id, planned, amount, number, exact):
                store.add(launch)
                count += 1
    return {"cells": len(planned) * amount.runs, "launches": count, "runs": amount.runs}


def _quick(store: Any) -> None:
    """Have a store that is only read later written without waiting for a disk."""
    from sqlalchemy import event

    engine = getattr(store, "engine", None) or store._engine

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    engine.dispose()


if __name__ == "__main__":
    print(json.dumps(make(Path(sys.argv[1]), sys.argv[2])))
