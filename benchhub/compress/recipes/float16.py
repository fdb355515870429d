"""Half precision: weights and arithmetic in float16, inputs and outputs left in float32."""

from __future__ import annotations

from pathlib import Path

from benchhub.compress.recipe import Ingredients
from benchhub.compress.recipes.quiet import quiet
from benchhub.model.arrays import Settings


def make_fp16(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> None:
    """Write `source` with float16 weights to `output`; takes no options."""
    with quiet():
        import onnx
        from onnxruntime.transformers.float16 import convert_float_to_float16
        from onnxruntime.transformers.onnx_model import OnnxModel

        half = convert_float_to_float16(onnx.load(str(source)), keep_io_types=True)
        # the converter appends its casts at the end, which onnxruntime forgives and ONNX does not
        OnnxModel(half).topological_sort()
        onnx.save(half, str(output))
