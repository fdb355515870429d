"""The newest verdict of each suite and device, and what is otherwise since the last PASS there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchhub.errors import BenchhubError
from benchhub.model.row import Verdict
from benchhub.report.templating import environment
from benchhub.results.load import load_judged
from benchhub.results.verdicts.judge import NO_BUDGETS, answer
from benchhub.store import Store
from benchhub.text import estimate, moment, number, plural

PASS = "PASS"
#: How many runs of a suite are looked through for a PASS, and for how long all of them together.
MOST_BACK, WHILE_S = 25, 25.0
_MOST_LIMITS = 8
Spot = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class JudgedDevice:
    """What the gate says of one device of a run; `versions` are of models and backends there."""

    outcome: str
    limits: Mapping[Spot, Verdict]
    versions: Mapping[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """What the gate says of a run, device by device; `error`: why it says nothing."""

    devices: Mapping[str, JudgedDevice]
    error: str = ""


#: Runs that were judged, by their id and state; all of them have ended.
Known = dict[tuple[str, str], JudgedRun]


def verdicts(store: Store, asked: Mapping[str, Any], known: Known) -> str:
    """Return a row for each suite and device; `asked` has the runs of each suite, newest first."""
    until = time.monotonic() + WHILE_S

    def judged_run(run: str, state: str) -> JudgedRun | None:
        if (run, state) in known:
            return known[run, state]
        if time.monotonic() > until:
            return None
        found = _judged(store, run)
        known[run, state] = found
        return found

    rows, unseen = [], False
    for suite, runs in asked["suites"].items():
        newest = judged_run(*runs[0][:2])
        if newest is None:
            unseen = True
            continue
        if newest.error or not newest.devices:
            why = newest.error or "nothing was judged"
            rows.append(_row(suite, "", runs[0], "", why=why))
        for device, of in sorted(newest.devices.items()):
            row = _row(suite, device, runs[0], of.outcome)
            if of.outcome == PASS:
                row["words"] = _as_before(device, runs, judged_run)
            elif of.outcome != NO_BUDGETS:
                unseen |= not _since(row, device, of, runs, judged_run)
            rows.append(row)
    page = environment().get_template("serve/verdicts.html.j2")
    return page.render(rows=rows, unseen=unseen, left=asked["left"], moment=moment)


def _row(
    suite: str, device: str, run: Sequence[str], outcome: str, why: str = ""
) -> dict[str, Any]:
    return {"suite": suite, "device": device, "run": run[0], "at": run[2], "outcome": outcome,
            "words": why, "passed": "", "limits": [], "changed": []}  # fmt: skip


def _judged(store: Store, run: str) -> JudgedRun:
    try:
        judged = load_judged(store, run)
    except BenchhubError as error:  # of this run alone: it is damaged, or was deleted meanwhile
        return JudgedRun({}, str(error))
    results = judged.results
    failed = [row.device for row in results.rows if row.status == "failed"]
    failed += [device.name for device in results.devices if device.error]
    names = dict.fromkeys([*(v.device for v in judged.verdicts), *failed])
    return JudgedRun({
        name: JudgedDevice(
            answer([v for v in judged.verdicts if v.device == name], failed.count(name)),
            {_spot(v): v for v in judged.verdicts if v.device == name},
            {
                (row.variant, row.backend): (
                    row.model_sha256[:12], row.backend_version or "unknown"
                )
                for row in results.rows if row.device == name
            },
        )
        for name in names
    })  # fmt: skip


def _as_before(
    device: str, runs: Sequence[Sequence[str]], judged_run: Callable[[str, str], JudgedRun | None]
) -> str:
    """Return how the run before ended there, which is what most want to know of a PASS."""
    for run in runs[1:2]:
        before = judged_run(run[0], run[1])
        of = before.devices.get(device) if before else None
        if of is not None and of.outcome not in (PASS, NO_BUDGETS):
            return f"was {of.outcome} in the run before"
    return ""


def _since(
    row: dict[str, Any],
    device: str,
    now: JudgedDevice,
    runs: Sequence[Sequence[str]],
    judged_run: Callable[[str, str], JudgedRun | None],
) -> bool:
    """Add what changed since the last PASS; return whether all that may hold it was looked at."""
    for run in runs[1 : MOST_BACK + 1]:
        before = judged_run(run[0], run[1])
        if before is None:
            row["words"] = "earlier runs are not looked through yet"
            return False
        of = before.devices.get(device)
        if of is not None and of.outcome == PASS:
            row["passed"], row["passed_at"] = run[0], run[2]
            broken = [v for v in now.limits.values() if v.outcome != PASS]
            row["limits"] = [_limit(v, of.limits.get(_spot(v))) for v in broken[:_MOST_LIMITS]]
            row["more"] = max(0, len(broken) - _MOST_LIMITS)
            row["changed"] = _changed(of.versions, now.versions)
            return True
    count = len(runs[1 : MOST_BACK + 1])
    row["words"] = f"no PASS in {plural(count, 'run')} before it" if count else "it is the only run"
    broken = [v for v in now.limits.values() if v.outcome != PASS]
    row["limits"] = [_limit(v, None) for v in broken[:_MOST_LIMITS]]
    row["more"] = max(0, len(broken) - _MOST_LIMITS)
    return True


def _spot(of: Verdict) -> Spot:
    return of.variant, of.backend, of.scenario, of.batch, of.threads, of.budget, of.key


def _limit(now: Verdict, before: Verdict | None) -> dict[str, str]:
    return {
        "what": f"{now.variant} on {now.backend}, {now.scenario}, batch {now.batch},"
        f" threads {now.threads}: {now.key} {number(now.limit)}",
        "outcome": str(now.outcome),
        "before": estimate(before.value, before.low, before.high) if before else "",
        "now": estimate(now.value, now.low, now.high),
        "reason": now.reason,
    }


def _changed(
    before: Mapping[tuple[str, str], tuple[str, str]],
    now: Mapping[tuple[str, str], tuple[str, str]],
) -> list[str]:
    """Return which models and backends are not those of then."""
    told = []
    for (variant, backend), (model, version) in now.items():
        was = before.get((variant, backend))
        if was is not None and was[0] != model:
            told.append(f"model {variant}: {was[0]} → {model}")
        if was is not None and was[1] != version:
            told.append(f"{backend}: {was[1]} → {version}")
    return list(dict.fromkeys(told))
