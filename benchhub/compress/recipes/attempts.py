"""Ways to quantize one model, tried in turn until a file runs; what was done is told."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchhub.compress.files.plain_graph import graphs
from benchhub.compress.graphs.biases import share_no_bias
from benchhub.compress.graphs.opset import opset_of, raised
from benchhub.compress.graphs.order import put_in_order
from benchhub.compress.graphs.quantized import layers, quantizing_nodes, refuse_half
from benchhub.compress.graphs.scopes import inferred_types
from benchhub.compress.recipe import Ingredients
from benchhub.compress.recipes.converters import converter_errors, in_one_line
from benchhub.errors import ConfigError

if TYPE_CHECKING:
    import onnx

#: A scale a channel has an axis, which DequantizeLinear has since this opset.
CHANNELS_OPSET = 13
#: How a reason begins that no other way would help against.
NOTHING = "nothing in it can be quantized"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way: at an opset, the graph simplified or not, a scale a channel or one a tensor."""

    opset: int
    simplified: bool
    per_channel: bool

    def __str__(self) -> str:
        return ", ".join(self._words())

    def unlike(self, other: Attempt) -> str:
        """Return what tells it from another one."""
        pairs = zip(self._words(), other._words(), strict=True)
        return ", ".join(mine for mine, its in pairs if mine != its)

    def _words(self) -> tuple[str, str, str]:
        scales = "per channel" if self.per_channel else "per tensor"
        form = "simplified" if self.simplified else "not simplified"
        return scales, form, f"at opset {self.opset}"


#: quantize(model, output, per_channel) writes a file; it raises what converters raise.
Quantize = Callable[[Path, Path, bool], None]


def attempt_all(
    model: onnx.ModelProto,
    output: Path,
    attempts: Sequence[Attempt],
    quantize: Quantize,
    ingredients: Ingredients,
    otherwise: str = "name in nodes_to_exclude what is to stay in float32",
) -> Mapping[str, str]:
    """Write the first file that onnxruntime loads and runs to `output`; return what was done.

    `model` is plain. Raises ConfigError where none does, with every reason and `otherwise`, and
    where nothing in it is quantized.
    """
    import onnx

    before = opset_of(model)
    failed: list[tuple[Attempt, str]] = []
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        scratch = Path(folder)
        for attempt in attempts:
            cause = _attempt(model, output, attempt, quantize, ingredients, scratch)
            if not cause:
                done = layers(onnx.load(str(output)))
                return {**_facts(attempt, before, failed), **done.facts()}
            failed.append((attempt, cause))
            output.unlink(missing_ok=True)
    refuse_half(model)  # a plainer cause than what the quantizer says of it
    raise ConfigError(_why_none(failed, otherwise))


def _why_none(failed: Sequence[tuple[Attempt, str]], otherwise: str) -> str:
    """Return every reason once, with the first way that met it, and the next step."""
    first: dict[str, Attempt] = {}
    for attempt, cause in failed:
        first.setdefault(cause, attempt)
    nothing = next((cause for cause in first if cause.startswith(NOTHING)), None)
    if nothing is not None:
        return nothing
    if len(first) == 1:
        (told,) = first
    else:
        told = "; ".join(f"{attempt}: {cause}" for cause, attempt in first.items())
    tensor = any(not attempt.per_channel for attempt, _ in failed)
    step = "" if tensor else "set per_channel = false, or "
    return f"{told}; {step}{otherwise}, or leave the variant out"


def _attempt(
    model: onnx.ModelProto,
    output: Path,
    attempt: Attempt,
    quantize: Quantize,
    ingredients: Ingredients,
    scratch: Path,
) -> str:
    """Write a file; return why it is of no use, or nothing."""
    import onnx

    higher, cause = raised(model, attempt.opset, ingredients.tried, scratch)
    if higher is None:
        return cause
    try:
        given = simplified(higher, scratch) if attempt.simplified else inferred_types(higher)
        share_no_bias(given)
        path = scratch / "given.onnx"
        onnx.save(given, str(path))
        quantize(path, output, attempt.per_channel)
        made = onnx.load(str(output))
        put_in_order(made)
        onnx.checker.check_model(made)
        onnx.save(made, str(output))
    except converter_errors() as error:
        return in_one_line(error)
    if not quantizing_nodes(made):
        return nothing(model)
    trial = ingredients.tried(output)
    return trial.cause if trial.known else ""


def nothing(model: onnx.ModelProto) -> str:
    """Return what to say of a model in which nothing is quantized."""
    import onnx

    kinds = {tensor.data_type for graph in graphs(model.graph) for tensor in graph.initializer}
    if onnx.TensorProto.DOUBLE in kinds and onnx.TensorProto.FLOAT not in kinds:
        return f"{NOTHING}: its weights are float64; export it in float32"
    operators = sorted({node.op_type for node in model.graph.node})
    listed = ", ".join(operators[:8]) + (", .." if len(operators) > 8 else "")
    inside = " (what is inside of them is not)" if {"If", "Loop", "Scan"} & {*operators} else ""
    return f"{NOTHING}: its operators are {listed}{inside}; measure it as it is"


def simplified(model: onnx.ModelProto, scratch: Path) -> onnx.ModelProto:
    """Return a copy as onnxruntime simplifies it, with shapes inferred from values, too.

    Batch normalisations are folded into the convolutions before them. Symbolic shape inference is
    left out: it gives up on enlargements of an open batch, and leaves files in the current folder.
    """
    import onnx
    import onnxruntime

    given, optimized = scratch / "plain.onnx", scratch / "optimized.onnx"
    onnx.save(model, str(given))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(optimized)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    onnxruntime.InferenceSession(str(given), options, providers=["CPUExecutionProvider"])
    return inferred_types(onnx.load(str(optimized)))


def ways(
    model: onnx.ModelProto, per_channel: bool | str, least: int, channels_need: int = CHANNELS_OPSET
) -> Iterator[Attempt]:
    """Yield ways in the order in which they are tried; `per_channel` may be "auto".

    `least` is the opset that the quantized operators need, `channels_need` with a scale a channel.
    """
    opset = opset_of(model)
    for channels in (True, False) if per_channel == "auto" else (bool(per_channel),):
        needed = channels_need if channels else least
        # what it has will do, or the lowest that does: converters change more the further they go
        for at in dict.fromkeys((max(opset, needed), max(opset, CHANNELS_OPSET))):
            for simple in (True, False):
                yield Attempt(at, simple, channels)


def _facts(
    attempt: Attempt, before: int, failed: Sequence[tuple[Attempt, str]]
) -> Mapping[str, str]:
    facts = {"quantized": str(attempt)}
    told = []
    if attempt.opset != before:
        why = "a scale a channel needs that" if attempt.per_channel else "its operators need that"
        told.append(f"opset {before} was converted to {attempt.opset}: {why}")
    if failed:
        first, cause = failed[0]
        told.append(f"made {attempt.unlike(first)}, since {first.unlike(attempt)} failed: {cause}")
    return {**facts, "told": "; ".join(told)} if told else facts
