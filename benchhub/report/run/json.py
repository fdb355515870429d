"""Everything a report knows, for programs: rows with their intervals, flags and provenance."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any

from benchhub.model.row import Results

SUFFIX = ".json"
SCHEMA = 1

_LISTS = ("devices", "rows", "verdicts", "skips", "variants", "selftests", "claims")


def render(results: Sequence[Results], interactive: bool = False) -> str:
    """Strict JSON: a number that is missing, NaN or infinite is null; keys keep a fixed order.

    One run gives `{"schema", "run", "devices", "rows", "verdicts", "skips", "variants",
    "selftests", "claims"}`. With several, `run` is the first, `runs` names all, and each listed
    item carries its `run`.
    """
    return json.dumps(document(results), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def document(results: Sequence[Results]) -> dict[str, Any]:
    """The same as plain dicts, lists and scalars."""
    runs = [plain(result.run) for result in results]
    several = len(results) > 1
    top: dict[str, Any] = {"schema": SCHEMA, "run": runs[0] if runs else None}
    if several:
        top["runs"] = runs
    for name in _LISTS:
        top[name] = [
            ({"run": result.run.id} if several else {}) | item
            for result in results
            for item in map(plain, getattr(result, name))
        ]
    return top


def plain(value: Any) -> Any:
    """A frozen value as what json can hold; mappings of unknown content are sorted by key."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in sorted(value, key=str)}
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return plain(value.tolist())
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, set | frozenset):
        return [plain(item) for item in sorted(value, key=str)]
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)
