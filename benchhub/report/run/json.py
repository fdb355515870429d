"""Everything a report knows, for programs: rows with their intervals, flags and provenance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from benchhub.model.cell import Skip
from benchhub.model.launch import RunInfo
from benchhub.model.row import Results, Row
from benchhub.report.plain import plain
from benchhub.report.run.row_json import row_json
from benchhub.report.tables.conclude import overall

SUFFIX = ".json"
SCHEMA = 1

_LISTS = ("devices", "rows", "verdicts", "skips", "variants", "selftests", "claims")


def render(results: Sequence[Results], interactive: bool = False) -> str:
    """Strict JSON: a number that is missing, NaN or infinite is null; keys keep a fixed order.

    One run gives `{"schema", "run", "devices", "rows", "verdicts", "skips", "variants",
    "selftests", "claims"}`. With several, `run` is the first, `runs` names all, and each listed
    item carries its `run`. The `outcome` of a run is what `benchhub gate` answers.
    """
    return json.dumps(document(results), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def document(results: Sequence[Results]) -> dict[str, Any]:
    """The same as plain dicts, lists and scalars."""
    runs = [run_told(result.run) | {"outcome": overall([result])} for result in results]
    several = len(results) > 1
    top: dict[str, Any] = {"schema": SCHEMA, "run": runs[0] if runs else None}
    if several:
        top["runs"] = runs
    for name in _LISTS:
        top[name] = [
            ({"run": result.run.id} if several else {}) | item
            for result in results
            for item in map(_item, getattr(result, name))
        ]
    return top


def run_told(run: RunInfo) -> dict[str, Any]:
    """A run as plain dicts, lists and scalars."""
    return {**plain(run), "kind": plain(run.kind)}


def _item(value: Any) -> Any:
    if isinstance(value, Row):
        return {name: plain(told) for name, told in row_json(value).items()}
    return _skip(value) if isinstance(value, Skip) else plain(value)


def _skip(skip: Skip) -> dict[str, str]:
    told = {name: getattr(skip, name) for name in ("device", "variant", "backend")}
    return told | {"scenario": skip.what, "reason": skip.reason.text}
