"""Judges the answers of a run against those of the baseline, batch by batch; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchhub.errors import MissingExtra
from benchhub.model.arrays import Array
from benchhub.model.figure import BY_DEFINITION, LossLimits, MetricFigures
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.row import QualitySource
from benchhub.results.rows.alike import Artifact
from benchhub.results.rows.case_tables import Tables
from benchhub.results.rows.quality.answered import all_rounded, reference_answers
from benchhub.results.rows.quality.assess import Quality, assess
from benchhub.results.rows.quality.outputs_read import compared
from benchhub.stats.bootstrap import Limits

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
class Answers:
    """What metrics judge of a quality cell, with the cell it comes from, and its raw outputs."""

    cell: str
    outputs: tuple[Array, ...]
    raw: tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class _Done:
    """Answers that were judged, against others, by the metrics that fit them."""

    mine: Answers
    other: Answers
    qualities: Mapping[str, Quality]


class Judging:
    """Judges one run's answers; what another batch answered alike is not worked out twice."""

    def __init__(
        self,
        answer_key: AnswerKey,
        judges: Judges,
        baseline: str,
        bases: Mapping[Group, Answers],
    ) -> None:
        self._key, self._judges, self._baseline, self._bases = answer_key, judges, baseline, bases
        self._tables = judges.tables or Tables()
        raw = compared(answer_key.reference, answer_key)
        self._reference = Answers("", reference_answers(answer_key), raw)
        self._spreads = compared(answer_key.spreads, answer_key)
        self._done: dict[Artifact, list[_Done]] = {}
        self._fallen: dict[Group, str] = {}
        self._same: dict[tuple[object, ...], Quality | str] = {}

    def forget(self) -> None:
        """Hold no longer what only the last artifact's answers were needed for."""
        self._done.clear()
        self._tables.forget()

    def of(self, group: Group, found: Mapping[Group, Answers]) -> JudgedQuality:
        """Return the quality of one group, of those `found`."""
        artifact, batch = group
        of_base = self._base(group)
        answer, base = found[group], self._bases[of_base] if of_base else None
        qualities, unjudged = self._assessed(artifact, answer, base or self._reference)
        first, *others = self._judges.metrics
        figures = {
            metric.name: _figures(qualities[metric.name], metric, itself=base is answer)
            for metric in (first, *others)
            if metric.name in qualities
        }
        mine = figures.pop(first.name, None)
        where = "on the controller at float32"
        if of_base:
            where = f"on {of_base[0][0]} and {of_base[0][1]}"
        elif self._key.measured:
            where = self._key.measured.where
        source = QualitySource(answer.cell, f"{self._baseline} {where}") if mine else None
        return JudgedQuality(mine, figures, unjudged, source, self._fell(batch, base))

    def _assessed(
        self, artifact: Artifact, mine: Answers, other: Answers
    ) -> tuple[dict[str, Quality], dict[str, str]]:
        done = self._done.setdefault(artifact, [])
        like = next((o for o in done if self._alike(mine, o.mine, other, o.other)), None)
        qualities: dict[str, Quality] = {}
        unjudged: dict[str, str] = {}
        for metric in self._judges.metrics:
            near = like.qualities.get(metric.name) if like else None
            try:
                qualities[metric.name] = self._assess(metric, mine, other, near)
            except (MissingExtra, ValueError) as error:
                first = metric is self._judges.metrics[0]
                unjudged["" if first else metric.name] = str(error)
        done.append(_Done(mine, other, qualities))
        return qualities, unjudged

    def _assess(
        self, metric: Metric, mine: Answers, other: Answers, near: Quality | None = None
    ) -> Quality:
        # Predictions are too coarse to tell rounding from another function; raw outputs are not.
        raw = mine.raw, other.raw
        same = all_rounded(*raw, self._spreads) if self._key.predict else None
        if near is not None:
            return self._found(metric, mine, other, same, near)
        # Devices of one kind give the very same answers: a pair of these is judged once.
        pair = tuple(tuple(map(self._tables.digest, one.outputs)) for one in (mine, other))
        name = metric.name, same, pair
        if name not in self._same:
            try:
                self._same[name] = self._found(metric, mine, other, same)
            except ValueError as error:
                self._same[name] = str(error)
        known = self._same[name]
        if isinstance(known, str):
            raise ValueError(known)
        return known

    def _found(
        self,
        metric: Metric,
        mine: Answers,
        other: Answers,
        same: bool | None,
        near: Quality | None = None,
    ) -> Quality:
        return assess(
            mine.outputs, self._key, metric, other.outputs,
            seed=self._judges.seed, tables=self._tables, same=same, near=near,
        )  # fmt: skip

    def _alike(self, *pairs: Answers) -> bool:
        """Return whether each of the answers is the next one's, at most rounded otherwise."""
        return all(
            one is other
            or (
                all_rounded(one.raw, other.raw, self._spreads)
                and (not self._key.predict or np.array_equal(one.outputs[0], other.outputs[0]))
            )
            for one, other in zip(pairs[::2], pairs[1::2], strict=True)
        )

    def _base(self, group: Group) -> Group | None:
        """Return what losses are against: the baseline there, or of the device that refers."""
        artifact, batch = group
        at = [of for of in self._bases if of[1] == batch]
        own = (of for of in at if is_base(of[0], artifact, self._baseline))
        refers = (of for of in at if is_reference(of[0], self._key, self._baseline))
        return next(own, next(refers, None))

    def _fell(self, batch: int, base: Answers | None) -> str:
        """Return how much worse the baseline is at a batch than at its smallest; empty: not."""
        if base is None:
            return ""
        of = next(of for (of, at), answer in self._bases.items() if answer is base)
        if (of, batch) not in self._fallen:
            least = min(at for one, at in self._bases if one == of)
            self._fallen[of, batch] = self._lost(of, least, batch) if least < batch else ""
        return self._fallen[of, batch]

    def _lost(self, of: Artifact, least: int, batch: int) -> str:
        base, first = self._bases[of, batch], self._judges.metrics[0]
        if self._alike(base, self._bases[of, least]):
            return ""
        try:
            loss = self._assess(first, base, self._bases[of, least]).loss
        except (MissingExtra, ValueError):
            return ""
        if not loss.low > 0:
            return ""
        return (
            f"{self._baseline} itself is worse at batch {batch} than at batch {least}: it loses"
            f" {loss.estimate:.3g} of {first.name}, and losses are against it"
        )


def is_reference(one: Artifact, answer_key: AnswerKey, baseline: str) -> bool:
    """Return whether one artifact is the baseline on the device that gives the reference."""
    of = answer_key.measured
    return of is not None and one[:4] == (of.device, of.backend, baseline, of.precision)


def is_base(one: Artifact, of: Artifact, baseline: str) -> bool:
    """Return whether one artifact is what the other's losses are against."""
    return one[:4] == (*of[:2], baseline, "f32")


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
