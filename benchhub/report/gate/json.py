"""The gate for programs."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from benchhub.report.gate.entries import GateEntry, closing, entries
from benchhub.report.gate.groups import SameCause, groups
from benchhub.report.plain import json_text, plain
from benchhub.results.load import Judged

SUFFIX = ".json"
SCHEMA = 1


def render(judged: Judged) -> str:
    """Strict JSON, worst first: each verdict's own fields, with its `key` and cell in words.

    `verdicts` has one item for each budget entry and cell, `groups` what is INCONCLUSIVE by cause
    and next step, `errors` what failed beside them, `unjudged` the budgets whose cells could not
    be measured. A missing number is null.
    """
    found = entries(judged)
    run = judged.results.run
    document = {
        "schema": SCHEMA,
        "outcome": judged.overall,
        "exit_code": judged.exit_code,
        "next": closing(judged),
        "run": run.id,
        "suite": run.suite,
        "suite_sha256": run.suite_sha256,
        "verdicts": [_verdict(entry) for entry in found if entry.verdict is not None],
        "groups": [_group(one) for one in groups(found)],
        "errors": [
            {
                "device": entry.device,
                "what": entry.what,
                "reason": entry.reason,
                "next_step": entry.step,
            }
            for entry in found
            if entry.verdict is None and entry.outcome == "ERROR"
        ],
        "unjudged": list(judged.unjudged),
    }
    return json_text(document)


def _group(group: SameCause) -> dict[str, Any]:
    told = [entry.verdict for entry in group.entries if entry.verdict is not None]
    return {
        "cause": group.cause,
        "next_step": group.step,
        "count": len(group.entries),
        "cells": list(dict.fromkeys(verdict.cell for verdict in told)),
        "budgets": list(dict.fromkeys(entry.budget for entry in group.entries)),
    }


def _verdict(entry: GateEntry) -> dict[str, Any]:
    verdict = entry.verdict
    assert verdict is not None
    own = {field.name: plain(getattr(verdict, field.name)) for field in fields(verdict)}
    return own | {
        "error": entry.outcome == "ERROR",
        "emulated": entry.emulated,
        "key": entry.key,
        "what": entry.what,
        "next_step": entry.step,
    }
