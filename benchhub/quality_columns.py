"""Fills the agreement and quality columns of rows; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchhub.model import (
    BY_DEFINITION,
    Agreement,
    Array,
    Cell,
    Flag,
    Launch,
    Metric,
    Row,
    Scenario,
    Truth,
)
from benchhub.quality import Quality, agreement, assess
from benchhub.stats.bootstrap import Limits

#: Flags of outputs that are no answers: no loss may be counted from them.
GARBAGE = ("garbage", "nonfinite")

#: Device, backend, variant, the precision asked for, options: what outputs depend on.
_Group = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class _Answers:
    """The whole outputs of a quality cell, with the cell they come from."""

    cell: str
    outputs: tuple[Array, ...]


def fill_agreement(row: Row, launches: list[Launch], truth: Truth, limits: Agreement) -> None:
    """Set the agreement columns to the worst of `launches`, and flag outputs that are garbage."""
    found = [agreement(launch.outputs, truth.reference) for launch in launches if launch.outputs]
    if not found:
        return
    worst_abs, worst = max(one[0] for one in found), max(one[1] for one in found)
    row.agreement_max_abs, row.agreement_relative = worst_abs, worst
    if not math.isfinite(worst_abs):
        evidence = "outputs are not finite, or of another shape than the baseline's"
        row.flags = (*row.flags, Flag("nonfinite", evidence, caps=True))
    if worst > limits.max_relative:
        evidence = (
            f"outputs lie {worst:.2g} of the reference's spread from the baseline's"
            f" (limit {limits.max_relative:g}; worst of {len(found)} launches)"
        )
        row.flags = (*row.flags, Flag("garbage", evidence, caps=True))


def fill_quality(
    rows: Sequence[Row],
    cells: Sequence[Cell],
    by_cell: Mapping[str, Sequence[Launch]],
    truth: Truth,
    metric: Metric,
    baseline: str,
) -> None:
    """Judge every quality cell, and show it in all rows of its artifact, precision and options.

    The loss is against the baseline's quality cell on the same device and backend, at float32 and
    the first of its options where these are swept; where that was not measured, or gave garbage,
    against the controller's reference. `provenance["quality"]` says which. The baseline's own loss
    is 0 by definition and has no limits.
    """
    answers: dict[_Group, _Answers] = {}
    sound: dict[_Group, _Answers] = {}
    for cell, row in zip(cells, rows, strict=True):
        group = _group(cell)
        if cell.scenario is not Scenario.QUALITY or row.status != "finished" or group in answers:
            continue
        outputs = next(
            (
                one.outputs
                for one in [one for one in by_cell[cell.key] if one.status == "finished"]
                if one.outputs
            ),
            None,
        )
        if outputs is not None:
            answers[group] = _Answers(cell.key, outputs)
            if not any(flag.name in GARBAGE for flag in row.flags):
                sound[group] = answers[group]
    for group, answer in answers.items():
        device, backend = group[:2]
        theirs = [row for cell, row in zip(cells, rows, strict=True) if _group(cell) == group]
        base = _base(sound, device, backend, baseline)
        against = base.outputs if base else truth.reference
        try:
            quality = assess(answer.outputs, truth, metric, against)
        except ValueError as error:
            for row in theirs:
                row.withheld = {**row.withheld, "quality": f"n/a: {error}"}
            continue
        source = {
            "cell": answer.cell,
            "against": f"{baseline} on {device} and {backend}"
            if base
            else f"{baseline} on the controller at float32",
        }
        for row in theirs:
            _show(row, quality, metric, source, itself=base is answer)


def _group(cell: Cell) -> _Group:
    return cell.device, cell.backend, cell.variant, cell.precision, cell.options


def _base(
    answers: Mapping[_Group, _Answers], device: str, backend: str, baseline: str
) -> _Answers | None:
    wanted = (device, backend, baseline, "f32")
    return next((found for group, found in answers.items() if group[:4] == wanted), None)


def _show(
    row: Row, quality: Quality, metric: Metric, source: Mapping[str, str], itself: bool
) -> None:
    row.quality_metric, row.quality_cases = metric.name, quality.cases
    row.quality, row.quality_parts = quality.value, quality.parts
    row.quality_low, row.quality_high = _known(quality.low), _known(quality.high)
    row.quality_loss = quality.loss.estimate
    described: dict[str, object] = {"low": None, "high": None, "method": BY_DEFINITION}
    if not itself:
        described = _limits(quality.loss) | {"method": quality.method}
        described["relative"] = _limits(quality.share) if quality.share else None
        row.quality_loss_low, row.quality_loss_high = (
            _known(quality.loss.low),
            _known(quality.loss.high),
        )
    row.intervals = {
        **row.intervals,
        "quality": {"low": row.quality_low, "high": row.quality_high, "method": "bootstrap-t"},
        "quality_loss": described | {"baseline": quality.baseline, "groups": quality.groups},
    }
    row.provenance = {**row.provenance, "quality": source}


def _limits(found: Limits) -> dict[str, float | None]:
    return {
        "estimate": found.estimate,
        "low": _known(found.low),
        "high": _known(found.high),
        "upper_one_sided": _known(found.upper),
    }


def _known(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None
