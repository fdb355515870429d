"""Multiply-accumulate operations of one pass over one case of an ONNX model."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchhub.compress.files.counting.call import STANDARD, Call, Scope, Shape
from benchhub.compress.files.counting.free import FREE
from benchhub.compress.files.counting.products import PRODUCTS, RECURRENT
from benchhub.compress.files.counting.shapes import bare, inferred
from benchhub.compress.files.plain_graph import constant
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.outside.foreign.reading import reason

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, slots=True)
class Count:
    """Multiply-accumulates, or None and the operators whose share cannot be told.

    An operator outside the standard has its domain before its name; where its shape is what is
    missing, this is said after it.
    """

    macs: int | None
    uncounted: tuple[str, ...] = ()


def count_macs(
    model: onnx.ModelProto,
    shapes: Mapping[str, Shape] | None = None,
    values: Mapping[str, Array] | None = None,
    folder: Path | None = None,
    shared: Collection[str] = (),
    cases: int | None = None,
) -> Count:
    """Return the multiply-accumulates of a model for one case.

    `shapes` are those of its inputs at batch 1, where they are known from data; an open first axis
    is 1 without. `values` are inputs that are the same for every case, as settings are. Where all
    inputs and outputs have the same first axis, of several cases, the count is divided by it, or by
    `cases`, where it is said of how many these shapes are. What is counted are the operators of
    PRODUCTS; those of FREE count nothing. An operator that is in neither, a shape that cannot be
    told, a loop of unknown length, or branches that differ leave the count unknown: an unknown
    count is not a small one. So does whatever it stumbles over.
    `folder` has the model's other files.
    `shared` are inputs whose first axis is known to be of no cases.
    """
    try:
        return _counted(model, inferred(bare(model, shapes or {}, values, folder)), shared, cases)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a graph has that nobody foresaw
        return Count(None, (f"the graph as a whole ({reason(error)})",))


def _counted(
    model: onnx.ModelProto, found: onnx.ModelProto, shared: Collection[str], said: int | None
) -> Count:
    total, missing = _of_graph(found.graph, Scope())
    if missing:
        return Count(None, tuple(sorted(missing)))
    cases = _cases(model, found.graph, shared) if said is None else said
    return Count(total // cases) if total % cases == 0 else Count(total)


#: Said after an operator.
NO_SHAPE = " of unknown shape"
_Part = tuple[int, frozenset[str]]


def _of_graph(graph: onnx.GraphProto, around: Scope) -> _Part:
    """Return what is counted of a graph, and which operators are not."""
    scope = around.inside(graph)
    total, missing = 0, frozenset[str]()
    for node in graph.node:
        count, lacking = _of_node(Call(node, scope))
        total += count
        missing |= lacking
    return total, missing


def _of_node(call: Call) -> _Part:
    node = call.node
    key = node.domain, node.op_type
    if key in FREE:
        return 0, frozenset()
    if node.domain in STANDARD and node.op_type in ("If", "Loop", "Scan"):
        return _of_control(call)
    name = f"{node.domain}.{node.op_type}" if node.domain not in STANDARD else node.op_type
    product = PRODUCTS.get(key)
    if product is None:
        return 0, frozenset({name})
    count = product(call)
    return (0, frozenset({name + NO_SHAPE})) if count is None else (count, frozenset())


def _of_control(call: Call) -> _Part:
    """Branches count if they count the same; a body counts as often as it is known to run."""
    inner = [
        _of_graph(attribute.g, call.scope)
        for attribute in call.node.attribute
        if attribute.HasField("g")
    ]
    missing = frozenset[str]().union(*(lacking for _, lacking in inner))
    counts = {count for count, _ in inner}
    if missing:
        return 0, missing
    if call.node.op_type == "If":
        return (counts.pop(), missing) if len(counts) == 1 else (0, frozenset({"If"}))
    (count,) = counts
    if not count:
        return 0, missing
    times = _scanned(call) if call.node.op_type == "Scan" else _looped(call)
    return (0, frozenset({call.node.op_type})) if times is None else (count * times, missing)


def _scanned(call: Call) -> int | None:
    """Return how often the body of a Scan runs: for each step, at opset 8 of each case."""
    scanned = call.attribute("num_scan_inputs", 0)
    shape = call.shape(len(call.node.input) - scanned)
    if shape is None or not scanned:
        return None
    if _has_cases(call):
        return math.prod(shape[:2])
    axes = call.attribute("scan_input_axes") or [0] * scanned
    return int(shape[axes[0]])


def _has_cases(scan: Call) -> bool:
    """Return whether a Scan is of opset 8: lengths come first, and cases before steps."""
    return len(scan.node.input) > len(scan.attribute("body").input)


def _looped(call: Call) -> int | None:
    """Return how often a Loop runs, if that is written down."""
    times = call.scalar(0)
    begins = call.scalar(1) if call.has(1) else True
    goes_on = _goes_on(call)
    if begins is False:
        return 0
    if times is None or begins is None or goes_on is None:
        return None
    return max(0, int(times)) if goes_on else min(int(times), 1)


def _goes_on(loop: Call) -> bool | None:
    """Return the condition that a Loop's body gives, None if it is not always the same."""
    body = loop.attribute("body")
    kept = {node.output[0]: node.input[0] for node in body.node if node.op_type == "Identity"}
    going = body.output[0].name
    going = kept.get(going, going)
    if going == body.input[1].name:  # it comes out as it went in
        return True
    held = {tensor.name: tensor for tensor in body.initializer}
    held |= {one.name: one for node in body.node if (one := constant(node)) is not None}
    tensor = held.get(going) or loop.scope.values.get(going)
    if tensor is None or tensor.data_location == tensor.EXTERNAL:
        return None
    from onnx.numpy_helper import to_array

    return bool(to_array(tensor).all())


def _cases(model: onnx.ModelProto, graph: onnx.GraphProto, shared: Collection[str]) -> int:
    """Return how many cases all inputs and outputs are of; 1 unless they agree.

    What a recurrent layer or a Scan takes for steps are no cases.
    """
    held = {tensor.name for tensor in model.graph.initializer}
    held.update(shared)
    names = {value.name for value in model.graph.input} - held
    if not names:
        return 1
    names |= {value.name for value in model.graph.output} - held
    scope = Scope().inside(graph)
    shapes = scope.shapes
    firsts = {shapes[name][:1] if name in shapes else None for name in names}
    first = firsts.pop() if len(firsts) == 1 else None
    cases = first[0] if first and first[0] else 1
    return cases if all(_batched(Call(node, scope), cases) for node in graph.node) else 1


def _batched(call: Call, cases: int) -> bool:
    """Return whether a node can be of several cases side by side."""
    if call.node.op_type in RECURRENT:
        given = call.shape(0)
        return given is not None and given[1 - call.attribute("layout", 0)] % cases == 0
    if call.node.op_type != "Scan" or cases == 1:
        return True
    given = call.shape(len(call.node.input) - 1)
    return _has_cases(call) and given is not None and given[0] % cases == 0
