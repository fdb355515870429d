"""What a report says first of a run: one sentence, its doubts, and a line or a group a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model.row import Results
from benchhub.report.answer.device_line import AnswerLine, device_line
from benchhub.report.gate.quick import quick_cannot
from benchhub.report.recommend.words import answer
from benchhub.results.load import judged
from benchhub.results.recommend.answer import Recommendation
from benchhub.results.recommend.recommend import QUICK, recommend

#: Above so many devices those with the same answer stand together.
MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class AnswerGroup:
    """Devices with the same kind of answer and the same pick."""

    lines: tuple[AnswerLine, ...]

    @property
    def first(self) -> AnswerLine:
        """One that stands for all."""
        return self.lines[0]

    @property
    def names(self) -> str:
        """Its devices by name."""
        return ", ".join(one.device for one in self.lines)


@dataclass(frozen=True, slots=True)
class ReportAnswer:
    """What a report says of a run before anything else.

    `groups` are given where there are more devices than are told one by one.
    """

    result: Results
    recommendation: Recommendation
    sentence: str
    doubts: tuple[str, ...]
    lines: tuple[AnswerLine, ...]
    groups: tuple[AnswerGroup, ...]

    @property
    def limited(self) -> bool:
        """Whether anything was held against a limit."""
        return bool(self.recommendation.limits)


def answered(result: Results) -> ReportAnswer:
    """Return the answer of a run: what `benchhub recommend` says of it under its own budgets."""
    found = recommend(result, result.budgets)
    infos = {one.name: one for one in result.devices}
    lines = tuple(device_line(one, found, result, infos.get(one.device)) for one in found.devices)
    return ReportAnswer(
        result, found, answer(found), tuple(_notes(result, found)), lines,
        _grouped(lines) if len(lines) > MOST_LINES else (),
    )  # fmt: skip


def _notes(result: Results, of: Recommendation) -> list[str]:
    """Return a recommendation's notes; that quick decides nothing with what to type instead."""
    quick = quick_cannot(judged(result))
    return [quick if one == QUICK and quick else one for one in of.notes]


def _grouped(lines: Sequence[AnswerLine]) -> tuple[AnswerGroup, ...]:
    """Return groups, those first that ask for something, then by their devices."""
    alike: dict[tuple[str, str], list[AnswerLine]] = {}
    for one in lines:
        alike.setdefault((one.kind, one.setting), []).append(one)
    return tuple(
        AnswerGroup(tuple(group)) for group in sorted(alike.values(), key=lambda of: -len(of))
    )
