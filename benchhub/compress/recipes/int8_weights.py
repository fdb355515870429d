"""Weight-only int8: a file a quarter as large that computes in float32.

onnxruntime.quantization has no such mode for convolutions, so the weights are replaced here: each
becomes int8 values, scales and a DequantizeLinear, as ONNX defines it. Runtimes may unpack the
weights once, when they load the file, or at each call.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchhub.compress.networks.prunable import PrunableWeight, prunable_weights
from benchhub.compress.recipe import Ingredients
from benchhub.compress.recipes.attempts import NOTHING, attempt_all, ways
from benchhub.compress.recipes.int8 import read
from benchhub.compress.recipes.quiet import quiet
from benchhub.model.arrays import Array, Settings

if TYPE_CHECKING:
    import onnx

#: DequantizeLinear is there since opset 10, with an axis since 13.
_OPSET = 10
_MOST = 127


def make_int8_weights(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write `source` with the weights of convolutions and linear layers as symmetric int8.

    Batch normalisations are folded into convolutions first. Option `per_channel` (auto): a scale
    an output channel, otherwise one a tensor. Biases and other parameters stay float32. Raises
    ConfigError for a model without such weights and for one that is quantized already.
    """
    with quiet():
        model = read(source)
        worst: list[float] = []

        def quantize(given: Path, made: Path, per_channel: bool) -> None:
            import onnx

            copy = onnx.load(str(given))
            weights = prunable_weights(copy.graph)
            if not weights:
                raise ValueError(
                    f"{NOTHING}: it has no float32 weights of Conv, ConvTranspose, Gemm or MatMul;"
                    " start from a float32 model"
                )
            worst[:] = [_replace(copy.graph, weight, per_channel) for weight in weights]
            onnx.save(copy, str(made))

        attempts = list(ways(model, options["per_channel"], _OPSET))
        facts = attempt_all(model, output, attempts, quantize, ingredients, "take another recipe")
    return {
        "quantized_weights": str(len(worst)),
        "largest_weight_error": f"{max(worst):.3g}",
        **facts,
    }


def quantize_weight(weight: Array, axis: int | None) -> tuple[Array, Array]:
    """Return int8 values from -127 to 127 and their float32 scales: one an index of `axis`.

    With `axis` None the scale is one number. What is zero stays zero, a channel of zeros, too.
    """
    others = None if axis is None else tuple(i for i in range(weight.ndim) if i != axis)
    peak = np.abs(weight).max(axis=others, keepdims=others is not None)
    scale = np.where(peak > 0, peak / _MOST, 1).astype(np.float32)
    values = np.clip(np.rint(weight / scale), -_MOST, _MOST).astype(np.int8)
    return values, scale.reshape(()) if axis is None else scale.ravel()


def _replace(graph: onnx.GraphProto, weight: PrunableWeight, per_channel: bool) -> float:
    """Put int8 values in the place of a weight; return the largest error as a share of its peak."""
    from onnx import helper, numpy_helper

    (tensor,) = (one for one in graph.initializer if one.name == weight.name)
    given = numpy_helper.to_array(tensor)
    axis = weight.axis if per_channel else None
    values, scale = quantize_weight(given, axis)
    names = [f"{weight.name}_{part}" for part in ("quantized", "scale", "zero_point")]
    arrays = [values, scale, np.zeros_like(scale, np.int8)]
    graph.initializer.remove(tensor)
    graph.initializer.extend(map(numpy_helper.from_array, arrays, names))
    node = helper.make_node(
        "DequantizeLinear", names, [weight.name], name=f"{weight.name}_dequantize"
    )
    if axis is not None:
        node.attribute.append(helper.make_attribute("axis", axis))
    graph.node.insert(0, node)
    shape = [1 if i != axis else -1 for i in range(given.ndim)]
    unpacked = values * (scale if axis is None else scale.reshape(shape))
    return float(np.abs(unpacked - given).max() / max(float(np.abs(given).max()), 1e-30))
