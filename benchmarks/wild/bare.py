"""A bare loop in a process of its own: `python bare.py FILE.json`.

The file says the runtime, the model, the arrays (a .npz) and how they are cut; the outputs of all
cases go into a .npz, and the median of the timed calls is printed in nanoseconds. Nothing of
benchhub is imported: this is what a careful user would write by hand.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

_WARMUP = 10

Run = Callable[[Mapping[str, Any]], list[Any]]


def main() -> None:
    """Run the cases, then time calls of the first batch."""
    asked = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    with np.load(asked["arrays"]) as archive:
        arrays = {name: archive[name] for name in archive.files}
    run, names = {"onnxruntime": _onnxruntime, "openvino": _openvino, "tflite": _tflite}[
        asked["backend"]
    ](asked["model"], arrays, asked)
    parts: dict[str, list[Any]] = {name: [] for name in names}
    held: dict[str, Any] = {}
    for feeds, kept in _batches(arrays, asked):
        found = run({**feeds, **held})
        held = {name: found[names.index(of)] for name, of in asked["state"].items()}
        for name, array in zip(names, found, strict=True):
            axis = asked["batch_axis"].get(name, 0)
            parts[name].append(_cases(np.asarray(array), axis, asked["batch"])[:kept])
    if asked["outputs"]:
        np.savez(asked["outputs"], **{name: np.concatenate(part) for name, part in parts.items()})
    feeds = next(_batches(arrays, asked))[0]
    for _ in range(_WARMUP):
        run(feeds)
    samples = []
    until = time.perf_counter() + asked["seconds"]
    while len(samples) < asked["calls"] and (len(samples) < 3 or time.perf_counter() < until):
        before = time.perf_counter_ns()
        run(feeds)
        samples.append(time.perf_counter_ns() - before)
    print(json.dumps({"p50_ns": statistics.median(samples), "calls": len(samples)}))


def _batches(arrays: Mapping[str, Any], asked: Any) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the feeds of each batch and how many cases it adds; the last one wraps around."""
    whole = set(asked["whole"])
    cases = min(len(array) for name, array in arrays.items() if name not in whole)
    batch = asked["batch"]
    for start in range(0, cases, batch):
        rows = np.arange(start, start + batch) % cases
        feeds = {
            name: array if name in whole else np.ascontiguousarray(array[rows])
            for name, array in arrays.items()
        }
        yield feeds, min(batch, cases - start)


def _cases(array: Any, axis: int, batch: int) -> Any:
    """Return an output with its cases first; what a call of one case gives otherwise is of that."""
    if batch == 1 and (array.ndim == 0 or array.shape[axis] != 1):
        return array[None].copy()
    return np.moveaxis(array, axis, 0).copy()


def _onnxruntime(model: str, arrays: Any, asked: Any) -> tuple[Run, list[str]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_outputs()]
    return lambda feeds: session.run(names, feeds), names


def _openvino(model: str, arrays: Any, asked: Any) -> tuple[Run, list[str]]:
    import openvino

    core = openvino.Core()
    network = core.read_model(model)
    whole = set(asked["whole"])
    shapes = {
        name: list(array.shape) if name in whole else [asked["batch"], *array.shape[1:]]
        for name, array in arrays.items()
    }
    network.reshape(shapes)
    config = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
    }
    compiled = core.compile_model(network, "CPU", config)
    request = compiled.create_infer_request()
    ports = compiled.outputs
    names = [_given(port, asked["declared"]) for port in ports]

    def run(feeds: Mapping[str, Any]) -> list[Any]:
        found = request.infer(dict(feeds), share_inputs=True, share_outputs=True)
        return [found[port] for port in ports]

    return run, names


def _given(port: Any, declared: list[str]) -> str:
    """Return the model's own name of an output: OpenVINO may have several of its own."""
    return next((name for name in declared if name in port.names), next(iter(port.names), "?"))


def _tflite(model: str, arrays: Any, asked: Any) -> tuple[Run, list[str]]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=model, num_threads=1)
    inputs, outputs = _tensors(interpreter)
    for name, one in inputs.items():
        shape = [asked["batch"], *arrays[name].shape[1:]]
        if list(one["shape"]) != shape:
            interpreter.resize_tensor_input(one["index"], shape)
    interpreter.allocate_tensors()

    def run(feeds: Mapping[str, Any]) -> list[Any]:
        for name, one in inputs.items():
            interpreter.set_tensor(one["index"], _stored(feeds[name], one))
        interpreter.invoke()
        return [_real(interpreter.get_tensor(one["index"]), one) for one in outputs.values()]

    return run, list(outputs)


def _tensors(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return inputs and outputs by the names of the one signature, or else of the tensors.

    A quantizer may have put an operator behind an output whose name the signature still tells.
    """
    sides = interpreter.get_input_details(), interpreter.get_output_details()
    signatures = list(interpreter.get_signature_list())
    if len(signatures) != 1:
        return {one["name"]: one for one in sides[0]}, {one["name"]: one for one in sides[1]}
    runner = interpreter.get_signature_runner(signatures[0])
    named = runner.get_input_details(), runner.get_output_details()
    return tuple(  # type: ignore[return-value]
        {
            name: next(one for one in side if one["name"].removesuffix("_dequant") == of["name"])
            for name, of in known.items()
        }
        for known, side in zip(named, sides, strict=True)
    )


def _stored(array: Any, tensor: Any) -> Any:
    """Return numbers in the steps of a quantized tensor, as its scale and zero point say."""
    scale, zero = tensor["quantization"]
    if not scale or np.dtype(tensor["dtype"]).kind == "f":
        return array
    limits = np.iinfo(tensor["dtype"])
    return np.clip(np.round(array / scale) + zero, limits.min, limits.max).astype(tensor["dtype"])


def _real(array: Any, tensor: Any) -> Any:
    scale, zero = tensor["quantization"]
    if not scale or np.dtype(tensor["dtype"]).kind == "f":
        return array
    return ((array.astype(np.float64) - zero) * scale).astype(np.float32)


if __name__ == "__main__":
    main()
