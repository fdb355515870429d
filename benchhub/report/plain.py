"""Frozen values as what JSON can hold, and that as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import itemgetter
from pathlib import PurePath
from typing import Any

from benchhub.model.facts import Facts, Provenance
from benchhub.model.launch import Details
from benchhub.model.request import RunRequest

_AS_IT_IS = frozenset({str, int, bool, type(None)})


def json_text(told: Any) -> str:
    """Return what `plain` returned as strict JSON, a line for each item: what is not finite is
    null, and keys keep their order."""
    from pydantic_core import PydanticSerializationError, to_json

    try:
        return to_json(told, indent=1, inf_nan_mode="null").decode() + "\n"
    except PydanticSerializationError:  # half a character, which no encoding has
        return json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """A frozen value as what json can hold; mappings of unknown content are sorted by key."""
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is dict:
        return _of_mapping(value)
    if kind is tuple or kind is list:
        return [item if type(item) in _AS_IT_IS else plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _nested(value)


def _nested(value: Any) -> Any:
    if isinstance(value, Facts | Provenance | Details):
        return plain(value.told)
    if isinstance(value, RunRequest):
        return plain(value.told())
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, Mapping):
        return _of_mapping(value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return plain(value.tolist())
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, set | frozenset):
        return [plain(item) for item in sorted(value, key=str)]
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)


def _of_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    items = sorted(((str(key), one) for key, one in value.items()), key=itemgetter(0))
    # Most values are scalars: to look at their types here spares a call for each.
    return {key: one if type(one) in _AS_IT_IS else plain(one) for key, one in items}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
