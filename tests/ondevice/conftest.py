"""A device below a temporary root, a tiny model and its cases."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).parent))

from controller_side import Device

from benchhub.device.runner import build_runner
from benchhub.ondevice import wire


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    runner = tmp_path / "runner.pyz"
    runner.write_bytes(build_runner().data)
    device = Device(tmp_path / "root", runner)
    yield device
    device.close()


@pytest.fixture(scope="session")
def model_bytes() -> bytes:
    """(n, 4) > matrix product with a fixed (4, 3) > (n, 3)."""
    weights = np.arange(12, dtype=np.float32).reshape(4, 3)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    model: onnx.ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    return model.SerializeToString()


@pytest.fixture(scope="session")
def cases() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).normal(size=(7, 4)).astype(np.float32)


@pytest.fixture
def job(
    device: Device, model_bytes: bytes, cases: np.ndarray[Any, Any], tmp_path: Path
) -> Callable[..., wire.Job]:
    """Return a function that makes a job for the product model, its files in place."""
    np.save(tmp_path / "x.npy", cases)
    model = device.put(model_bytes)
    inputs = {"x": device.put((tmp_path / "x.npy").read_bytes())}

    def make(**changes: Any) -> wire.Job:
        settings: dict[str, Any] = {
            "cell": "c", "launch": 0, "backend": "onnxruntime", "scenario": "latency",
            "model": model, "model_format": "onnx", "inputs": inputs, "warmup": 3,
            "iterations": 20, "deadline_s": 60.0,
        }  # fmt: skip
        return wire.Job(**{**settings, **changes})

    return make


@pytest.fixture
def old_python(tmp_path: Path) -> Path:
    """An interpreter that says it is 3.6."""
    path = tmp_path / "python3.6"
    script = (
        "import runpy, sys; sys.version_info = (3, 6, 15, 'final', 0); "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    path.write_text(f'#!/bin/sh\nexec {shutil.which(sys.executable)} -c "{script}" "$@"\n')
    path.chmod(0o755)
    return path
