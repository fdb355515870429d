"""How a TFLite file can be quantized, through ai-edge-quantizer, and the quantizing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ai_edge_quantizer import calibrator, qtyping, quantizer, recipe, recipe_manager
from ai_edge_quantizer.utils import qsv_utils

from benchhub.compress.tflite.signature import signed
from benchhub.model.arrays import Array

Scheme = list[dict[str, Any]]


def float16_scheme() -> Scheme:
    """Return: weights as float16, cast back where they are used."""
    manager = recipe_manager.RecipeManager()
    manager.add_quantization_config(
        regex=".*",
        operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(
                num_bits=16, dtype=qtyping.TensorDataType.FLOAT
            ),
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        algorithm_key="float_casting",
    )
    return list(manager.get_quantization_recipe())


def dynamic_scheme() -> Scheme:
    """Return: int8 weights, activations quantized at each call.

    Weights have a scale a channel, but those of fully connected layers one a tensor:
    tflite-runtime 2.14 takes the first channel's scale for all of them and says nothing.
    """
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    manager.add_dynamic_config(
        regex=".*",
        operation_name=qtyping.TFLOperationName.FULLY_CONNECTED,
        num_bits=8,
        granularity=qtyping.QuantGranularity.TENSORWISE,
    )
    return list(manager.get_quantization_recipe())


#: Schemes by name: `int8-dynamic-channels` has a scale a channel in fully connected layers, too.
SCHEMES: dict[str, Callable[[], Scheme]] = {
    "fp16": float16_scheme,
    "int8-dynamic": dynamic_scheme,
    "int8-dynamic-channels": recipe.dynamic_wi8_afp32,
    "int8": recipe.static_wi8_ai8,
}


def quantize(model: bytes, scheme: str, cases: Iterable[Mapping[str, Array]]) -> bytes:
    """Return a file of batch 1 quantized by SCHEMES[scheme]; `cases` calibrate if it must be.

    A case holds inputs of batch 1 by the names of the file's signature, which it gets to calibrate
    if it has none.
    """
    work, ranges = quantizer.Quantizer(bytearray(model), SCHEMES[scheme]()), None
    if work.need_calibration:
        model, key = signed(model)
        work = quantizer.Quantizer(bytearray(model), SCHEMES[scheme]())
        # Whole ranges: the quantizer's own moving average forgets all but the last cases.
        watched = calibrator.Calibrator(
            model, num_threads=1, qsv_update_func=qsv_utils.min_max_update
        )
        manager = recipe_manager.RecipeManager()
        manager.load_quantization_recipe(SCHEMES[scheme]())
        watched.calibrate({key: list(cases)}, manager)
        ranges = watched.get_model_qsvs()
    return bytes(work.quantize(ranges).quantized_model)
