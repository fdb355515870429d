"""Constants that plain operators scale integers by: they are no weights, whatever they look like.

Operators of quantization have scales and zero points at places of their own, which `roles` lists.
What computes with integers and scales their sums afterwards has them at a plain Mul, as
onnxruntime's dynamic quantization writes it; so has what turns stored integers into numbers by
Cast, Sub and Mul. Values are followed on this way; a factor after it is a layer's own.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


class Kind(enum.Enum):
    """What a value on this way is."""

    #: A tensor that is stored as integers of 8 bits or fewer.
    STORED = 1
    #: Numbers turned into integers.
    QUANTIZED = 2
    #: Products of such integers, added up.
    SUM = 3
    #: What one step of integers stands for.
    SCALE = 4


@dataclass(frozen=True, slots=True)
class Flow:
    """A value on its way from integers to the numbers that they stand for.

    `computed` counts scales that are computed in every call, `constant` whether there is one that
    the file holds: those that a sum has still to be multiplied by, or those that a scale is of.
    """

    kind: Kind
    computed: int = 0
    constant: bool = False

    @property
    def done(self) -> bool:
        """Whether it stands for numbers again."""
        return self.kind is Kind.SUM and self.computed <= 0 and not self.constant


#: Operators that hand on their first input, whole or in part.
_HANDING_ON = frozenset(
    [
        "Cast",
        "Expand",
        "Flatten",
        "Gather",
        "Identity",
        "Reshape",
        "Slice",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
    ]
)
_SUMMING = frozenset(["ConvInteger", "MatMulInteger"])


def follow(
    node: onnx.NodeProto, flows: Mapping[str, Flow], constants: Collection[str]
) -> tuple[dict[str, Flow], int | None]:
    """Return what the outputs of a node are on this way, and which input is a constant scale.

    `flows` are those of values before it, `constants` what the file holds. Also a zero point that
    is taken off by a Sub is returned as such an input.
    """
    operator, given = node.op_type, list(node.input)
    first = flows.get(given[0]) if given else None
    if operator == "DynamicQuantizeLinear":
        return {node.output[0]: Flow(Kind.QUANTIZED, 1), node.output[1]: Flow(Kind.SCALE, 1)}, None
    if operator == "QuantizeLinear":
        return {node.output[0]: Flow(Kind.QUANTIZED)}, None
    if operator in _SUMMING:
        sides = [flows.get(name) for name in given[:2]]
        computed = sum(one.computed for one in sides if one is not None)
        return {node.output[0]: Flow(Kind.SUM, computed, computed < len(sides))}, None
    if operator in _HANDING_ON:
        return ({} if first is None else {node.output[0]: first}), None
    if operator in ("Mul", "Div", "Sub") and len(given) == 2:
        return _combined(node, flows, constants)
    return {}, None


def _combined(
    node: onnx.NodeProto, flows: Mapping[str, Flow], constants: Collection[str]
) -> tuple[dict[str, Flow], int | None]:
    one, other = (flows.get(name) for name in node.input)
    for at, flow, factor in ((1, one, other), (0, other, one)):
        may_scale = at == 1 or node.op_type == "Mul"
        if flow is not None and may_scale and node.input[at] in constants:
            found = _by_constant(node, flow, factor)
            if found is not None:
                return found, at
    if one is not None and other is not None and node.op_type == "Mul":
        return _multiplied(node.output[0], one, other), None
    return {}, None


def _by_constant(node: onnx.NodeProto, flow: Flow, factor: Flow | None) -> dict[str, Flow] | None:
    """Return what comes of a value and a constant; None: that is neither scale nor zero point."""
    stored = flow.kind is Kind.STORED
    if node.op_type == "Sub":
        return {node.output[0]: flow} if stored else None
    if stored and (factor is None or factor.kind is not Kind.STORED):
        return {}
    if flow.kind is Kind.SCALE:
        return {node.output[0]: Flow(Kind.SCALE, flow.computed, True)}
    if flow.kind is Kind.SUM and flow.constant:
        return _going_on(node.output[0], Flow(Kind.SUM, flow.computed))
    return None


def _multiplied(output: str, one: Flow, other: Flow) -> dict[str, Flow]:
    if one.kind is other.kind is Kind.SCALE:
        constant = one.constant or other.constant
        return {output: Flow(Kind.SCALE, one.computed + other.computed, constant)}
    total, scale = (one, other) if one.kind is Kind.SUM else (other, one)
    if total.kind is not Kind.SUM or scale.kind is not Kind.SCALE:
        return {}
    owed = total.constant and not scale.constant
    return _going_on(output, Flow(Kind.SUM, total.computed - scale.computed, owed))


def _going_on(output: str, flow: Flow) -> dict[str, Flow]:
    return {} if flow.done else {output: flow}
