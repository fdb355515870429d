"""The backends that the contract suite runs, each with a model of its own format.

`BENCHHUB_SUBJECTS=FILE` points the suite at somebody else's: FILE is Python, and has SUBJECTS.

All models compute one function, convolution 3x3 > relu > global average > flatten, with the same
weights: image (n, 3, 12, 12) to scores (n, 5). Its ONNX form is the reference of them all.
"""

from __future__ import annotations

import functools
import os
import runpy
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


@dataclass(frozen=True)
class Subject:
    """A backend under test, with what writes the model that it reads.

    `computes` is False for one that has no inputs and outputs. `provider` is what it says of
    itself on a plain CPU; `options` are combinations that must give the same results; other
    numbers of `threads` are refused.
    """

    name: str
    write: Callable[[Path], Path]
    format: str = "onnx"
    computes: bool = True
    precision: str = "f32"
    provider: tuple[str, ...] = ()
    options: tuple[dict[str, Any], ...] = ()
    threads: tuple[int, ...] = (1, 2)

    @property
    def label(self) -> str:
        return self.name if self.format == "onnx" else f"{self.name}-{self.format}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The fixtures of tests that load its runtime, or write its models, themselves."""
        return {"openvino": ("native",), "tflite": ("native",), "torch": ("torch",)}.get(
            self.name, ()
        )


def parameter(*subjects: Subject, more: tuple[object, ...] = (), name: str = "") -> Any:
    """Return subjects as a parameter of a test, with the fixtures that they need."""
    needs = [need for subject in subjects for need in subject.needs]
    marks = [pytest.mark.asks(*needs)] if needs else []
    return pytest.param(*subjects, *more, marks=marks, id=name or subjects[0].label)


def build_tiny_model(path: Path, batch: int | str = "n") -> Path:
    """Write the function of all subjects as ONNX."""
    weights = np.random.default_rng(7).normal(size=(5, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weights"], ["maps"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["maps"], ["active"]),
            helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["scores"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, 12, 12])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 5])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="benchhub"
    )
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def images(batch: int, seed: int = 0) -> dict[str, Any]:
    return {"image": np.random.default_rng(seed).normal(size=(batch, 3, 12, 12)).astype(np.float32)}


def expected_scores(feeds: dict[str, Any]) -> Any:
    """Return what the reference computes."""
    outputs: Any = _reference().run(None, feeds)
    return outputs[0]


@functools.cache
def _reference() -> ReferenceEvaluator:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return ReferenceEvaluator(onnx.load(str(build_tiny_model(Path(folder) / "tiny"))))


def _write_tflite(path: Path) -> Path:
    shutil.copyfile(Path(__file__).parent / "models" / "tiny.tflite", path)
    return path


def _write_torchscript(path: Path) -> Path:
    from models_torch import build_tiny_torchscript

    return build_tiny_torchscript(path)


def _write_exported(path: Path) -> Path:
    from models_torch import build_tiny_exported

    return build_tiny_exported(path)


_OWN = (
    Subject("null", build_tiny_model, computes=False, precision="none", provider=("none",)),
    Subject(
        "onnxruntime",
        build_tiny_model,
        provider=("CPUExecutionProvider",),
        options=(
            {"provider": "cpu", "device_id": 0},
            {"execution_mode": "parallel", "inter_op_threads": 2},
            {"graph_optimization_level": "disable", "arena": False, "allow_spinning": False},
        ),
    ),
    Subject(
        "openvino",
        build_tiny_model,
        provider=("CPU",),
        options=(
            {"device": "AUTO"},
            {"hint": "throughput"},
            {"hint": "none", "streams": 2},
            {"execution_mode": "accuracy", "pinning": "off"},
        ),
    ),
    Subject(
        "tflite",
        _write_tflite,
        format="tflite",
        provider=("XNNPACK", "builtin"),
        options=({"xnnpack": False},),
    ),
    Subject(
        "torch",
        _write_torchscript,
        format="torchscript",
        provider=("cpu",),
        options=({"channels_last": True},),
    ),
    Subject("torch", _write_exported, format="exported", provider=("cpu",)),
)

#: Backends whose contract is tested elsewhere, and why.
ELSEWHERE = {
    "tensorrt": ("contracts/test_tensorrt.py", "without a GPU it runs on stub libraries only"),
}

#: The file of somebody else's subjects, if there is one.
GIVEN = os.environ.get("BENCHHUB_SUBJECTS", "")
SUBJECTS: tuple[Subject, ...] = tuple(runpy.run_path(GIVEN)["SUBJECTS"]) if GIVEN else _OWN
