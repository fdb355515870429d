"""Whether a report was replicated, for programs: every row, figure and claim."""

from __future__ import annotations

from typing import Any

from benchhub.config.published.told import PublishedReport, PublishedRow
from benchhub.report.compare.replicated import answer
from benchhub.report.plain import json_text
from benchhub.results.replicate.answer import (
    FigureLimits,
    ReplicatedFigure,
    ReplicatedRow,
    Replication,
)


def render(of: Replication) -> str:
    """Return a replication as JSON; what was not measured is null."""
    told: dict[str, Any] = {
        "schema": 1,
        "outcome": of.outcome.value,
        "answer": answer(of),
        "theirs": _run(of.theirs),
        "ours": None if of.ours is None else _run(of.ours),
        "margin": of.margin,
        "quality_margin": of.quality_margin,
        "figures_looked_at": of.looked_at,
        "rows_left_out": of.left_out,
        "devices": [
            {"device": one.name, "same_kind": not one.unlike, "unlike": one.unlike or None}
            for one in of.devices
        ],
        "devices_not_asked_about": list(of.elsewhere),
        "differences": list(of.differences),
        "failed": list(of.failed),
        "rows": [_row(one) for one in of.rows],
        "claims": [
            {
                "kind": one.of,
                "text": one.text,
                "theirs": one.theirs,
                "ours": one.ours or None,
                "outcome": one.outcome.value,
                "reason": one.reason or None,
            }
            for one in of.claims
        ],
    }
    return json_text(told)


def _run(of: PublishedReport) -> dict[str, Any]:
    names = ("id", "suite", "effort", "started_at", "suite_sha256")
    return {name: getattr(of.run, name) for name in names}


def _row(of: ReplicatedRow) -> dict[str, Any]:
    return {
        **_cell(of.row),
        "outcome": of.outcome.value,
        "reason": of.reason or None,
        "notes": list(of.notes),
        "here": None if of.ours is None else _here(of.ours),
        "figures": [_figure(one) for one in of.figures],
    }


def _here(of: PublishedRow) -> dict[str, Any]:
    return {
        "cell": of.cell,
        "device": of.device,
        "variant": of.variant,
        "model_sha256": of.model_sha256,
        "backend_version": of.backend_version,
        "launches": of.launches,
        "status": of.status,
    }


def _cell(of: PublishedRow) -> dict[str, Any]:
    names = (
        "device", "variant", "model_sha256", "backend", "backend_version", "scenario", "batch",
        "threads", "precision", "concurrency", "rate_per_s", "options", "shapes", "launches",
        "cell",
    )  # fmt: skip
    return {name: getattr(of, name) for name in names}


def _figure(of: ReplicatedFigure) -> dict[str, Any]:
    return {
        "quantity": of.quantity,
        "outcome": of.outcome.value,
        "reason": of.reason,
        "theirs": _limits(of.theirs),
        "ours": _limits(of.ours),
        "ours_over_theirs" if of.ratio else "ours_less_theirs": _limits(of.by),
        "p_value": None if of.apart is None or of.exact else of.apart.p_value,
        "same_cases": of.exact,
        "launches_to_tell": of.launches,
    }


def _limits(of: FigureLimits | None) -> dict[str, float | None] | None:
    return None if of is None else {"value": of.value, "low": of.low, "high": of.high}
