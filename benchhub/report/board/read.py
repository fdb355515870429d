"""A report's json as results again, for boards that are made of files; pure.

What json does not hold is not there: single launches, and what no later step asks for. A document
of an earlier version has no budgets, so that nobody can say what to ship by them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchhub.errors import ConfigError
from benchhub.model.asked import Budget
from benchhub.model.cell import Skip, SkipKind, Variant
from benchhub.model.claim import ClaimAnswer
from benchhub.model.device import DeviceInfo, Selftest
from benchhub.model.launch import RunInfo
from benchhub.model.request import ABRequest, BenchRequest, RunKind, RunRequest
from benchhub.model.row import Results, Verdict
from benchhub.outside.foreign.reading import reading
from benchhub.report.board.read_rows import row_read
from benchhub.report.run.json import SCHEMA
from benchhub.report.tables.conclude import overall
from benchhub.results.decided import made
from benchhub.text import all_visible

_STEP = "write it anew with `benchhub report RUN --format json -o FILE`"
_REQUESTS = {RunKind.AB: ABRequest, RunKind.BENCH: BenchRequest}
#: Commands that a report tells to type have it in them.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: What stands for budgets without a verdict, of which json tells by the run's outcome alone.
_SOME = ("a budget",)


@dataclasses.dataclass(frozen=True, slots=True)
class ReadRun:
    """A run as its json tells it; `with_budgets`: what it was held to is told, too."""

    results: Results
    with_budgets: bool


def read_runs(where: object, document: Any) -> list[ReadRun]:
    """Return the runs of a report's json; ConfigError, with `where`, if it is none."""
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(document.get("rows"), list):
        raise ConfigError(f"{where}: is no report of benchhub; {_STEP}")
    if schema != SCHEMA:
        raise ConfigError(
            f"{where}: is a report of schema {schema!r}, and this benchhub reads {SCHEMA};"
            " pip install --upgrade benchhub"
        )
    with reading(where, "is no whole report", _STEP):
        told = all_visible(document)
        runs = told.get("runs") or [told["run"]]
        return [_run(told, one, several=len(runs) > 1) for one in runs]


def _run(told: Mapping[str, Any], run: Mapping[str, Any], several: bool) -> ReadRun:
    def listed(name: str) -> list[Any]:
        items = told.get(name) or []
        if not several:
            return list(items)
        mine = [one for one in items if one["run"] == run["id"]]
        kept = "run" if name == "rows" else ""
        return [{key: one[key] for key in one if key != "run" or kept} for one in mine]

    info = _info(run)
    results = Results(
        run=info,
        devices=tuple(map(_device, listed("devices"))),
        rows=tuple(row_read(one, info.kind is RunKind.SUITE) for one in listed("rows")),
        verdicts=tuple(_known(Verdict, one) for one in listed("verdicts")),
        skips=tuple(map(_skip, listed("skips"))),
        variants=tuple(map(_variant, listed("variants"))),
        selftests=tuple(_known(Selftest, one) for one in listed("selftests")),
        claims=tuple(_known(ClaimAnswer, one) for one in listed("claims")),
        budgets=tuple(_known(Budget, one) for one in listed("budgets")),
    )
    if any(row.run != info.id for row in results.rows):
        raise ValueError("rows of a run that it does not name")
    if len({row.cell for row in results.rows}) < len(results.rows):
        raise ValueError("a cell that has two rows")
    if run.get("outcome") not in (None, overall([results])):
        results = dataclasses.replace(results, unjudged=_SOME)
    return ReadRun(results, "budgets" in told)


def _info(run: Mapping[str, Any]) -> RunInfo:
    if not _ID.fullmatch(run["id"]):
        raise ValueError("an id that no run has")
    kind = RunKind(run["kind"])
    request = _REQUESTS.get(kind, RunRequest)
    asked = _fields(request, run["request"]) | {"kind": kind.value}
    known = _fields(RunInfo, run)
    rest = {key: value for key, value in known.items() if key not in ("request", "provenance")}
    info: RunInfo = dataclasses.replace(
        made(
            RunInfo,
            rest
            | {
                "request": {"suite": "", "devices": []},
                "provenance": {"told": dict(run.get("provenance") or {})},
            },
        ),
        request=made(request, asked),
    )
    return info


def _device(told: Mapping[str, Any]) -> DeviceInfo:
    facts = {"facts": {"told": dict(told.get("facts") or {})}}
    device: DeviceInfo = made(DeviceInfo, _fields(DeviceInfo, told) | facts)
    return device


def _skip(told: Mapping[str, Any]) -> Skip:
    reason = {"kind": told.get("kind", SkipKind.NOT_MEANT), "text": told["reason"]}
    known = {name: told[name] for name in ("device", "variant", "backend", "scenario")}
    skip: Skip = made(Skip, known | {"reason": reason})
    return skip


def _variant(told: Mapping[str, Any]) -> Variant:
    variant: Variant = made(
        Variant, _fields(Variant, told) | {"path": Path(Path(told["path"]).name)}
    )
    return variant


def _known(kind: type, told: Mapping[str, Any]) -> Any:
    return made(kind, _fields(kind, told))


def _fields(kind: type, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that this version knows: a later one may tell more."""
    names = {one.name for one in dataclasses.fields(kind)}
    return {name: value for name, value in told.items() if name in names}
