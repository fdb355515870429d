"""A row as what json can hold: its columns, and what only json has of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from benchhub.model.columns import COLUMNS
from benchhub.model.figure import BY_DEFINITION, Interval, LossLimits, MetricFigures
from benchhub.model.quantities import QUANTITIES
from benchhub.model.row import Row
from benchhub.report.plain import plain
from benchhub.report.tables.notes import NOT_AVAILABLE, reasons_of


def row_json(row: Row) -> dict[str, Any]:
    """Return every column in order, then the cell's key, intervals, provenance and quality.

    `medians_ms` are those of a latency cell's launches, each behind the round it was made in.
    """
    return {name: row.column(name) for name in COLUMNS} | {
        "cell": row.cell,
        "agreement_relative": row.agreement_relative,
        "withheld": withheld(row),
        "intervals": intervals(row),
        "provenance": provenance(row),
        "quality_parts": row.quality.parts if row.quality else {},
        "quality_also": {name: _metric(one) for name, one in row.quality_also.items()},
        **({"medians_ms": row.medians_ms} if row.medians_ms else {}),
    }


def withheld(row: Row) -> dict[str, str]:
    """Return why numbers are not shown, by column."""
    return {
        name: f"{NOT_AVAILABLE}{why}" for name, why in reasons_of(row, rare=True).items()
    }  # fmt: skip


def intervals(row: Row) -> dict[str, Any]:
    """Return the interval of every figure that has one, by column."""
    found = {
        name: _interval(name, figure.interval)
        for name, figure in row.figures.items()
        if figure.interval is not None
    }
    if row.quality is not None:
        known = row.quality
        found["quality"] = {"low": known.low, "high": known.high, "method": "bootstrap-t"}
        found["quality_loss"] = _lost(known)
    return found


def provenance(row: Row) -> dict[str, Any]:
    """Return where the figures come from; what does not apply to the cell is left out."""
    of = row.provenance
    found = {field.name: getattr(of, field.name) for field in fields(of)}
    for name in ("paced", "warmup_dropped", "quality", "launches_of"):
        if not found[name]:
            del found[name]
    if of.paced is not None:
        found["paced"] = plain(of.paced)
    if of.quality is not None:
        found["quality"] = plain(of.quality)
        if row.several_metrics and row.quality is not None:  # else there is one, and it is known
            found["quality"] |= {
                "higher_is_better": row.quality.higher_is_better,
                "unit": row.quality.unit,
            }
    return found


def _interval(name: str, of: Interval) -> dict[str, Any]:
    found: dict[str, Any] = {"low": of.low, "high": of.high, "method": of.method}
    for key in ("confidence", "n_eff", "cases"):
        if getattr(of, key) is not None:
            found[key] = getattr(of, key)
    if of.against:
        found["against"] = of.against
    if of.by_launch:
        found["by_launch"] = of.by_launch
    if QUANTITIES[name].budgets and QUANTITIES[name].quantile is not None:
        found["looks"] = [
            {key: value for key, value in told.items() if key != "most" or value is not None}
            for told in plain(of.looks)
        ]
    return found


def _metric(of: MetricFigures) -> dict[str, Any]:
    return {
        "value": of.value,
        "low": of.low,
        "high": of.high,
        "loss": of.loss.estimate,
        "loss_low": of.loss.low,
        "loss_high": of.loss.high,
        "method": of.method,
        "unit": of.unit,
        "higher_is_better": of.higher_is_better,
        "limits": _lost(of),
        "parts": of.parts,
    }


def _lost(of: MetricFigures) -> dict[str, Any]:
    """Return the limits of a loss; the baseline's own is no measurement."""
    found: dict[str, Any] = {"low": None, "high": None, "method": BY_DEFINITION}
    if not of.by_definition:
        found = {**_limits(of.loss), "method": of.method}
        found["relative"] = _limits(of.share) if of.share else None
    return found | {"baseline": of.baseline, "groups": of.groups}


def _limits(of: LossLimits) -> Mapping[str, float | None]:
    told: dict[str, float | None] = plain(of)
    return told
