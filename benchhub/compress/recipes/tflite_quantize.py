"""A float TFLite file quantized, through ai-edge-quantizer: float16, dynamic range, full int8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchhub.compress.recipe import Ingredients
from benchhub.compress.recipes.int8 import calibration_calls
from benchhub.compress.recipes.quiet import quiet_natively
from benchhub.compress.tflite.graph import read_graph
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array, Settings

if TYPE_CHECKING:
    from benchhub.compress.tflite.widened import Widened


def make_tflite_fp16(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> None:
    """Write `source` with float16 weights, cast back where they are used; no options."""
    _quantize(source, output, "fp16")


def make_tflite_int8_dynamic(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write `source` with int8 weights; activations are quantized at each call.

    Option `per_channel_linear` (false): weights of fully connected layers have a scale a channel,
    as those of convolutions do; tflite-runtime 2.14 reads such files as garbage.
    """
    channels = options["per_channel_linear"]
    return _quantize(source, output, "int8-dynamic-channels" if channels else "int8-dynamic")


def make_tflite_int8(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write `source` with int8 weights, activations, inputs and outputs.

    Option `calibration_cases` (64): ranges are the smallest and largest values seen on them.
    """
    return _quantize(source, output, "int8", calibration_calls(options, ingredients))


def _quantize(
    source: Path | None, output: Path, scheme: str, calls: Sequence[Mapping[str, Array]] = ()
) -> Mapping[str, str]:
    """Write the file, made of float32 weights; return what was done to have such weights."""
    assert source is not None  # the table says that it reads TFLite
    with quiet_natively():
        from benchhub.compress.tflite.batch import close_batch, is_closable, is_open, open_batch
        from benchhub.compress.tflite.schemes import quantize
        from benchhub.compress.tflite.tree import with_codes
        from benchhub.compress.tflite.widened import Widened, widen

        given = with_codes(source.read_bytes())
        wide = Widened(given, 0, 0) if scheme == "fp16" else widen(given)
        _refuse_done(wide.model)
        opened = is_open(wide.model) and is_closable(wide.model)
        closed = close_batch(wide.model) if opened else wide.model
        made = quantize(closed, scheme, map(dict, calls))
        if opened:
            made = open_batch(made)
        _refuse_unchanged(made)
        if len(made) >= len(wide.model):
            raise ConfigError(
                f"{source} is no smaller as {scheme}; start from a float32 TFLite file"
            )
        output.write_bytes(made)
    return _facts(wide)


def _facts(wide: Widened) -> dict[str, str]:
    facts, told = {}, []
    if wide.halves:
        facts["widened_tensors"] = str(wide.halves)
        told.append(f"quantized from float16 weights, widened to float32 ({wide.halves} tensors)")
    if wide.sparse:
        facts["densified_tensors"] = str(wide.sparse)
        told.append(f"sparse weights made dense ({wide.sparse} tensors)")
    return {**facts, "told": "; ".join(told)} if told else {}


def _refuse_done(model: bytes) -> None:
    """Raise ConfigError, saying what was found, if a file is quantized or float16 already."""
    constants = [tensor for tensor in read_graph(model).tensors if tensor.content is not None]
    packed = [one for one in constants if one.scales and one.dtype in ("int4", "int8", "uint8")]
    half = [one for one in constants if one.dtype == "float16"]
    if packed or half:
        what = "quantized" if packed else "float16"
        found = f"{len(packed or half)} tensors of {(packed or half)[0].dtype} weights"
        raise ConfigError(
            f"the model is {what} already ({found}); measure it as it is, or start from the float32"
            " model that it was made of"
        )


def _refuse_unchanged(made: bytes) -> None:
    """Raise ConfigError, naming its operators, if nothing in what was made is quantized."""
    graph = read_graph(made)
    if not any(one.scales or one.dtype == "float16" for one in graph.tensors):
        operators = sorted({one.custom or one.kind for one in graph.operators})
        listed = ", ".join(operators[:8]) + (", .." if len(operators) > 8 else "")
        raise ConfigError(
            f"nothing in it can be quantized: its operators are {listed}; measure it as it is"
        )
