"""A row of a report's json as a row again: what `report.run.row_json` wrote, inverted; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchhub.model.cell import CellKind
from benchhub.model.columns import ATTRIBUTES
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.quantities import QUANTITIES, Grain
from benchhub.model.row import Row
from benchhub.report.tables.notes import NOT_AVAILABLE
from benchhub.results.decided import made

_NOT_FIELDS = frozenset({"flags", "quality_metric", "quality_cases"})
_FIELDS = tuple(name for name in ATTRIBUTES if name not in _NOT_FIELDS)
_OF_QUALITY = frozenset({"quality", "quality_loss"})
_INTERVAL = (
    "low",
    "high",
    "method",
    "confidence",
    "n_eff",
    "cases",
    "looks",
    "against",
    "by_launch",
)
_LOSS = ("estimate", "low", "high", "upper_one_sided")
_PROVENANCE = (
    "model_sha256", "planned_launches", "launches", "statuses", "started_at", "governor",
    "frequency_mhz", "temperature_c", "load_1m", "unavailable", "gpu_memory_source", "paced",
    "warmup_dropped", "launches_of",
)  # fmt: skip
_PACED = ("offered", "completed", "late_starts", "start_late_p99_ns")


def row_read(told: Mapping[str, Any], of_suite: bool) -> Row:
    """Return the row that json tells of.

    LookupError, TypeError, ValueError or AttributeError: it is none.
    """
    withheld = {
        name: why.removeprefix(NOT_AVAILABLE) for name, why in told.get("withheld", {}).items()
    }
    also = told.get("quality_also", {})
    source = told["provenance"].get("quality") or {}
    row: Row = made(
        Row,
        {name: told[name] for name in _FIELDS if name in told}
        | {
            "flags": [_some(one, ("name", "evidence", "caps")) for one in told["flags"]],
            "figures": dict(_figures(told, withheld)),
            "quality": _quality(told, source),
            "quality_also": {name: _other(name, one, told) for name, one in also.items()},
            "several_metrics": bool(also) or "higher_is_better" in source,
            "medians_ms": told.get("medians_ms", []),
            "unjudged": dict(_unjudged(withheld)),
            "agreement_relative": told.get("agreement_relative"),
            "cell": told["cell"],
            "kind": (CellKind.MODEL if told["model_sha256"] else _without_model(told)).value,
            "of_suite": of_suite,
            "provenance": _provenance(told["provenance"]),
        },
    )
    return row


def _without_model(told: Mapping[str, Any]) -> CellKind:
    return CellKind.CANARY if told.get("options") else CellKind.HARNESS


def _figures(told: Mapping[str, Any], withheld: Mapping[str, str]) -> Any:
    intervals = told.get("intervals", {})
    for name, quantity in QUANTITIES.items():
        if quantity.grain is Grain.QUALITY and name in _OF_QUALITY:
            continue
        interval, why = intervals.get(name), withheld.get(name, "")
        value = told.get(name)
        if value is None and interval is None and not why:
            continue
        known = None if interval is None else _interval(interval)
        yield name, {"value": value, "interval": known, "withheld": why}


def _interval(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"low": None, "high": None, **_some(told, _INTERVAL)}


def _quality(told: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any] | None:
    if told.get("quality_metric") is None:
        return None
    intervals = told["intervals"]
    loss = (told["quality_loss"], told["quality_loss_low"], told["quality_loss_high"])
    return _metric(
        told["quality_metric"], told["quality"], loss, intervals["quality"],
        intervals["quality_loss"],
    ) | {
        "cases": told["quality_cases"],
        "parts": told.get("quality_parts", {}),
        "unit": source.get("unit", ""),
        "higher_is_better": source.get("higher_is_better", True),
    }  # fmt: skip


def _other(name: str, of: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    loss = (of["loss"], of["loss_low"], of["loss_high"])
    return _metric(name, of["value"], loss, of, of["limits"]) | {
        "cases": told.get("quality_cases") or 0,
        "parts": of.get("parts", {}),
        "unit": of["unit"],
        "higher_is_better": of["higher_is_better"],
    }


def _metric(
    name: str,
    value: Any,
    loss: tuple[Any, Any, Any],
    around: Mapping[str, Any],
    limits: Mapping[str, Any],
) -> dict[str, Any]:
    lost = {"upper_one_sided": None}
    if limits["method"] != BY_DEFINITION:
        lost |= _some(limits, _LOSS)
    share = limits.get("relative")
    return {
        "metric": name,
        "value": value,
        "low": around["low"],
        "high": around["high"],
        "loss": lost | dict(zip(_LOSS, loss, strict=False)),
        "share": None if share is None else _some(share, _LOSS),
        "method": limits["method"],
        "baseline": limits["baseline"],
        "groups": limits["groups"],
    }


def _unjudged(withheld: Mapping[str, str]) -> Any:
    for name, why in withheld.items():
        if name == "quality":
            yield "", why
        elif name.startswith("quality_also."):
            yield name.removeprefix("quality_also."), why


def _provenance(told: Mapping[str, Any]) -> dict[str, Any]:
    found = _some(told, _PROVENANCE)
    if found.get("paced") is not None:
        found["paced"] = _some(found["paced"], _PACED)
    quality = told.get("quality")
    return found | {
        "details": {"told": told.get("details", {})},
        "quality": _some(quality, ("cell", "against")) if quality else None,
    }


def _some(told: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the entries that this version knows: a later one may tell more."""
    return {name: told[name] for name in names if name in told}
