"""Everything a report knows, for programs: rows with their intervals, flags and provenance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchhub.model.cell import Cell, Skip
from benchhub.model.launch import RunInfo
from benchhub.model.row import Race, Results, Row
from benchhub.report.compare.files import sentences
from benchhub.report.plain import json_text, plain
from benchhub.report.run.row_json import row_json
from benchhub.report.tables.conclude import overall

SUFFIX = ".json"
SCHEMA = 1

_LISTS = (
    "devices", "rows", "verdicts", "skips", "variants", "selftests", "claims", "races", "budgets",
)  # fmt: skip


def render(results: Sequence[Results], interactive: bool = False) -> str:
    """Strict JSON: a number that is missing, NaN or infinite is null; keys keep a fixed order.

    One run gives `{"schema", "run", "devices", "rows", "verdicts", "skips", "variants",
    "selftests", "claims", "races", "budgets"}`. With several, `run` is the first, `runs` names
    all, and each listed item carries its `run`. The `outcome` of a run is what `benchhub gate`
    answers.
    """
    return json_text(document(results))


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
    if isinstance(value, Race):
        return _race(value)
    return _skip(value) if isinstance(value, Skip) else plain(value)


def _race(race: Race) -> dict[str, Any]:
    """Who is faster among files, and in words; `backend` null: each on the one it is fastest on."""
    settings = ("device", "threads", "batch", "precision", "shapes")
    of = {name: getattr(race.fastest, name) for name in settings} | {"backend": race.backend}
    leads = [
        {
            **_file(lead.other),
            **{name: plain(getattr(lead, name)) for name in ("ratio", "low", "high", "launches")},
            "told": lead.told,
        }
        for lead in race.leads
    ]
    return of | {"fastest": _file(race.fastest), "leads": leads, "said": sentences([race])[0]}


def _file(cell: Cell) -> dict[str, str]:
    return {"variant": cell.variant, "backend": cell.backend, "cell": cell.key}


def _skip(skip: Skip) -> dict[str, str]:
    told = {name: getattr(skip, name) for name in ("device", "variant", "backend")}
    return told | {
        "scenario": skip.what, "reason": skip.reason.text, "kind": skip.reason.kind.value,
    }  # fmt: skip
