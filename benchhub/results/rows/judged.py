"""What the outputs of cells are worth: how far from the reference, and of which quality; pure.

Quality is measured in the quality cell of a (device, backend, variant, batch) and shown in the
other rows of that batch too; the provenance of a row says from which cell it comes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
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
from benchhub.results.rows.alike import Apart, Artifact, artifact_of
from benchhub.results.rows.case_tables import Tables
from benchhub.results.rows.launch_values import NS_PER_MS
from benchhub.results.rows.quality import Quality, answers, assess, reference_answers, rounded
from benchhub.stats.bootstrap import Limits
from benchhub.stats.interval import median_interval

#: An artifact, and the batch: what outputs depend on.
Group = tuple[Artifact, int]


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
    """The quality that the rows of an artifact show at one batch.

    `unjudged` gives the reason by metric for what is missing, the first one's under "".
    `baseline_fell` says how much worse the baseline that losses refer to is at this batch than at
    its smallest one; empty: it is not.
    """

    first: MetricFigures | None = None
    also: Mapping[str, MetricFigures] = field(default_factory=dict)
    unjudged: Mapping[str, str] = field(default_factory=dict)
    source: QualitySource | None = None
    baseline_fell: str = ""


@dataclass(frozen=True, slots=True)
class _Answers:
    """What metrics judge of a quality cell, with the cell it comes from, and its raw outputs."""

    cell: str
    outputs: tuple[Array, ...]
    raw: tuple[Array, ...]


def agreed(
    launches: Sequence[Launch],
    answer_key: AnswerKey,
    limits: Agreement,
    approximates: str = "",
) -> Agreed:
    """Return the worst agreement of `launches`, with flags where their outputs are garbage.

    They are held against the controller's answers of the variant that they approximate; empty: the
    baseline's. Where these vary from call to call, lying apart from them makes nothing garbage.
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
    if worst > limits.max_relative and not (own is None and answer_key.varying):
        evidence = (
            f"outputs lie {worst:.2g} of the reference's spread from {whose}'s"
            f" (limit {limits.max_relative:g}; worst of {len(found)} launches)"
        )
        flags.append(Flag(FlagKind.GARBAGE, evidence, caps=True))
    return Agreed(worst_abs, worst, tuple(flags))


def below_chance(quality: JudgedQuality, allowed: bool) -> Flag | None:
    """Return the doubt that the baseline is worse than one answer for all cases, if it is.

    It keeps budgets of quality from being PASS unless that is `allowed`, or it is only a further
    metric that says so.
    """
    first = [quality.first] if quality.first else []
    said = [one for one in (*first, *quality.also.values()) if one.below_chance]
    if not said:
        return None
    told = "; ".join(
        f"{one.metric} of the baseline is {one.baseline:.4g}, and one answer for all cases has"
        f" {one.chance:.4g}"
        for one in said
    )
    evidence = f"{told}: see that labels and outputs are of the same things, in the same order"
    return Flag(FlagKind.BELOW_CHANCE, evidence, caps=said[0] in first and not allowed)


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
    varying: Mapping[Artifact, Apart] | None = None,
) -> dict[Group, JudgedQuality]:
    """Return the quality of every artifact at every batch with answers to judge, by `group_of`.

    `finished` are the cells that are, with their finished launches. The loss is against the
    baseline's quality cell of the same batch on the same device and backend, at float32 and the
    first of its options where these are swept; where that was not measured, or is not `sound`,
    against the controller's reference. The baseline's own loss is 0 by definition and has no
    limits. Of `varying` artifacts, and where the baseline is one, nothing is told.
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
    judging = _Judging(answer_key, judges, baseline, bases)
    for group in sorted(found, key=lambda group: group[1]):
        why = varies(group[0], baseline, answer_key, varying or {})
        result[group] = JudgedQuality(unjudged={"": why}) if why else judging.of(group, found)
    return result


def group_of(cell: Cell) -> Group:
    """Return what a cell's outputs depend on."""
    return artifact_of(cell), cell.batch


def varies(
    artifact: Artifact, baseline: str, answer_key: AnswerKey, varying: Mapping[Artifact, Apart]
) -> str:
    """Return in what way an artifact's answers vary, or its baseline's; empty: neither do."""
    if answer_key.varying:
        return f"the baseline's answers vary from call to call by {answer_key.varying}"
    own = varying.get(artifact)
    if own is not None:
        return f"its answers vary between launches by {own.text}"
    base = next((apart for of, apart in varying.items() if _is_base(of, artifact, baseline)), None)
    return f"the baseline's answers vary between launches by {base.text}" if base else ""


def _is_base(one: Artifact, of: Artifact, baseline: str) -> bool:
    return one[:4] == (*of[:2], baseline, "f32")


@dataclass(frozen=True, slots=True)
class _Done:
    """Answers that were judged, against others, by the metrics that fit them."""

    mine: _Answers
    other: _Answers
    qualities: Mapping[str, Quality]


class _Judging:
    """Judges one run's answers; what another batch answered alike is not worked out twice."""

    def __init__(
        self,
        answer_key: AnswerKey,
        judges: Judges,
        baseline: str,
        bases: Mapping[Group, _Answers],
    ) -> None:
        self._key, self._judges, self._baseline, self._bases = answer_key, judges, baseline, bases
        self._tables = judges.tables or Tables()
        self._reference = _Answers("", reference_answers(answer_key), answer_key.reference)
        self._done: dict[Artifact, list[_Done]] = {}

    def of(self, group: Group, found: Mapping[Group, _Answers]) -> JudgedQuality:
        """Return the quality of one group, of those `found`."""
        artifact, batch = group
        answer, base = found[group], self._base(group)
        qualities, unjudged = self._assessed(artifact, answer, base or self._reference)
        first, *others = self._judges.metrics
        figures = {
            metric.name: _figures(qualities[metric.name], metric, itself=base is answer)
            for metric in (first, *others)
            if metric.name in qualities
        }
        mine = figures.pop(first.name, None)
        where = f"on {artifact[0]} and {artifact[1]}" if base else "on the controller at float32"
        source = QualitySource(answer.cell, f"{self._baseline} {where}") if mine else None
        return JudgedQuality(mine, figures, unjudged, source, self._fell(batch, base))

    def _assessed(
        self, artifact: Artifact, mine: _Answers, other: _Answers
    ) -> tuple[dict[str, Quality], dict[str, str]]:
        done = self._done.setdefault(artifact, [])
        like = next((o for o in done if self._alike(mine, o.mine, other, o.other)), None)
        qualities: dict[str, Quality] = {}
        unjudged: dict[str, str] = {}
        for metric in self._judges.metrics:
            near = like.qualities.get(metric.name) if like else None
            try:
                qualities[metric.name] = self._assess(metric, mine, other, near)
            except ValueError as error:
                first = metric is self._judges.metrics[0]
                unjudged["" if first else metric.name] = str(error)
        done.append(_Done(mine, other, qualities))
        return qualities, unjudged

    def _assess(
        self, metric: Metric, mine: _Answers, other: _Answers, near: Quality | None = None
    ) -> Quality:
        # Predictions are too coarse to tell rounding from another function; raw outputs are not.
        same = self._rounded(mine, other) if self._key.predict else None
        return assess(
            mine.outputs, self._key, metric, other.outputs,
            seed=self._judges.seed, tables=self._tables, same=same, near=near,
        )  # fmt: skip

    def _alike(self, *pairs: _Answers) -> bool:
        """Return whether each of the answers is the next one's, at most rounded otherwise."""
        return all(
            one is other
            or (
                self._rounded(one, other)
                and (not self._key.predict or np.array_equal(one.outputs[0], other.outputs[0]))
            )
            for one, other in zip(pairs[::2], pairs[1::2], strict=True)
        )

    def _rounded(self, one: _Answers, other: _Answers) -> bool:
        cases = min(len(one.raw[0]), len(other.raw[0]))
        size = self._key.spreads[0] if self._key.spreads else None
        return rounded(one.raw[0][:cases], other.raw[0][:cases], size)

    def _base(self, group: Group) -> _Answers | None:
        artifact, batch = group
        return next(
            (
                answer
                for (of, at), answer in self._bases.items()
                if at == batch and _is_base(of, artifact, self._baseline)
            ),
            None,
        )

    def _fell(self, batch: int, base: _Answers | None) -> str:
        """Return how much worse the baseline is at a batch than at its smallest; empty: not."""
        if base is None:
            return ""
        of = next(of for (of, at), answer in self._bases.items() if answer is base)
        least = min(at for one, at in self._bases if one == of)
        first = self._judges.metrics[0]
        if least == batch or self._alike(base, self._bases[of, least]):
            return ""
        try:
            loss = self._assess(first, base, self._bases[of, least]).loss
        except ValueError:
            return ""
        if not loss.low > 0:
            return ""
        return (
            f"{self._baseline} itself is worse at batch {batch} than at batch {least}: it loses"
            f" {loss.estimate:.3g} of {first.name}, and losses are against it"
        )


def _given(cell: str, launches: Sequence[Launch], answer_key: AnswerKey) -> Iterator[_Answers]:
    for launch in launches:
        if given := answers(launch, answer_key):
            yield _Answers(cell, given, launch.outputs)


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
        chance=quality.chance,
    )


def _limits(found: Limits) -> LossLimits:
    return LossLimits(
        found.estimate, _known(found.low), _known(found.high), _known(found.upper)
    )  # fmt: skip


def _known(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None
