"""The operators, from arrays and attributes to an array; `einsum` stays on the calling thread."""

from __future__ import annotations

from typing import Any, Callable, List, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchhub.ondevice.failed import Failed

_TYPES = {1: np.float32, 7: np.int64, 10: np.float16, 11: np.float64}

Operator = Callable[[List[Any], Mapping[str, Any]], Any]


def _in_windows(windows: Any, weights: Any) -> Any:
    return np.einsum("nchwij,mcij->nmhw", windows, weights)


def _in_shifts(windows: Any, weights: Any) -> Any:
    return sum(
        np.einsum("nchw,mc->nmhw", windows[..., row, column], weights[..., row, column])
        for row in range(weights.shape[2])
        for column in range(weights.shape[3])
    )


def _convolution(multiplied: Callable[[Any, Any], Any]) -> Operator:
    def convolution(arguments: list[Any], about: Mapping[str, Any]) -> Any:
        image, weights, *bias = arguments
        others = (
            about.get("group", 1),
            about.get("auto_pad", "NOTSET"),
            *about.get("dilations", ()),
        )
        if set(others) - {1, "NOTSET"}:
            raise Failed("unsupported", "plain convolves without groups, auto_pad and dilations")
        top, left, bottom, right = about.get("pads", (0, 0, 0, 0))
        down, along = about.get("strides", (1, 1))
        image = np.pad(image, ((0, 0), (0, 0), (top, bottom), (left, right)))
        windows = sliding_window_view(image, weights.shape[2:], axis=(2, 3))
        found = multiplied(windows[:, :, ::down, ::along], weights)
        return found + bias[0].reshape(1, -1, 1, 1) if bias else found

    return convolution


def _cast(arguments: list[Any], about: Mapping[str, Any]) -> Any:
    return arguments[0].astype(_TYPES[about["to"]])


def _flatten(arguments: list[Any], about: Mapping[str, Any]) -> Any:
    axis = about.get("axis", 1)
    return arguments[0].reshape(int(np.prod(arguments[0].shape[:axis])), -1)


CONVOLUTIONS = {"shifts": _convolution(_in_shifts), "windows": _convolution(_in_windows)}
OPERATORS: dict[str, Operator] = {
    "Add": lambda arguments, about: arguments[0] + arguments[1],
    "Cast": _cast,
    "Conv": CONVOLUTIONS["shifts"],
    "Flatten": _flatten,
    "GlobalAveragePool": lambda arguments, about: arguments[0].mean((2, 3), keepdims=True),
    "MatMul": lambda arguments, about: np.einsum("...ij,...jk->...ik", *arguments),
    "Relu": lambda arguments, about: np.maximum(arguments[0], 0),
    "Sigmoid": lambda arguments, about: 1 / (1 + np.exp(-arguments[0])),
    "Tanh": lambda arguments, about: np.tanh(arguments[0]),
}
