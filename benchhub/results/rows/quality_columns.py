"""Fills the agreement and quality columns of rows; pure.

The first metric has columns of its own, further ones stand in `Row.quality_also`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.asked import Agreement
from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.row import BY_DEFINITION, Flag, Row
from benchhub.model.scenario import Scenario
from benchhub.results.rows.agreement import agreement
from benchhub.results.rows.quality import Quality, answers, assess, reference_answers, rounded
from benchhub.results.rows.quality_tables import Tables
from benchhub.stats.bootstrap import Limits
from benchhub.stats.interval import median_interval

#: Flags of outputs that are no answers: no loss may be counted from them.
GARBAGE = ("garbage", "nonfinite")
_NS_PER_MS = 1e6

#: Device, backend, variant, the precision asked for, options: what outputs depend on.
_Group = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Judges:
    """What quality is judged by: the metrics, the first of which has columns of its own.

    `seed` draws the resamples, and `tables` keeps what metrics have compared.
    """

    metrics: Sequence[Metric]
    seed: int = 0
    tables: Tables | None = None


@dataclass(frozen=True, slots=True)
class _Answers:
    """What metrics judge of a quality cell, with the cell it comes from, and its raw outputs."""

    cell: str
    outputs: tuple[Array, ...]
    raw: tuple[Array, ...]


def fill_agreement(
    row: Row,
    launches: list[Launch],
    answer_key: AnswerKey,
    limits: Agreement,
    approximates: str = "",
) -> None:
    """Set the agreement columns to the worst of `launches`, and flag outputs that are garbage.

    They are held against the controller's answers of the variant that they approximate; empty: the
    baseline's.
    """
    own = answer_key.own.get(approximates)
    found = [
        agreement(launch.outputs, answer_key.reference, answer_key.spreads)
        if own is None
        else agreement(
            [array[: len(own.outputs[0])] for array in launch.outputs], own.outputs, own.spreads
        )
        for launch in launches
        if launch.outputs
    ]
    whose = "the baseline" if own is None else approximates
    if not found:
        return
    worst_abs, worst = max(one[0] for one in found), max(one[1] for one in found)
    row.agreement_max_abs, row.agreement_relative = worst_abs, worst
    if not math.isfinite(worst_abs):
        evidence = f"outputs are not finite, or of another shape than {whose}'s"
        row.flags = (*row.flags, Flag("nonfinite", evidence, caps=True))
    if worst > limits.max_relative:
        evidence = (
            f"outputs lie {worst:.2g} of the reference's spread from {whose}'s"
            f" (limit {limits.max_relative:g}; worst of {len(found)} launches)"
        )
        row.flags = (*row.flags, Flag("garbage", evidence, caps=True))


def fill_postprocessing(row: Row, launches: Sequence[Launch], device: DeviceInfo | None) -> None:
    """Set how long the task's own part of an answer takes, where the device is the controller.

    It is timed on the controller, so it says nothing of another machine.
    """
    timed = [launch.postprocess_ns for launch in launches if launch.postprocess_ns.size]
    if not timed or device is None or device.transport != "local":
        return
    interval = median_interval(np.concatenate(timed).tolist())
    row.postprocess_p50_ms = interval.estimate / _NS_PER_MS
    row.intervals = {
        **row.intervals,
        "postprocess_p50_ms": {
            "low": None if interval.low is None else interval.low / _NS_PER_MS,
            "high": None if interval.high is None else interval.high / _NS_PER_MS,
            "confidence": interval.confidence,
            "cases": interval.n,
            "method": interval.method,
        },
    }


def fill_quality(
    rows: Sequence[Row],
    cells: Sequence[Cell],
    by_cell: Mapping[str, Sequence[Launch]],
    answer_key: AnswerKey,
    judges: Judges,
    baseline: str,
) -> None:
    """Judge every quality cell, and show it in all rows of its artifact, precision and options.

    The loss is against the baseline's quality cell on the same device and backend, at float32 and
    the first of its options where these are swept; where that was not measured, or gave garbage,
    against the controller's reference. `provenance["quality"]` says which. The baseline's own loss
    is 0 by definition and has no limits.
    """
    found, sound = _answered(rows, cells, by_cell, answer_key)
    tables = judges.tables or Tables()
    first, *others = judges.metrics
    for group, answer in found.items():
        device, backend = group[:2]
        theirs = [row for cell, row in zip(cells, rows, strict=True) if _group(cell) == group]
        base = _base(sound, device, backend, baseline)
        against = base or _Answers("", reference_answers(answer_key), answer_key.reference)
        judge = _judge(answer, against, answer_key, judges.seed, tables)
        try:
            quality = judge(first)
        except ValueError as error:
            for row in theirs:
                row.withheld = {**row.withheld, "quality": f"n/a: {error}"}
        else:
            source: dict[str, Any] = {
                "cell": answer.cell,
                "against": f"{baseline} on {device} and {backend}"
                if base
                else f"{baseline} on the controller at float32",
            }
            if others:  # they say so themselves
                source |= {"higher_is_better": first.higher_is_better, "unit": first.unit}
            for row in theirs:
                _show(row, quality, first, source, itself=base is answer)
        also: dict[str, Any] = {}
        withheld: dict[str, str] = {}
        for metric in others:
            try:
                also[metric.name] = _entry(judge(metric), metric, itself=base is answer)
            except ValueError as error:
                withheld[f"quality_also.{metric.name}"] = f"n/a: {error}"
        for row in theirs:
            row.quality_also = also
            row.withheld = {**row.withheld, **withheld}


def _judge(
    mine: _Answers, other: _Answers, answer_key: AnswerKey, seed: int, tables: Tables
) -> Callable[[Metric], Quality]:
    # Predictions are too coarse to tell rounding from another function; raw outputs are not.
    same = None
    if answer_key.predict:
        cases = min(len(mine.raw[0]), len(other.raw[0]))
        same = rounded(mine.raw[0][:cases], other.raw[0][:cases], answer_key.spreads[0])
    return lambda metric: assess(
        mine.outputs, answer_key, metric, other.outputs, seed=seed, tables=tables, same=same
    )


def _answered(
    rows: Sequence[Row],
    cells: Sequence[Cell],
    by_cell: Mapping[str, Sequence[Launch]],
    answer_key: AnswerKey,
) -> tuple[dict[_Group, _Answers], dict[_Group, _Answers]]:
    """Return the answers of every quality cell that has some, and those that are no garbage."""
    found: dict[_Group, _Answers] = {}
    sound: dict[_Group, _Answers] = {}
    for cell, row in zip(cells, rows, strict=True):
        group = _group(cell)
        if cell.scenario is not Scenario.QUALITY or row.status != "finished" or group in found:
            continue
        given = next(_given(cell.key, by_cell[cell.key], answer_key), None)
        if given is not None:
            found[group] = given
            if not any(flag.name in GARBAGE for flag in row.flags):
                sound[group] = found[group]
        elif answer_key.predict and by_cell[cell.key]:
            why = "n/a: the outputs are of another shape than the baseline's: none was predicted"
            row.withheld = {**row.withheld, "quality": why}
    return found, sound


def _given(cell: str, launches: Sequence[Launch], answer_key: AnswerKey) -> Iterator[_Answers]:
    for launch in launches:
        if launch.status == "finished" and (given := answers(launch, answer_key)):
            yield _Answers(cell, given, launch.outputs)


def _group(cell: Cell) -> _Group:
    return cell.device, cell.backend, cell.variant, cell.precision, cell.options


def _base(
    answers: Mapping[_Group, _Answers], device: str, backend: str, baseline: str
) -> _Answers | None:
    wanted = (device, backend, baseline, "f32")
    return next((found for group, found in answers.items() if group[:4] == wanted), None)


def _show(
    row: Row, quality: Quality, metric: Metric, source: Mapping[str, Any], itself: bool
) -> None:
    row.quality_metric, row.quality_cases = metric.name, quality.cases
    row.quality, row.quality_parts = quality.value, quality.parts
    row.quality_low, row.quality_high = _known(quality.low), _known(quality.high)
    row.quality_loss = quality.loss.estimate
    if not itself:
        row.quality_loss_low = _known(quality.loss.low)
        row.quality_loss_high = _known(quality.loss.high)
    row.intervals = {
        **row.intervals,
        "quality": {"low": row.quality_low, "high": row.quality_high, "method": "bootstrap-t"},
        "quality_loss": _lost(quality, itself),
    }
    row.provenance = {**row.provenance, "quality": source}


def _entry(quality: Quality, metric: Metric, itself: bool) -> dict[str, Any]:
    """Return what `Row.quality_also` holds of a metric; `limits` are those of the loss."""
    return {
        "value": quality.value,
        "low": _known(quality.low),
        "high": _known(quality.high),
        "loss": quality.loss.estimate,
        "loss_low": None if itself else _known(quality.loss.low),
        "loss_high": None if itself else _known(quality.loss.high),
        "method": BY_DEFINITION if itself else quality.method,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "limits": _lost(quality, itself),
        "parts": quality.parts,
    }


def _lost(quality: Quality, itself: bool) -> dict[str, Any]:
    """Return the entry of `Row.intervals` for a loss; the baseline's own is no measurement."""
    described: dict[str, Any] = {"low": None, "high": None, "method": BY_DEFINITION}
    if not itself:
        described = _limits(quality.loss) | {"method": quality.method}
        described["relative"] = _limits(quality.share) if quality.share else None
    return described | {"baseline": quality.baseline, "groups": quality.groups}


def _limits(found: Limits) -> dict[str, float | None]:
    return {
        "estimate": found.estimate,
        "low": _known(found.low),
        "high": _known(found.high),
        "upper_one_sided": _known(found.upper),
    }


def _known(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None
