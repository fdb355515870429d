"""A request made ready by hand: what a run measures in a scenario, without a runtime to load."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from builders import make_variant

from benchhub.config.request import Resolved
from benchhub.model.asked import EFFORTS, Agreement, Suite
from benchhub.model.cell import Cell, CellKind, Plan, TensorSpec, Variant
from benchhub.model.request import RunRequest
from benchhub.model.scenario import Scenario
from benchhub.run.execute import Ready
from benchhub.run.prepare import Prepared, write_npy
from campaign.answer import WORDS
from campaign.devices import Device
from campaign.site import Kind

DEADLINE_S = 20.0
#: The real launches of a machine take long.
_DEADLINE_OF_A_MACHINE_S = 120.0
_MODEL_BYTES = 5000
#: Launches of these run the null backend, whose details tell how much work a call is.
_NULL = (Kind.REAL, Kind.MACHINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """How many cells a device has, and how many launches each."""

    cells: int
    launches: int


def ready(devices: Sequence[Device], asked: Mapping[str, Asked], cache: Path) -> Ready:
    """Return it; the same bytes and cells whenever it is called for the same scenario."""
    variant = _variant(cache)
    inputs = cache / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    array = np.arange(32, dtype=np.float32).reshape(8, 4)
    suite = _suite(cache, any(device.kind is Kind.MACHINE for device in devices))
    prepared = Prepared(suite, (variant,), {"x": write_npy(array, inputs)}, None, None, {})
    request = RunRequest(str(suite.path), tuple(device.name for device in devices))
    profiles = tuple(device.profile for device in devices)
    resolved = Resolved(request, suite, "0" * 64, profiles, EFFORTS["quick"])
    cells = [cell for device in devices for cell in _cells(device, asked[device.name], variant)]
    return Ready(resolved, prepared, Plan(tuple(cells), ()))


def _suite(cache: Path, slow: bool) -> Suite:
    return Suite(
        name="campaign", path=cache.parent / "suite.toml", task="npz", baseline="fp32",
        backends=("onnxruntime", "null"), variants=(), scenarios=(), budgets=(), effort="quick",
        data={}, precisions=("f32",), agreement=Agreement(), seed=0,
        deadline_s=_DEADLINE_OF_A_MACHINE_S if slow else DEADLINE_S,
    )  # fmt: skip


def _variant(cache: Path) -> Variant:
    data = bytes(range(250)) * (_MODEL_BYTES // 250)
    sha256 = hashlib.sha256(data).hexdigest()
    path = cache / "variants" / f"{sha256}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(data)
    return make_variant(
        path=path, sha256=sha256, model_bytes=len(data),
        inputs=(TensorSpec("x", "float32", (None, 4)),),
        outputs=(TensorSpec("y", "float32", (None, 2)),),
    )  # fmt: skip


def _cells(device: Device, asked: Asked, variant: Variant) -> list[Cell]:
    cells = []
    for number in range(1, asked.cells + 1):
        cell = Cell(
            device=device.name, variant="fp32", model_sha256=variant.sha256,
            backend="onnxruntime", scenario=Scenario.LATENCY, batch=number, threads=1,
            precision="f32", launches=asked.launches, iterations=WORDS, max_timed_s=2.0,
        )  # fmt: skip
        if device.kind in _NULL:
            cell = dataclasses.replace(
                cell, variant="none", model_sha256="", backend="null", batch=1,
                kind=CellKind.HARNESS, options=json.dumps({"hash_bytes": 1000 + number}),
            )  # fmt: skip
        cells.append(cell)
    return cells
