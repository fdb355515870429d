"""What of an ONNX graph is known before it runs, computed: shapes of shapes, and branches taken."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from benchhub.compress.files.counting.call import STANDARD, Scope, Shape
from benchhub.compress.files.plain_graph import constant

if TYPE_CHECKING:
    import onnx

#: Elements of a result that is kept.
_SMALL = 4096
#: Random ones give other values each time; the rest hold graphs or make sequences.
_LEFT = frozenset(
    [
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
        "Bernoulli",
        "Multinomial",
        "Dropout",
        "If",
        "Loop",
        "Scan",
        "SequenceMap",
        "SequenceConstruct",
        "SequenceEmpty",
        "SequenceInsert",
        "SequenceErase",
        "SplitToSequence",
        "Optional",
        "ImageDecoder",
        "RegexFullMatch",  # which may take for ever
    ]
)
#: What gives no more elements than it is given, though nobody can tell how many.
_SHRINKING = frozenset(["Compress", "NonZero", "Unique"])


def fold(model: onnx.ModelProto) -> bool:
    """Compute in place what the outermost graph says already; return whether there was anything.

    Nodes of small constants and of known shapes become initializers; an If of a known condition
    becomes the branch that it takes.
    """
    graph = model.graph
    scope = Scope().inside(graph)
    known = {
        name: tensor
        for name, tensor in scope.values.items()
        if tensor.data_location != tensor.EXTERNAL and math.prod(tensor.dims) <= _SMALL
    }
    outputs = {value.name for value in graph.output}
    kept: list[onnx.NodeProto] = []
    changed = False
    for at, node in enumerate(graph.node):
        number = constant(node)
        if number is not None:
            known[number.name] = number
        branch = _branch(node, known)
        if branch is not None:
            kept += _put_in(graph, node, branch, f"branch{len(graph.initializer)}.{at}.")
            changed = True
            continue
        found = None if set(node.output) & outputs else _value(model, node, known, scope)
        if found is None:
            kept.append(node)
            continue
        changed = True
        known[found.name] = found
        graph.initializer.append(found)
    if changed:
        kept = [_copied(node) for node in kept]
        del graph.node[:]
        graph.node.extend(kept)
    return changed


def _copied(node: onnx.NodeProto) -> onnx.NodeProto:
    import onnx

    own = onnx.NodeProto()
    own.CopyFrom(node)
    return own


def _value(
    model: onnx.ModelProto, node: onnx.NodeProto, known: dict[str, onnx.TensorProto], scope: Scope
) -> onnx.TensorProto | None:
    """Return what the one output of a node always is, None if it is not known or not small."""
    from onnx.numpy_helper import from_array, to_array

    if node.domain not in STANDARD or node.op_type in _LEFT or len(node.output) != 1:
        return None
    value: Any
    if node.op_type in ("Shape", "Size") and node.input[0] not in known:
        shape = scope.shapes.get(node.input[0])
        if shape is None:
            return None
        if node.op_type == "Size":
            value = np.array(math.prod(shape), np.int64)
        else:
            bounds = {one.name: one.i for one in node.attribute}
            value = np.array(shape[bounds.get("start") : bounds.get("end")], np.int64)
        return from_array(value, node.output[0])
    given = [name for name in node.input if name]
    if not given or not all(name in known for name in given):
        return None
    # told before it is computed: a few numbers can ask for more elements than fit into memory
    size = scope.shapes.get(node.output[0])
    if size is None:
        size = _size(model, node, [known[name] for name in given])
    small = node.op_type in _SHRINKING if size is None else math.prod(size) <= _SMALL
    if not small:
        return None
    from onnx.reference import ReferenceEvaluator  # takes long to import; most graphs need none

    try:
        feeds = {name: to_array(known[name]) for name in given}
        (value,) = ReferenceEvaluator(_alone(model, node, given)).run(None, feeds)
        value = np.asarray(value)
        return from_array(value, node.output[0]) if value.size <= _SMALL else None
    except Exception:  # noqa: BLE001 - what it cannot compute, for any reason, stays a node
        return None


def _size(
    model: onnx.ModelProto, node: onnx.NodeProto, given: list[onnx.TensorProto]
) -> Shape | None:
    """Return the shape of what a node makes of constants, as can be inferred; None: it cannot."""
    import onnx
    from onnx.helper import make_empty_tensor_value_info, make_graph, make_model

    try:
        result = make_empty_tensor_value_info(node.output[0])
        graph = make_graph([node], "one", [], [result], given)
        alone = make_model(graph, opset_imports=model.opset_import)
        found = onnx.shape_inference.infer_shapes(alone, data_prop=True).graph
    except Exception:  # noqa: BLE001 - what it cannot infer, for any reason, is not known
        return None
    return Scope().inside(found).shapes.get(node.output[0])


def _alone(model: onnx.ModelProto, node: onnx.NodeProto, given: list[str]) -> onnx.ModelProto:
    """Return a model of one node, of the versions that `model` is of: a bare node has none."""
    from onnx.helper import make_empty_tensor_value_info, make_graph, make_model

    given_values, results = (
        [make_empty_tensor_value_info(name) for name in side] for side in (given, node.output)
    )
    graph = make_graph([node], "one", given_values, results)
    return make_model(graph, opset_imports=model.opset_import)


def _branch(node: onnx.NodeProto, known: dict[str, onnx.TensorProto]) -> onnx.GraphProto | None:
    """Return the branch that an If takes whatever its inputs are."""
    from onnx.numpy_helper import to_array

    if node.op_type != "If" or node.domain not in STANDARD or node.input[0] not in known:
        return None
    condition = to_array(known[node.input[0]])
    if condition.size != 1:
        return None
    wanted = "then_branch" if condition.item() else "else_branch"
    return next((one.g for one in node.attribute if one.name == wanted), None)


def _put_in(
    graph: onnx.GraphProto, node: onnx.NodeProto, branch: onnx.GraphProto, prefix: str
) -> list[onnx.NodeProto]:
    """Return the nodes of a branch under names of their own, ending in the outputs of its If."""
    import onnx

    own = onnx.GraphProto()
    own.CopyFrom(branch)
    names = _rename(own, prefix, {})
    graph.initializer.extend(own.initializer)
    graph.sparse_initializer.extend(own.sparse_initializer)
    ends = [
        onnx.helper.make_node("Identity", [names.get(given.name, given.name)], [name])
        for given, name in zip(branch.output, node.output, strict=False)
        if name
    ]
    return [*own.node, *ends]


def _rename(graph: onnx.GraphProto, prefix: str, outer: dict[str, str]) -> dict[str, str]:
    """Put a prefix before every name that a graph defines, in the graphs inside it, too."""
    held = [*graph.initializer, *(sparse.values for sparse in graph.sparse_initializer)]
    own = [value.name for value in (*graph.input, *held)]
    own += [name for node in graph.node for name in node.output if name]
    names = outer | {name: prefix + name for name in own}
    for value in (*held, *graph.input, *graph.output):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        for side in (node.input, node.output):
            side[:] = [names.get(name, name) for name in side]
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    _rename(inner, prefix, names)
    return names
