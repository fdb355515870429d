"""The runtime of `plain`: one operator after the other, on one thread."""

from __future__ import annotations

from typing import Any, Callable, Mapping

import numpy as np

from benchhub.ondevice.backends import (
    LoadOptions,
    TensorInfo,
    check_model,
    installed_version,
    option,
)
from benchhub.ondevice.failed import Failed
from plain_onnx import BACKEND
from plain_onnx.graph import Graph, read
from plain_onnx.operators import CONVOLUTIONS, OPERATORS


def version() -> str:
    """Return the version of this distribution."""
    return str(installed_version(BACKEND))


def load(path: str | None, options: LoadOptions) -> Session:
    """Open an ONNX file; `convolution` chooses between two ways to the same numbers."""
    graph = read(check_model(BACKEND, path, options))
    if options.threads != 1:
        raise ValueError("plain computes on 1 thread, not on %d threads" % options.threads)
    lacking = sorted({node.operator for node in graph.nodes} - set(OPERATORS))
    if lacking:
        text = "plain has no operator %s; measure this model on another backend"
        raise Failed("unsupported", text % ", ".join(lacking))
    return Session(graph, option(BACKEND, "convolution", options))


class Session:
    """A model that was read, with its weights."""

    provider: str | None = "numpy"
    precision: str | None = "f32"

    def __init__(self, graph: Graph, convolution: str) -> None:
        self.inputs = [TensorInfo(*value) for value in graph.inputs]
        self.outputs = [TensorInfo(*value) for value in graph.outputs]
        self.details: dict[str, Any] = {"numpy": np.__version__, "convolution": convolution}
        self._graph = graph
        self._operators = {**OPERATORS, "Conv": CONVOLUTIONS[convolution]}

    def bind(self, feeds: Mapping[str, Any]) -> Callable[[], list[Any]]:
        """Return a call that computes the outputs of `feeds`."""
        for known in self.inputs:
            shape = feeds[known.name].shape
            fits = [size in (None, given) for size, given in zip(known.shape, shape)]
            if len(shape) != len(known.shape) or not all(fits):
                text = "%s is %s in the model, not %s"
                raise ValueError(text % (known.name, known.shape, shape))
        values = {**self._graph.weights, **feeds}
        return lambda: self._computed(dict(values))

    def run(self, feeds: Mapping[str, Any]) -> list[Any]:
        """Return the outputs for `feeds`."""
        return [np.array(output) for output in self.bind(feeds)()]

    def _computed(self, values: dict[str, Any]) -> list[Any]:
        for node in self._graph.nodes:
            arguments = [values[name] for name in node.inputs]
            compute = self._operators[node.operator]
            values[node.outputs[0]] = compute(arguments, node.attributes)
        return [values[output.name] for output in self.outputs]
