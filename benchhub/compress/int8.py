"""Eight-bit integers, through onnxruntime's quantizer: dynamic, and static in QDQ form.

The artifact never depends on the machine that makes it: `reduce_range` is an option, off by
default, and not a guess from this CPU, since the variant will run elsewhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchhub.compress.quiet import quiet
from benchhub.model import Array, Settings

#: Ways to read a range off the calibration cases: option -> onnxruntime's name.
METHODS = {"minmax": "MinMax", "percentile": "Percentile", "entropy": "Entropy"}


def make_int8_dynamic(
    baseline: Path,
    output: Path,
    options: Settings,
    calibration: Callable[[int], Mapping[str, Array]],
) -> None:
    """Write `baseline` with int8 weights to `output`; activations are quantized at each call.

    Options: `weight_type` (QUInt8; QInt8 convolutions run several times slower than float32 in
    onnxruntime), `per_channel`.
    """
    with quiet(), tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(
            _prepared(baseline, Path(scratch)),
            str(output),
            weight_type=QuantType[options["weight_type"]],
            per_channel=options["per_channel"],
        )


def make_int8_static(
    baseline: Path,
    output: Path,
    options: Settings,
    calibration: Callable[[int], Mapping[str, Array]],
) -> None:
    """Write `baseline` with int8 weights and activations to `output`, in QDQ form.

    Options: `calibration_cases` (64), `per_channel` (true), `method` (minmax, percentile or
    entropy), `weight_type` (QInt8), `activation_type` (QUInt8), `reduce_range` (false; true keeps
    weights to 7 bits, for x86 CPUs without VNNI, whose 16-bit sums can saturate).
    """
    inputs = calibration(options["calibration_cases"])
    with quiet(), tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        from onnxruntime.quantization import (
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quantize_static,
        )

        quantize_static(
            _prepared(baseline, Path(scratch)),
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


def _prepared(baseline: Path, scratch: Path) -> str:
    """Return the path of a copy with shapes inferred and the graph simplified."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = scratch / "prepared.onnx"
    quant_pre_process(str(baseline), str(prepared))
    return str(prepared)


def _reader(inputs: Mapping[str, Array]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Feeds one case at a time, which any batch axis accepts."""

        def __init__(self) -> None:
            self.feeds: Iterator[dict[str, Array]] = _one_by_one(inputs)

        def get_next(self) -> dict[str, Array] | None:
            return next(self.feeds, None)

    return Reader()


def _one_by_one(inputs: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    for row in range(min(len(array) for array in inputs.values())):
        yield {name: array[row : row + 1] for name, array in inputs.items()}
