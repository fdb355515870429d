"""Frozen values as what JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any

from benchhub.model.facts import Facts, Provenance
from benchhub.model.launch import Details
from benchhub.model.request import RunRequest


def plain(value: Any) -> Any:
    """A frozen value as what json can hold; mappings of unknown content are sorted by key."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
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
