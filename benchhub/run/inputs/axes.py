"""What the name of an axis says: that it is the batch, or that it follows from others."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Mapping

_BATCH = re.compile(r"[\w.-]*batch( size)?[\w.-]*|bs", re.IGNORECASE)
#: A hyphen alone belongs to a name: `batch-size`.
_SIGNS = re.compile(r"[+*]|//|\s-\s")
_OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def says_batch(axis: object) -> bool:
    """Return whether an axis is called a batch, wherever it stands."""
    return isinstance(axis, str) and _BATCH.fullmatch(axis) is not None


def is_formula_of(axis: object, named: Collection[str]) -> bool:
    """Return whether an axis is called after a computation with others, of the names `named`."""
    tree = _parsed(axis) if isinstance(axis, str) else None
    if not isinstance(tree, ast.BinOp):
        return False
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} <= set(named)


def size_of(axis: int | str | None, named: Mapping[str, int]) -> int | None:
    """Return the size of an axis by its name or what it is computed from; None: not known."""
    if not isinstance(axis, str):
        return axis
    if axis in named:
        return named[axis]
    tree = _parsed(axis)
    found = None if tree is None else _value(tree, named)
    return found if found is not None and found > 0 else None


def _parsed(text: str) -> ast.expr | None:
    if not _SIGNS.search(text):
        return None
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _value(tree: ast.expr, named: Mapping[str, int]) -> int | None:
    match tree:
        case ast.Name(id=name):
            return named.get(name)
        case ast.Constant(value=int() as number):
            return number
        case ast.BinOp(left=left, op=sign, right=right):
            one, other = _value(left, named), _value(right, named)
            compute = _OPERATORS.get(type(sign))
            if one is None or other is None or compute is None:
                return None
            return None if compute is operator.floordiv and not other else compute(one, other)
    return None
