"""Eight-bit integers, through onnxruntime's quantizer: dynamic, and static in QDQ form.

The artifact never depends on the machine that makes it: `reduce_range` is an option, off by
default, and not a guess from this CPU, since the variant will run elsewhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchhub.compress.recipe import Ingredients
from benchhub.compress.recipes.quiet import quiet
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array, Settings

#: Ways to read a range off the calibration cases: option -> onnxruntime's name.
METHODS = {"minmax": "MinMax", "percentile": "Percentile", "entropy": "Entropy"}


def make_int8_dynamic(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> None:
    """Write `source` with int8 weights to `output`; activations are quantized at each call.

    Options: `weight_type` (QUInt8; QInt8 convolutions run several times slower than float32 in
    onnxruntime), `per_channel`.
    """
    with quiet(), tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(
            prepared(source, Path(scratch)),
            str(output),
            weight_type=QuantType[options["weight_type"]],
            per_channel=options["per_channel"],
        )


def make_int8_static(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> None:
    """Write `source` with int8 weights and activations to `output`, in QDQ form.

    Options: `calibration_cases` (64), `per_channel` (true), `method` (minmax, percentile or
    entropy), `weight_type` (QInt8), `activation_type` (QUInt8), `reduce_range` (false; true keeps
    weights to 7 bits, for x86 CPUs without VNNI, whose 16-bit sums can saturate).
    """
    inputs = calibration_inputs(options, ingredients)
    with quiet(), tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        from onnxruntime.quantization import (
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quantize_static,
        )

        quantize_static(
            prepared(source, Path(scratch)),
            str(output),
            _reader(inputs),
            quant_format=QuantFormat.QDQ,
            per_channel=options["per_channel"],
            reduce_range=options["reduce_range"],
            activation_type=QuantType[options["activation_type"]],
            weight_type=QuantType[options["weight_type"]],
            calibrate_method=CalibrationMethod[METHODS[options["method"]]],
            calibration_providers=["CPUExecutionProvider"],
        )


def calibration_inputs(options: Settings, ingredients: Ingredients) -> Mapping[str, Array]:
    """Return as many calibration inputs as asked for; ConfigError if there are none at all."""
    inputs = ingredients.calibration(options["calibration_cases"])
    if not inputs or not all(len(array) for array in inputs.values()):
        raise ConfigError(
            f"the calibration set of task {ingredients.task} is empty; give it training cases, or"
            " use a recipe that does not calibrate"
        )
    return inputs


def prepared(source: Path | None, scratch: Path) -> str:
    """Return the path of a copy with shapes inferred and the graph simplified.

    Batch normalisations are folded into the convolutions before them. Symbolic shape inference is
    left out: it gives up on enlargements of an open batch, and leaves files in the current folder.
    """
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = scratch / "prepared.onnx"
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    return str(prepared)


def _reader(inputs: Mapping[str, Array]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class CalibrationReader(CalibrationDataReader):  # type: ignore[misc]
        """Feeds one case at a time, which any batch axis accepts."""

        def __init__(self) -> None:
            self.feeds: Iterator[dict[str, Array]] = one_by_one(inputs)

        def get_next(self) -> dict[str, Array] | None:
            return next(self.feeds, None)

    return CalibrationReader()


def one_by_one(inputs: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    """Yield each case as a batch of one."""
    for row in range(min((len(array) for array in inputs.values()), default=0)):
        yield {name: array[row : row + 1] for name, array in inputs.items()}
