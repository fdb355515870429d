"""A recommendation for programs: what may be said of each device, and what may not."""

from __future__ import annotations

from typing import Any

from benchhub.model.row import Row
from benchhub.report.plain import json_text
from benchhub.report.recommend.words import answer, next_steps
from benchhub.results.recommend.answer import (
    Advice,
    Contender,
    DeviceAnswer,
    Evidence,
    Recommendation,
    Rival,
    Unseen,
)
from benchhub.results.recommend.candidates import setting

#: What an answer may be taken to say of a device.
_MAY = {
    Advice.SHIP: "the pick keeps every limit, and no candidate that may keep them is better by more"
    " than the margin",
    Advice.TIE: "the pick and its ties keep every limit, and which of them is best cannot be told",
    Advice.OPEN: "the pick keeps every limit; a rival, or what was not seen, may be better, and"
    " may keep them, too",
    Advice.UNDECIDED: "nothing is known to keep every limit",
    Advice.NONE: "every candidate breaks a limit",
    Advice.NOTHING: "nothing was measured to choose from",
}


def render(of: Recommendation, suite: str) -> str:
    """Return a recommendation as JSON."""
    told: dict[str, Any] = {
        "schema": 1,
        "run": of.run,
        "answer": answer(of),
        "objective": of.objective,
        "margin": of.margin,
        "limits": [{"budget": name, "limits": dict(limits)} for name, limits in of.limits],
        "devices": [_device(one, suite) for one in of.devices],
        "failed": {
            "cells": [
                {**_cell(row), "device": row.device, "scenario": row.scenario, "why": row.reason}
                for row in of.failed.cells
            ],
            "devices": dict(of.failed.devices),
            "not_made": list(of.failed.unmade),
        },
        "notes": list(of.notes),
    }
    if of.for_all is not None:
        one = of.for_all
        told["for_all"] = {
            "setting": one.setting or None,
            "why": one.why or None,
            "ties": list(one.ties),
            "undecided": list(one.undecided),
            "costs": [
                {
                    "device": cost.device,
                    "ratio": cost.ratio,
                    "low": cost.low,
                    "high": cost.high,
                }
                for cost in one.costs
            ],
        }
    return json_text(told)


def _device(of: DeviceAnswer, suite: str) -> dict[str, Any]:
    return {
        "device": of.device,
        "answer": of.kind.value,
        "may_be_said": _MAY[of.kind],
        "looked_at": len(of.candidates),
        "pick": None if of.pick is None else _candidate(of.pick),
        "ties": [_rival(one) for one in of.ties],
        "rivals": [_rival(one) for one in of.rivals],
        "runner_up": None if of.runner_up is None else _rival(of.runner_up),
        "nearest": None if of.nearest is None else _candidate(of.nearest),
        "unseen": [_unseen(one) for one in of.unseen],
        "not_held_to": list(of.free_of),
        "why": of.why or None,
        "next": list(next_steps(of, suite)),
    }


def _rival(of: Rival) -> dict[str, Any]:
    return {
        **_candidate(of.candidate),
        "pick_is_times_as_good": of.ratio,
        "low": of.low,
        "high": of.high,
        "launches_to_tell": of.launches,
        "doubt": of.doubt or None,
    }


def _unseen(of: Unseen) -> dict[str, Any]:
    return {
        **_cell(of.row),
        "status": of.row.status,
        "why": of.why,
        "may_be_better": of.open,
    }


def _candidate(of: Contender) -> dict[str, Any]:
    row = of.row
    return {
        **_cell(row),
        "batch": row.batch,
        "threads": row.threads,
        "concurrency": row.concurrency,
        "options": row.options,
        "precision": row.precision,
        "value": of.value,
        "value_low": of.low,
        "value_high": of.high,
        "outcome": of.outcome.value,
        "evidence": [_evidence(one) for one in of.by_limit],
    }


def _cell(row: Row) -> dict[str, Any]:
    return {
        "setting": setting(row),
        "cell": row.cell,
        "variant": row.variant,
        "backend": row.backend,
    }


def _evidence(of: Evidence) -> dict[str, Any]:
    alone = of.verdict
    return {
        "budget": alone.budget,
        "key": alone.key,
        "scenario": alone.scenario,
        "batch": alone.batch,
        "threads": alone.threads,
        "limit": alone.limit,
        "value": alone.value,
        "low": alone.low,
        "high": alone.high,
        "alone": alone.outcome.value,
        "outcome": of.outcome.value,
        "as_one_of_many": of.worst,
        "reason": of.reason or None,
    }
