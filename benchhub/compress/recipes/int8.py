"""Eight-bit integers, through onnxruntime's quantizer: dynamic, and static in QDQ form.

The artifact never depends on the machine that makes it: `reduce_range` is an option, off by
default, and not a guess from this CPU, since the variant will run elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchhub.compress.files.plain_graph import graphs, plain
from benchhub.compress.graphs.quantized import refuse_quantized
from benchhub.compress.recipe import Ingredients, one_by_one
from benchhub.compress.recipes.attempts import attempt_all, ways
from benchhub.compress.recipes.quiet import quiet
from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Array, Settings

if TYPE_CHECKING:
    import onnx

#: Ways to read a range off the calibration cases: option -> onnxruntime's name.
METHODS = {"minmax": "MinMax", "percentile": "Percentile", "entropy": "Entropy"}
#: The opset that quantized operators need: QuantizeLinear, and what quantizes at each call.
_STATIC_OPSET, _DYNAMIC_OPSET = 10, 11


def make_int8_dynamic(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write `source` with int8 weights to `output`; activations are quantized at each call.

    Options: `weight_type` (QUInt8; QInt8 convolutions run several times slower than float32 in
    onnxruntime), `per_channel`, `nodes_to_exclude`, `op_types_to_quantize`.
    """
    with quiet():
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from onnxruntime.quantization.registry import IntegerOpsRegistry

        model = read(source)
        chosen = _chosen(model, options, IntegerOpsRegistry)

        def quantize(given: Path, made: Path, per_channel: bool) -> None:
            quantize_dynamic(
                str(given),
                str(made),
                weight_type=QuantType[options["weight_type"]],
                per_channel=per_channel,
                **chosen,
            )

        attempts = list(ways(model, options["per_channel"], _DYNAMIC_OPSET, _DYNAMIC_OPSET))
        return attempt_all(model, output, attempts, quantize, ingredients)


def make_int8_static(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write `source` with int8 weights and activations to `output`, in QDQ form.

    Options: `calibration_cases` (64), `per_channel` (auto: a scale a channel, or one a tensor where
    no runtime takes that), `method` (minmax, percentile or entropy), `weight_type` (QInt8),
    `activation_type` (QUInt8), `reduce_range` (false; true keeps weights to 7 bits, for x86 CPUs
    without VNNI, whose 16-bit sums can saturate), `nodes_to_exclude`, `op_types_to_quantize`.
    """
    calls = calibration_calls(options, ingredients)
    with quiet():
        from onnxruntime.quantization import (
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quantize_static,
        )
        from onnxruntime.quantization.registry import QDQRegistry

        model = read(source)
        chosen = _chosen(model, options, QDQRegistry)

        def quantize(given: Path, made: Path, per_channel: bool) -> None:
            quantize_static(
                str(given),
                str(made),
                _reader(calls),
                quant_format=QuantFormat.QDQ,
                per_channel=per_channel,
                reduce_range=options["reduce_range"],
                activation_type=QuantType[options["activation_type"]],
                weight_type=QuantType[options["weight_type"]],
                calibrate_method=CalibrationMethod[METHODS[options["method"]]],
                calibration_providers=["CPUExecutionProvider"],
                **chosen,
            )

        attempts = list(ways(model, options["per_channel"], _STATIC_OPSET))
        return attempt_all(model, output, attempts, quantize, ingredients)


def read(source: Path | None) -> onnx.ModelProto:
    """Return the source in plain form, each node with a name; ConfigError if it is quantized."""
    import onnx

    assert source is not None  # the table says that it reads ONNX
    model = plain(onnx.load(str(source)))
    refuse_quantized(model)
    taken = {node.name for graph in graphs(model.graph) for node in graph.node}
    for index, node in enumerate(model.graph.node):
        if not node.name:
            name = f"{node.op_type}_{index}"
            while name in taken:
                name += "_"
            taken.add(name)
            node.name = name
    return model


def _chosen(
    model: onnx.ModelProto, options: Settings, known: Mapping[str, Any]
) -> Mapping[str, list[str]]:
    """Return the quantizer's arguments for what is quantized; ConfigError for unknown names."""
    nodes = [node.name for node in model.graph.node]
    for name in options["nodes_to_exclude"]:
        if name not in nodes:
            raise ConfigError(f"nodes_to_exclude: there is no node {name!r}{_near(name, nodes)}")
    for name in options["op_types_to_quantize"]:
        if name not in known:
            raise ConfigError(
                f"op_types_to_quantize: {name!r} cannot be quantized{nearest(name, known)}"
            )
    return {
        "nodes_to_exclude": list(options["nodes_to_exclude"]),
        "op_types_to_quantize": list(options["op_types_to_quantize"]) or None,  # type: ignore[dict-item]
    }


def _near(name: str, nodes: Sequence[str]) -> str:
    told = nearest(name, nodes)
    return told if "did you mean" in told else f"; the first are {', '.join(nodes[:5])}"


def calibration_calls(options: Settings, ingredients: Ingredients) -> Sequence[Mapping[str, Array]]:
    """Return calls with as many calibration cases as asked for."""
    count = options["calibration_cases"]
    if ingredients.calls is not None:
        return ingredients.calls(count)
    return list(one_by_one(ingredients.calibration(count)))


def _reader(calls: Sequence[Mapping[str, Array]]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class CalibrationReader(CalibrationDataReader):  # type: ignore[misc]
        """Feeds one call after another."""

        def __init__(self) -> None:
            self.feeds = iter(calls)

        def get_next(self) -> dict[str, Array] | None:
            feeds = next(self.feeds, None)
            return None if feeds is None else dict(feeds)

    return CalibrationReader()
