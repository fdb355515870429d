"""What the outputs of cells are worth: how far from the reference, and of which quality; pure.

Quality is measured in the quality cell of a (device, backend, variant) and shown in its other rows
too; the provenance of a row says from which cell it comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.asked import Agreement
from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo
from benchhub.model.figure import BY_DEFINITION, Figure, Interval, LossLimits, MetricFigures
from benchhub.model.flag import WRONG_OUTPUTS, Flag, FlagKind
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.row import QualitySource
from benchhub.model.scenario import Scenario
from benchhub.results.rows.agreement import agreement
from benchhub.results.rows.case_tables import Tables
from benchhub.results.rows.launch_values import NS_PER_MS
from benchhub.results.rows.quality import Quality, answers, assess, reference_answers, rounded
from benchhub.stats.bootstrap import Limits
from benchhub.stats.interval import median_interval

#: Device, backend, variant, the precision asked for, options: what outputs depend on.
Group = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Judges:
    """What quality is judged by: the metrics, the first of which has columns of its own.

    `seed` draws the resamples, and `tables` keeps what metrics have compared.
    """

    metrics: Sequence[Metric]
    seed: int = 0
    tables: Tables | None = None


@dataclass(frozen=True, slots=True)
class Agreed:
    """How far outputs lie from the reference, and what to doubt for that."""

    max_abs: float | None = None
    relative: float | None = None
    flags: tuple[Flag, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether they may be counted on as a baseline."""
        return not any(flag.name in WRONG_OUTPUTS for flag in self.flags)


@dataclass(frozen=True, slots=True)
class JudgedQuality:
    """The quality that the rows of an artifact, precision and options show.

    `unjudged` gives the reason by metric for what is missing, the first one's under "".
    """

    first: MetricFigures | None = None
    also: Mapping[str, MetricFigures] = field(default_factory=dict)
    unjudged: Mapping[str, str] = field(default_factory=dict)
    source: QualitySource | None = None


@dataclass(frozen=True, slots=True)
class _Answers:
    """What metrics judge of a quality cell, with the cell it comes from, and its raw outputs."""

    cell: str
    outputs: tuple[Array, ...]
    raw: tuple[Array, ...]


def agreed(
    launches: Sequence[Launch], answer_key: AnswerKey, limits: Agreement, approximates: str = ""
) -> Agreed:
    """Return the worst agreement of `launches`, with flags where their outputs are garbage.

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
        return Agreed()
    worst_abs, worst = max(one[0] for one in found), max(one[1] for one in found)
    flags = []
    if not math.isfinite(worst_abs):
        evidence = f"outputs are not finite, or of another shape than {whose}'s"
        flags.append(Flag(FlagKind.NONFINITE, evidence, caps=True))
    if worst > limits.max_relative:
        evidence = (
            f"outputs lie {worst:.2g} of the reference's spread from {whose}'s"
            f" (limit {limits.max_relative:g}; worst of {len(found)} launches)"
        )
        flags.append(Flag(FlagKind.GARBAGE, evidence, caps=True))
    return Agreed(worst_abs, worst, tuple(flags))


def postprocessing(launches: Sequence[Launch], device: DeviceInfo | None) -> Figure | None:
    """Return how long the task's own part of an answer takes, where the device is the controller.

    It is timed on the controller, so it says nothing of another machine.
    """
    timed = [launch.postprocess_ns for launch in launches if launch.postprocess_ns.size]
    if not timed or device is None or device.transport != "local":
        return None
    found = median_interval(np.concatenate(timed).tolist())
    low, high = (None if end is None else end / NS_PER_MS for end in (found.low, found.high))
    interval = Interval(low, high, found.method, found.confidence, cases=found.n)
    return Figure(found.estimate / NS_PER_MS, interval)


def judged(
    finished: Mapping[Cell, Sequence[Launch]],
    sound: Mapping[Cell, bool],
    answer_key: AnswerKey,
    judges: Judges,
    baseline: str,
) -> dict[Group, JudgedQuality]:
    """Return the quality of every artifact that has a quality cell with answers, by `group_of`.

    `finished` are the cells that are, with their finished launches. The loss is against the
    baseline's quality cell on the same device and backend, at float32 and the first of its options
    where these are swept; where that was not measured, or is not `sound`, against the controller's
    reference. The baseline's own loss is 0 by definition and has no limits.
    """
    found: dict[Group, _Answers] = {}
    bases: dict[Group, _Answers] = {}
    result: dict[Group, JudgedQuality] = {}
    for cell, launches in finished.items():
        group = group_of(cell)
        if cell.scenario is not Scenario.QUALITY or group in found:
            continue
        given = next(_given(cell.key, launches, answer_key), None)
        if given is not None:
            found[group] = given
            if sound[cell]:
                bases[group] = given
        elif answer_key.predict and launches:
            why = "the outputs are of another shape than the baseline's: none was predicted"
            result[group] = JudgedQuality(unjudged={"": why})
    for group, answer in found.items():
        result[group] = _judged(group, answer, bases, answer_key, judges, baseline)
    return result


def group_of(cell: Cell) -> Group:
    """Return what a cell's outputs depend on."""
    return cell.device, cell.backend, cell.variant, cell.precision, cell.options


def _judged(
    group: Group,
    answer: _Answers,
    bases: Mapping[Group, _Answers],
    answer_key: AnswerKey,
    judges: Judges,
    baseline: str,
) -> JudgedQuality:
    device, backend = group[:2]
    base = _base(bases, device, backend, baseline)
    against = base or _Answers("", reference_answers(answer_key), answer_key.reference)
    judge = _judge(answer, against, answer_key, judges.seed, judges.tables or Tables())
    where = f"on {device} and {backend}" if base else "on the controller at float32"
    figures: dict[str, MetricFigures] = {}
    unjudged: dict[str, str] = {}
    first, *others = judges.metrics
    for metric in (first, *others):
        try:
            figures[metric.name] = _figures(judge(metric), metric, itself=base is answer)
        except ValueError as error:
            unjudged["" if metric is first else metric.name] = str(error)
    mine = figures.pop(first.name, None)
    source = QualitySource(answer.cell, f"{baseline} {where}") if mine else None
    return JudgedQuality(mine, figures, unjudged, source)


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


def _given(cell: str, launches: Sequence[Launch], answer_key: AnswerKey) -> Iterator[_Answers]:
    for launch in launches:
        if given := answers(launch, answer_key):
            yield _Answers(cell, given, launch.outputs)


def _base(
    found: Mapping[Group, _Answers], device: str, backend: str, baseline: str
) -> _Answers | None:
    wanted = (device, backend, baseline, "f32")
    return next((one for group, one in found.items() if group[:4] == wanted), None)


def _figures(quality: Quality, metric: Metric, itself: bool) -> MetricFigures:
    return MetricFigures(
        metric=metric.name,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        value=quality.value,
        low=_known(quality.low),
        high=_known(quality.high),
        loss=LossLimits(0.0, None, None, None) if itself else _limits(quality.loss),
        share=_limits(quality.share) if quality.share and not itself else None,
        method=BY_DEFINITION if itself else quality.method,
        baseline=quality.baseline,
        groups=quality.groups,
        cases=quality.cases,
        parts=quality.parts,
    )


def _limits(found: Limits) -> LossLimits:
    return LossLimits(
        found.estimate, _known(found.low), _known(found.high), _known(found.upper)
    )  # fmt: skip


def _known(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None
