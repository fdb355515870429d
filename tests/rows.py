"""Rows of a report from the columns that they show, as reports name them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from benchhub.model.columns import ENDS
from benchhub.model.figure import Figure, Interval, Look, LossLimits, MetricFigures
from benchhub.model.quantities import QUANTITIES, Grain
from benchhub.model.row import Row

_QUALITY = {
    "quality_metric": "metric", "quality": "value", "quality_low": "low", "quality_high": "high",
    "quality_cases": "cases", "quality_parts": "parts",
}  # fmt: skip
_LOSS = {"quality_loss": "estimate", "quality_loss_low": "low", "quality_loss_high": "high"}


def make_row(**columns: Any) -> Row:
    """A finished row of onnxruntime on localhost, with the figures of `columns`.

    `intervals` describe figures by quantity, as keywords of Interval or LossLimits; `withheld`
    says why one has no value.
    """
    usual = {
        "run": "r", "device": "localhost", "backend": "onnxruntime", "variant": "fp32",
        "model_sha256": "a" * 64, "scenario": "latency", "batch": 1, "threads": 1,
    }  # fmt: skip
    mine = {name: columns.pop(name, value) for name, value in usual.items()}
    return changed(Row(**mine), **columns)


def changed(
    row: Row,
    intervals: Mapping[str, Any] | None = None,
    withheld: Mapping[str, str] | None = None,
    **columns: Any,
) -> Row:
    """The same row with other columns."""
    figures = dict(row.figures)
    for name in [name for name in columns if name in QUANTITIES and not _of_quality(name)]:
        figures[name] = dataclasses.replace(row[name], value=columns.pop(name))
    for name in [name for name in columns if name in ENDS and not _of_quality(ENDS[name][0])]:
        quantity, lower = ENDS[name]
        end = {"low" if lower else "high": columns.pop(name)}
        _describe(figures, quantity, end)
    for quantity, told in (intervals or {}).items():
        if not _of_quality(quantity):
            _describe(figures, quantity, told)
    for quantity, why in (withheld or {}).items():
        figures[quantity] = Figure(None, figures.get(quantity, Figure()).interval, why)
    row = dataclasses.replace(row, figures=figures)
    judged = {name: columns.pop(name) for name in (*_QUALITY, *_LOSS) if name in columns}
    told = (intervals or {}).get("quality_loss", {})
    if judged or told:
        row = dataclasses.replace(row, quality=_judged(row.quality, judged, told))
    return dataclasses.replace(row, **columns)


def values(row: Row, *quantities: str) -> tuple[float | None, ...]:
    """What a row has of some quantities."""
    return tuple(row[name].value for name in quantities)


def judged_as(**known: Any) -> MetricFigures:
    """What a metric says of 300 cases, of nothing unless changed."""
    usual = {
        "metric": "dice", "unit": "", "higher_is_better": True, "value": 0.8, "low": None,
        "high": None, "loss": LossLimits(0.0, None, None, None), "share": None,
        "method": "bootstrap-t", "baseline": 0.8, "groups": 200, "cases": 300,
    }  # fmt: skip
    return MetricFigures(**(usual | known))


def _of_quality(quantity: str) -> bool:
    return QUANTITIES[quantity].grain is Grain.QUALITY and quantity.startswith("quality")


def _describe(figures: dict[str, Figure], quantity: str, told: Mapping[str, Any]) -> None:
    of = figures.get(quantity, Figure())
    interval = of.interval or Interval(None, None, "drawn")
    known = dict(told)
    if "looks" in known:
        known["looks"] = tuple(Look(**one) for one in known["looks"])
    figures[quantity] = dataclasses.replace(of, interval=dataclasses.replace(interval, **known))


def _judged(
    before: MetricFigures | None, judged: Mapping[str, Any], told: Mapping[str, Any]
) -> MetricFigures:
    known = {_QUALITY[name]: value for name, value in judged.items() if name in _QUALITY}
    of = dataclasses.replace(before or judged_as(), **known)
    loss = {_LOSS[name]: value for name, value in judged.items() if name in _LOSS}
    loss |= {name: told[name] for name in ("low", "high", "upper_one_sided") if name in told}
    more = {name: told[name] for name in ("method", "baseline", "groups") if name in told}
    if "share" in told:
        more["share"] = LossLimits(**told["share"]) if told["share"] else None
    return dataclasses.replace(of, loss=dataclasses.replace(of.loss, **loss), **more)
