"""A project of many devices: a small model, a suite of as many cells a device, a profile each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_FEATURES, LABELS, _CASES = 16, 3, 60
_SUITE = """\
[suite]
name = "fleet"
task = "npz"
baseline = "fp32"
backends = ["onnxruntime"]
[data]
inputs = "cases.npz"
metric = "macro_auc"
[[variants]]
name = "fp32"
model = "model.onnx"
[scenarios.latency]
threads = {threads}
batch = {batches}
{launches}
[[budgets]]
name = "time"
latency_p95_ms = 5
"""
_HARNESS = """\
[suite]
name = "fleet"
task = "npz"
baseline = "fp32"
backends = ["null"]
[data]
inputs = "cases.npz"
metric = "macro_auc"
[[variants]]
name = "fp32"
model = "model.onnx"
[scenarios.latency]
"""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is made: the suite, and the names of its devices in order."""

    suite: Path
    devices: tuple[str, ...]


def made(folder: Path, devices: int, cells: int, launches: int | None) -> Fleet:
    """Write a suite of `cells` a device, and simulated devices; None: the effort's launches."""
    lines = _SUITE.format(
        threads=list(range(1, _threads(cells) + 1)),
        batches=list(range(1, cells // _threads(cells) + 1)),
        launches=f"launches = {launches}" if launches else "",
    )
    names = tuple(f"board-{number:04d}" for number in range(1, devices + 1))
    for name in names:
        profile(folder, name, transport="local", machine=name)
    return Fleet(_suite(folder, lines), names)


def harness(folder: Path) -> Path:
    """Write a suite of one cell a device, which runs no model, and return it."""
    return _suite(folder, _HARNESS)


def profile(folder: Path, name: str, **values: str | float) -> None:
    """Write a device's profile."""
    place = folder / "device_profiles"
    place.mkdir(exist_ok=True)
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"name": name, **values}.items()]
    (place / f"{name}.toml").write_text("[device]\n" + "\n".join(lines) + "\n")


def _threads(cells: int) -> int:
    """Return the largest divisor of `cells` that is no larger than its root."""
    return max(count for count in range(1, int(cells**0.5) + 1) if cells % count == 0)


def _suite(folder: Path, text: str) -> Path:
    place = folder / "suites" / "fleet"
    place.mkdir(parents=True)
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(_FEATURES, LABELS)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["scores"])],
        "fleet",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", _FEATURES])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", LABELS])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(place / "model.onnx"))
    x = rng.normal(size=(_CASES, _FEATURES)).astype(np.float32)
    labels = (x[:, :LABELS] > 0).astype(np.int64)
    np.savez(place / "cases.npz", x=x, labels=labels, groups=np.arange(_CASES))
    path = place / "suite.toml"
    path.write_text(text)
    return path
