"""Multiply-accumulates of an Einsum, whose equation says what meets what."""

from __future__ import annotations

import math

from benchhub.compress.files.counting.call import Call, Shape

_ELLIPSIS = "..."


def einsum(call: Call) -> int | None:
    """Return the products of an Einsum that takes its operands from left to right.

    Axes that stand in one operand alone are summed before. Then every pair, what came before and
    the next operand, multiplies once for each combination of its axes. One operand is only summed.
    """
    shapes = [call.shape(index) for index in range(len(call.node.input))]
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes):
        return None
    return products(call.attribute("equation", ""), known)


def products(equation: str, shapes: list[Shape]) -> int | None:
    """Return the products of an equation, None for one that does not fit the shapes.

    Axes under an ellipsis are aligned from the right, as in broadcasting.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        return None
    operands, sizes = [], dict[str, int]()
    for term, shape in zip(terms, shapes, strict=True):
        labels = _labels(term, len(shape))
        if labels is None:
            return None
        operands.append(set(labels))
        for label, size in zip(labels, shape, strict=True):
            sizes[label] = size if sizes.get(label, 1) == 1 else sizes[label]
    wanted = _result(left, right if arrow else None, sizes)
    total = 0
    held = operands[0]
    for at, operand in enumerate(operands[1:], 1):
        needed = wanted.union(*operands[at + 1 :])
        one, other = held & (needed | operand), operand & (needed | held)
        total += math.prod(sizes[label] for label in one | other)
        held = (one | other) & needed
    return total


def _labels(term: str, rank: int) -> list[str] | None:
    """Return a label for each axis; those under an ellipsis are numbered from the right."""
    before, dots, after = term.partition(_ELLIPSIS)
    spread = rank - len(before) - len(after)
    if spread < 0 or (spread and not dots):
        return None
    return [*before, *(f"{_ELLIPSIS}{spread - at}" for at in range(spread)), *after]


def _result(left: str, right: str | None, sizes: dict[str, int]) -> set[str]:
    """Return the labels of the result; without an arrow, those that stand once."""
    spread = {label for label in sizes if label.startswith(_ELLIPSIS)}
    if right is None:
        return spread | {label for label in sizes if left.count(label) == 1}
    return (spread if _ELLIPSIS in right else set()) | set(right.replace(_ELLIPSIS, ""))
