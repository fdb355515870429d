"""A graph in float16: weights and arithmetic, wherever ONNX lets an operator compute in it.

Inputs and outputs of the model stay as they are. A value that is needed in the other type is cast
where it is made, in the graph that makes it, so that every graph stays in order; graphs inside
nodes (If, Loop, Scan) are rewritten with the types that go in and out of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchhub.compress.graphs.definition import definition
from benchhub.compress.graphs.half_values import Halved, is_beyond
from benchhub.compress.graphs.inside import all_names, inner_graphs
from benchhub.compress.graphs.scopes import (
    NO_TENSOR,
    Rewritten,
    inferred_types,
    opened,
    told_by_runtime,
)

if TYPE_CHECKING:
    import onnx

_FLOAT, _HALF = 1, 10
#: ONNX lets these compute in float16, and runtimes do not, or not well enough.
_IN_FLOAT32 = frozenset(
    {"CumSum", "Max", "Min", "NonMaxSuppression", "RandomUniformLike", "Range", "RoiAlign"}
    | {"TopK", "Upsample", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}
)
_OWN = ("", "ai.onnx")
_CONTROL = frozenset({"If", "Loop", "Scan"})
#: What these return is about shapes; float16 counts exactly no further than 2048.
_ABOUT_SHAPES = frozenset({"Shape", "Size"})
_FEW = 64


def in_half(model: onnx.ModelProto) -> tuple[onnx.ModelProto, Halved]:
    """Return a plain model (see `plain`) in float16, and what became of its weights."""
    inferred = inferred_types(model)
    opset = {one.domain: one.version for one in inferred.opset_import}
    work = _Work(inferred, opset.get("", opset.get("ai.onnx", 1)))
    work.rewrite(opened(inferred.graph), half=False)
    return inferred, work.halved


class _Work:
    """One model on its way to float16."""

    def __init__(self, model: onnx.ModelProto, opset: int) -> None:
        self.halved = Halved()
        self._model, self._opset = model, opset
        self._taken = all_names(model.graph)

    def rewrite(self, scope: Rewritten, half: bool) -> None:
        """Rewrite a graph; with `half` its float32 inputs and outputs become float16."""
        graph = scope.graph
        self._tell_unknown(scope)
        if half:
            for value in graph.input:
                if scope.types.get(value.name) == _FLOAT:
                    value.type.tensor_type.elem_type = _HALF
                    scope.names[value.name] = {_HALF: value.name}
        if scope.parent is None:
            scope.fixed = {value.name for value in graph.output}
        for node in graph.node:
            self._node(node, scope)
        self._outputs(scope, half)
        used = [name for name in scope.tensors if name in scope.names]
        tensors = [tensor for name in used for tensor in self._tensors(scope, name)]
        nodes = [_copied(node) for node in scope.nodes]  # what is deleted is not to be read again
        del graph.node[:]
        graph.node.extend(nodes)
        del graph.initializer[:]
        graph.initializer.extend(tensors)
        del graph.value_info[:]

    def _tell_unknown(self, scope: Rewritten) -> None:
        if scope.parent is not None:
            return
        unknown = [
            name
            for node in scope.graph.node
            for name in node.output
            if name and name not in scope.types
        ]
        if unknown:
            scope.types |= told_by_runtime(self._model, unknown)

    def _node(self, node: onnx.NodeProto, scope: Rewritten) -> None:
        outputs = [scope.type_of(name) for name in node.output if name]
        inputs = [scope.type_of(name) for name in node.input if name]
        told = None not in outputs and None not in inputs
        tensors = NO_TENSOR not in outputs and NO_TENSOR not in inputs
        if node.op_type in _CONTROL and node.domain in _OWN:
            self._control(node, scope, half=told)
            return
        if self._filled(node, scope):
            return
        if _about_shapes(node, scope):
            scope.shapes.update(node.output)
            self._keep(node, scope)
        elif not told or not tensors or node.op_type in _IN_FLOAT32:
            self._keep(node, scope)
        elif node.op_type == "Cast" and node.domain in _OWN:
            self._cast(node, scope)
        else:
            self._halve(node, scope)

    def _halve(self, node: onnx.NodeProto, scope: Rewritten) -> None:
        """Let a node compute in float16 where its definition has that."""
        defined = definition(node.op_type, node.domain, self._opset)
        if defined is None:
            self._keep(node, scope)
            return
        kinds = [defined.input(index) for index in range(len(node.input))]
        halves = {
            kind
            for kind, name in zip(kinds, node.input, strict=True)
            if name
            and scope.type_of(name) == _FLOAT
            and defined.may_be(kind, "tensor(float16)", "tensor(float)")
        }
        for index, (kind, name) in enumerate(zip(kinds, node.input, strict=True)):
            if name and scope.type_of(name) == _FLOAT:
                node.input[index] = self._in(scope, name, _HALF if kind in halves else _FLOAT, node)
            else:
                node.input[index] = self._as_it_is(scope, name)
        made = [
            _HALF if defined.output(index) in halves else _FLOAT
            for index in range(len(node.output))
        ]
        self._append(node, scope, made)

    def _keep(self, node: onnx.NodeProto, scope: Rewritten) -> None:
        """Let a node compute in float32, as it did."""
        for index, name in enumerate(node.input):
            if name and scope.type_of(name) == _FLOAT:
                node.input[index] = self._in(scope, name, _FLOAT, node)
            else:
                node.input[index] = self._as_it_is(scope, name)
        for inner in inner_graphs(node):
            self.rewrite(opened(inner, scope), half=False)
        self._append(node, scope, [_FLOAT] * len(node.output))

    def _cast(self, node: onnx.NodeProto, scope: Rewritten) -> None:
        """Cast from what there is, and to float16 in the place of float32."""
        name = node.input[0]
        if scope.type_of(name) == _FLOAT:
            owner = scope.owner(name)
            there = owner.names.get(name, {}) if owner else {}
            node.input[0] = self._in(scope, name, _HALF if _HALF in there else _FLOAT, node)
        else:
            node.input[0] = self._as_it_is(scope, name)
        target = next(one for one in node.attribute if one.name == "to")
        if target.i == _FLOAT:
            target.i = _HALF
            self._append(node, scope, [_HALF])
        else:
            self._append(node, scope, [_FLOAT])

    def _control(self, node: onnx.NodeProto, scope: Rewritten, half: bool) -> None:
        """Rewrite a node with graphs inside: with `half`, float32 goes in and out as float16."""
        wanted = _HALF if half else _FLOAT
        kinds = [scope.type_of(name) for name in node.input]
        for index, name in enumerate(node.input):
            if name and scope.type_of(name) == _FLOAT:
                node.input[index] = self._in(scope, name, wanted, node)
            else:
                node.input[index] = self._as_it_is(scope, name)
        for inner in inner_graphs(node):
            for value, kind in zip(inner.input, kinds, strict=False):
                if kind and not value.type.WhichOneof("value"):
                    value.type.tensor_type.elem_type = kind
            self.rewrite(opened(inner, scope), half)
        self._append(node, scope, [wanted] * len(node.output))

    def _append(self, node: onnx.NodeProto, scope: Rewritten, made: list[int]) -> None:
        """Add a node whose float32 outputs are now of the types `made`."""
        scope.nodes.append(node)
        for index, (name, kind) in enumerate(zip(node.output, made, strict=True)):
            if not name:
                continue
            if scope.type_of(name) != _FLOAT:
                scope.names[name] = {scope.types.get(name, NO_TENSOR): name}
                continue
            own = name
            if kind == _HALF and name in scope.fixed:
                own = node.output[index] = self._new(f"{name}_float16")
            scope.names[name] = {kind: own}

    def _as_it_is(self, scope: Rewritten, name: str) -> str:
        """Return the name of a value that is not float32, and note that it is used."""
        if not name:
            return name
        owner = scope.owner(name)
        if owner is not None and name in owner.tensors and name not in owner.names:
            owner.names[name] = {owner.tensors[name].data_type: name}
        return name

    def _in(self, scope: Rewritten, name: str, kind: int, node: onnx.NodeProto | None) -> str:
        """Return the name of a float32 value in a type, cast where it is made if need be."""
        from onnx import helper

        owner = scope.owner(name)
        if owner is None:  # an invalid model: the checker says so
            return name
        names = owner.names.setdefault(name, {})
        if kind in names:
            return names[kind]
        if name in owner.tensors:
            fixed = name in owner.fixed
            own = kind == _FLOAT if fixed else not names
            names[kind] = name if own else self._new(f"{name}_{_SUFFIX[kind]}")
            if kind == _FLOAT and node is not None:
                self.halved.kept_by[node.op_type] += 1
            return names[kind]
        if kind == _HALF and name in owner.factors:
            names[kind] = self._factor(owner, name)
            return names[kind]
        (given,) = names.values()
        fixed = kind == _FLOAT and name in owner.fixed
        made = name if fixed else self._new(f"{name}_{_SUFFIX[kind]}")
        owner.nodes.append(
            helper.make_node("Cast", [given], [made], name=self._new(f"{made}_cast"), to=kind)
        )
        names[kind] = made
        return made

    def _factor(self, owner: Rewritten, name: str) -> str:
        """Return the name of a constant node in float16: to cast it would make it infinite or 0."""
        from onnx import helper

        made = self._new(f"{name}_{_SUFFIX[_HALF]}")
        value = self.halved.tensor(owner.factors[name], made)
        owner.nodes.append(helper.make_node("Constant", [], [made], name=made, value=value))
        return made

    def _filled(self, node: onnx.NodeProto, scope: Rewritten) -> bool:
        """Let a node that repeats a number that float16 cannot hold repeat the nearest it can."""
        if node.op_type != "ConstantOfShape" or node.domain not in _OWN:
            return False
        if scope.type_of(node.output[0]) != _FLOAT or not node.attribute:
            return False
        value = node.attribute[0].t
        if not is_beyond(value):
            return False
        value.CopyFrom(self.halved.tensor(value, value.name))
        node.input[0] = self._as_it_is(scope, node.input[0])
        self._append(node, scope, [_HALF])
        return True

    def _outputs(self, scope: Rewritten, half: bool) -> None:
        from onnx import helper

        for value in scope.graph.output:
            name, kind = value.name, scope.type_of(value.name)
            if kind != _FLOAT:
                self._as_it_is(scope, name)
                continue
            wanted = _HALF if half else _FLOAT
            found = self._in(scope, name, wanted, None)
            if scope.owner(name) is not scope:  # a graph returns values of its own only
                own = self._new(f"{name}_own")
                scope.nodes.append(helper.make_node("Identity", [found], [own]))
                found = own
            if scope.parent is not None:
                value.name = found
                value.type.tensor_type.elem_type = wanted

    def _tensors(self, scope: Rewritten, name: str) -> list[onnx.TensorProto]:
        """Return an initializer in every type that it is used in."""
        import onnx

        tensor, made = scope.tensors[name], []
        for kind, own in scope.names[name].items():
            if tensor.data_type != _FLOAT or kind == _FLOAT:
                copy = onnx.TensorProto()
                copy.CopyFrom(tensor)
                copy.name = own
                self.halved.kept += int(np.prod(tensor.dims)) if tensor.data_type == _FLOAT else 0
            else:
                copy = self.halved.tensor(tensor, own)
                self.halved.converted += int(np.prod(tensor.dims))
            made.append(copy)
        return made

    def _new(self, name: str) -> str:
        found, count = name, 0
        while found in self._taken:
            count += 1
            found = f"{name}_{count}"
        self._taken.add(found)
        return found


_SUFFIX = {_FLOAT: "float32", _HALF: "float16"}


def _about_shapes(node: onnx.NodeProto, scope: Rewritten) -> bool:
    """Return whether a node computes with sizes: of shapes, and of small constants beside them."""
    if node.op_type in _ABOUT_SHAPES:
        return True
    given = [name for name in node.input if name]
    others = [name for name in given if name not in scope.shapes]
    return len(others) < len(given) and all(
        name in scope.tensors and int(np.prod(scope.tensors[name].dims)) <= _FEW for name in others
    )


def _copied(node: onnx.NodeProto) -> onnx.NodeProto:
    import onnx

    own = onnx.NodeProto()
    own.CopyFrom(node)
    return own
