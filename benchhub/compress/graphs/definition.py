"""What types an operator is defined for: ONNX's own, and those that onnxruntime adds."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_OWN = ("", "ai.onnx")


@dataclass(frozen=True, slots=True)
class Definition:
    """The type of each input and output, a parameter's name or a type, and what those may be."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    allowed: dict[str, frozenset[str]]

    def input(self, index: int) -> str:
        """Return the type of an input; the last may stand for more."""
        return _at(self.inputs, index)

    def output(self, index: int) -> str:
        """Return the type of an output; the last may stand for more."""
        return _at(self.outputs, index)

    def may_be(self, kind: str, *types: str) -> bool:
        """Return whether a type parameter may be each of some types: `tensor(float16)`."""
        return set(types) <= self.allowed.get(kind, frozenset())


@functools.cache
def definition(operator: str, domain: str, opset: int) -> Definition | None:
    """Return how an operator is defined at an opset, None where nobody here knows it."""
    import onnx

    if domain in _OWN:
        try:
            schema = onnx.defs.get_schema(operator, opset, "")
        except onnx.defs.SchemaError:
            return None
        return _read(schema, "type_str")
    added = _added().get((domain, operator))
    return None if added is None else _read(added, "typeStr")


@functools.cache
def _added() -> dict[tuple[str, str], Any]:
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    return {
        (schema.domain, schema.name): schema
        for schema in native.get_all_operator_schema()
        if schema.domain not in _OWN
    }


def _read(schema: Any, type_of: str) -> Definition:
    allowed = {
        one.type_param_str: frozenset(one.allowed_type_strs) for one in schema.type_constraints
    }
    return Definition(
        tuple(getattr(one, type_of) for one in schema.inputs),
        tuple(getattr(one, type_of) for one in schema.outputs),
        allowed,
    )


def _at(kinds: Sequence[str], index: int) -> str:
    return kinds[min(index, len(kinds) - 1)] if kinds else ""
