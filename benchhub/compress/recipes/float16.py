"""Half precision: weights and arithmetic in float16, inputs and outputs left in float32."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchhub.compress.files.plain_graph import plain
from benchhub.compress.graphs.half import in_half
from benchhub.compress.graphs.half_values import LARGEST, SMALLEST, Halved
from benchhub.compress.graphs.quantized import refuse_half, refuse_quantized
from benchhub.compress.recipe import Ingredients
from benchhub.compress.recipes.quiet import quiet
from benchhub.errors import ConfigError
from benchhub.model.arrays import Settings


def make_fp16(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write `source` with float16 weights to `output`; takes no options.

    Operators that have no float16 stay in float32, with their weights. Weights that float16 cannot
    hold are clipped, those it would round to zero raised; both are counted in the facts. Raises
    ConfigError for a model that is float16 or quantized already, and where no weight is converted.
    """
    assert source is not None  # the table says that it reads ONNX
    with quiet():
        import onnx

        model = plain(onnx.load(str(source)))
        refuse_half(model)
        refuse_quantized(model)
        half, halved = in_half(model)
        if not halved.converted:
            raise ConfigError(_nothing(halved))
        onnx.checker.check_model(half)
        onnx.save(half, str(output))
    return {
        "converted_weights": str(halved.converted),
        "kept_in_float32": str(halved.kept),
        "clipped_weights": str(halved.clipped),
        "raised_weights": str(halved.raised),
        **({"told": told} if (told := _told(halved)) else {}),
    }


def _nothing(halved: Halved) -> str:
    by = f", which {', '.join(sorted(halved.kept_by))} read" if halved.kept_by else ""
    held = f"its {halved.kept:,} float32 weights{by} have to stay" if halved.kept else ""
    return (
        f"there is nothing to convert: {held or 'it has no float32 weights'}; measure it as it is,"
        " or start from a float32 model"
    )


def _told(halved: Halved) -> str:
    told = []
    if halved.clipped:
        told.append(f"{_weights(halved.clipped)} beyond {LARGEST:,.0f} clipped to it")
    if halved.raised:
        told.append(f"{_weights(halved.raised)} below {SMALLEST:.3g} raised to it")
    if halved.kept > halved.converted:
        by = ", ".join(name for name, _ in halved.kept_by.most_common(3)) or "outputs"
        told.append(f"{_weights(halved.kept)} kept in float32, for {by}")
    return "; ".join(told)


def _weights(count: int) -> str:
    return f"{count:,} weight{'s' if count != 1 else ''}"
