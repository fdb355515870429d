"""Makes the tutorial's model and cases: `python stripes.py FOLDER`.

Noisy images of stripes and the way they run. Two random convolutions and a fitted last layer tell
it; nothing but numpy, onnx and onnxruntime is needed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[np.float32]
_DIRECTIONS = 4
_CHANNELS = 64
_RIDGE = 0.1


def main(folder: Path, count: int = 2000) -> None:
    """Write model.onnx and cases.npz into `folder`, and print how often the model is right.

    It is fitted to `count` images, and asked about as many others.
    """
    rng = np.random.default_rng(7)
    kernels = [_normal(rng, 32, 1, 5, 5), _normal(rng, _CHANNELS, 32, 5, 5)]
    images, labels = stripes(rng, count)
    weight, bias = _fitted(_outputs(network(kernels), images), labels)
    model = network(kernels, weight, bias)
    (folder / "model.onnx").write_bytes(model)
    images, labels, calibration = *stripes(rng, count), images[:64]
    np.savez(folder / "cases.npz", image=images, labels=labels, calibration_image=calibration)
    right = np.mean(_outputs(model, images).argmax(axis=1) == labels)
    print(f"{right:.1%} of {len(labels)} test cases are right")


def stripes(rng: np.random.Generator, count: int) -> tuple[Array, NDArray[np.int64]]:
    """Return images (count, 1, 64, 64) and the direction of their stripes, 0 to 3."""
    labels = rng.integers(0, _DIRECTIONS, count)
    angle = labels * np.pi / _DIRECTIONS + rng.normal(0, 0.12, count)
    y, x = np.mgrid[0:64, 0:64]
    across = np.cos(angle)[:, None, None] * x + np.sin(angle)[:, None, None] * y
    wave, phase = rng.uniform(0.5, 1.0, (count, 1, 1)), rng.uniform(0, 2 * np.pi, (count, 1, 1))
    images = np.sin(across * wave + phase) + rng.normal(0, 3.0, (count, 64, 64))
    return images[:, None].astype(np.float32), labels


def network(kernels: list[Array], weight: Array | None = None, bias: Array | None = None) -> bytes:
    """Return the network as ONNX; without a last layer it gives the averages of its channels."""
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["c1"], pads=[2, 2, 2, 2]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], pads=[2, 2, 2, 2], strides=[2, 2]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["averages"]),
    ]
    values, output, width = {"w1": kernels[0], "w2": kernels[1]}, "averages", _CHANNELS
    if weight is not None and bias is not None:
        nodes.append(helper.make_node("Gemm", ["averages", "w3", "b3"], ["logits"]))
        values, output, width = {**values, "w3": weight, "b3": bias}, "logits", len(bias)
    graph = helper.make_graph(
        nodes,
        "stripes",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, 64, 64])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", width])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _normal(rng: np.random.Generator, *shape: int) -> Array:
    return (rng.normal(size=shape) / np.prod(shape[1:]) ** 0.5).astype(np.float32)


def _outputs(model: bytes, images: Array) -> Array:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"image": images})[0])


def _fitted(found: Array, labels: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return weight and bias of a linear layer that tells the labels, by ridge regression."""
    centre, spread = found.mean(axis=0), found.std(axis=0)
    scaled = np.column_stack([(found - centre) / spread, np.ones(len(found))])
    square = scaled.T @ scaled + _RIDGE * np.eye(scaled.shape[1])
    solved = np.linalg.solve(square, scaled.T @ np.eye(_DIRECTIONS)[labels])
    weight = solved[:-1] / spread[:, None]
    return weight.astype(np.float32), (solved[-1] - centre @ weight).astype(np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
