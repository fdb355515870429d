"""Outputs computed on the controller: what every device is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchhub.compress.recipes.converters import converter_errors, in_one_line
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.cell import TensorSpec, Variant


def reference_outputs(
    variant: Variant, inputs: Mapping[str, Array], batch: int = 32
) -> tuple[Array, ...]:
    """Return the outputs for all cases, in the model's order, cases on axis 0.

    Runs in onnxruntime on the CPU with graph optimisation off: each operator as exported, at the
    precision the file states, so that the reference does not move with the fusions a release
    happens to have. Raises ConfigError if the cases do not fit the model or it does not run.
    """
    import onnxruntime

    if variant.format != "onnx":
        raise ConfigError(
            f"variant {variant.name} is a {variant.format} file, and reference outputs are"
            " computed from ONNX; name the ONNX export instead"
        )
    check_cases_fit(variant, inputs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(variant.path), options, providers=["CPUExecutionProvider"]
        )
        return _run(session, variant, inputs, _batch(variant) or batch)
    except converter_errors() as error:
        raise ConfigError(
            f"variant {variant.name}: onnxruntime cannot run {variant.path}: {in_one_line(error)}"
        ) from error


def check_cases_fit(variant: Variant, inputs: Mapping[str, Array]) -> None:
    """Raise ConfigError unless the cases have the model's input names, dtypes and shapes."""
    wanted = {spec.name: spec for spec in variant.inputs}
    for name in wanted.keys() - inputs.keys():
        raise ConfigError(
            f"variant {variant.name}: the data has no array for model input {name!r}, "
            f"it has {', '.join(sorted(inputs))}; name it as in the model"
        )
    for name in inputs.keys() - wanted.keys():
        raise ConfigError(
            f"variant {variant.name}: the data has an array {name!r}, the model has no such "
            f"input but {', '.join(sorted(wanted))}; name it as in the model"
        )
    for name, spec in wanted.items():
        _check_array(variant.name, spec, inputs[name])


def _check_array(variant: str, spec: TensorSpec, array: Array) -> None:
    if array.dtype.name != spec.dtype:
        raise ConfigError(
            f"variant {variant}: input {spec.name!r} is {array.dtype.name} in the data and "
            f"{spec.dtype} in the model; convert it with .astype({spec.dtype!r})"
        )
    fits = array.ndim == len(spec.shape) and all(
        size is None or size == found
        for size, found in zip(spec.shape[1:], array.shape[1:], strict=True)
    )
    if not fits:
        raise ConfigError(
            f"variant {variant}: input {spec.name!r} has shape {_show(array.shape[1:])} per case "
            f"in the data and {_show(spec.shape[1:])} in the model; resize one of them"
        )


def _show(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape) or "scalar"


def _batch(variant: Variant) -> int | None:
    """Return the batch that the model is fixed to, None if it is open."""
    fixed = {spec.shape[0] for spec in variant.inputs if spec.shape and spec.shape[0]}
    return fixed.pop() if len(fixed) == 1 else None


def _run(
    session: Any, variant: Variant, inputs: Mapping[str, Array], batch: int
) -> tuple[Array, ...]:
    names = [spec.name for spec in variant.outputs]
    cases = min(len(array) for array in inputs.values())
    parts: list[list[Array]] = [[] for _ in names]
    for start in range(0, cases, batch):
        # a model of fixed batch gets full batches: the last one wraps around and is cut
        rows = np.arange(start, start + batch) % cases
        feeds = {name: np.ascontiguousarray(array[rows]) for name, array in inputs.items()}
        for part, output in zip(parts, session.run(names, feeds), strict=True):
            part.append(np.asarray(output)[: cases - start])
    return tuple(np.concatenate(part) for part in parts)
