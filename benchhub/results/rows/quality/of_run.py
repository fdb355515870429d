"""What the answers of a run are worth, artifact by artifact, so that one's outputs are held; pure.

An artifact's cells are taken one after another, each with its launches, which are not kept. Of the
baseline the answers stay for as long as others are held against them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchhub.model.asked import Agreement
from benchhub.model.cell import Cell
from benchhub.model.flag import Flag
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey
from benchhub.model.scenario import Scenario
from benchhub.results.rows.alike import (
    Alike,
    Artifact,
    Compared,
    Likeness,
    artifact_of,
    quality_first,
)
from benchhub.results.rows.by_batch import of_answers
from benchhub.results.rows.judged import Agreed, agreed, group_of, misplaced_flag, moved, varies
from benchhub.results.rows.judging import (
    Answers,
    Group,
    JudgedQuality,
    Judges,
    Judging,
    is_base,
    is_reference,
)
from benchhub.results.rows.quality.answered import answers
from benchhub.results.rows.quality.outputs_read import compared

_UNFIT = "the outputs are of another shape than the baseline's: none was predicted"


@dataclass(slots=True)
class _Quality:
    """What a quality cell gave: its place in the plan, and answers if there are any to judge."""

    place: int
    cell: Cell
    given: Answers | None


@dataclass(slots=True)
class _OpenArtifact:
    """An artifact whose cells are being taken."""

    artifact: Artifact
    answering: Likeness
    place: int | None = None
    told: dict[Cell, Agreed] = field(default_factory=dict)
    quality: list[_Quality] = field(default_factory=list)


class OfRun:
    """Judges the answers of a run. `meant` maps variants to the one that they approximate.

    Within one device and backend the artifacts come first that others are held against: see
    `refers`. Then `settle` is called, and after the others `leave`.
    """

    def __init__(
        self,
        answer_key: AnswerKey,
        baseline: str,
        limits: Agreement,
        meant: Mapping[str, str],
        judges: Judges | None,
        wanted: Collection[Artifact] | None = None,
    ) -> None:
        self._key, self._baseline, self._limits, self._meant = answer_key, baseline, limits, meant
        self._wanted = wanted
        self._compared: dict[str, Compared] = {}
        self._bases: dict[Group, Answers] = {}
        self._judging = None
        if judges is not None:
            self._judging = Judging(answer_key, judges, baseline, self._bases)
        self._held: _OpenArtifact | None = None
        self._waiting: list[_OpenArtifact] = []
        self._places: dict[Artifact, int] = {}
        self._alike = Alike({}, {}, {})
        #: How far each finished cell's outputs lie from the reference.
        self.told: dict[Cell, Agreed] = {}
        #: The quality of every artifact at every batch with answers to judge, or why there is none.
        self.qualities: dict[Group, JudgedQuality] = {}

    def refers(self, artifact: Artifact) -> bool:
        """Return whether others may be held against what an artifact answers."""
        mine = is_base(artifact, artifact, self._baseline)
        return mine or is_reference(artifact, self._key, self._baseline)

    def begin(self, artifact: Artifact) -> None:
        """Begin an artifact, whose cells are taken next."""
        meant = self._meant.get(artifact[2], "")
        if meant not in self._compared:
            self._compared[meant] = Compared.by(self._key, meant)
        self._held = _OpenArtifact(artifact, Likeness(self._compared[meant]))

    def take(self, place: int, cell: Cell, finished: Sequence[Launch]) -> None:
        """Take a finished cell with its finished launches; `place` is its own in the plan."""
        held = self._held
        assert held is not None
        held.place = place if held.place is None else min(place, held.place)
        if not cell.launches_of:
            held.answering.add(cell, finished)
        meant = self._meant.get(cell.variant, "")
        held.told[cell] = agreed(finished, self._key, self._limits, meant)
        if cell.scenario is Scenario.QUALITY:
            given = next((one for launch in finished if (one := self._given(cell, launch))), None)
            held.quality.append(_Quality(place, cell, given))

    def end(self) -> None:
        """End the artifact: it is judged, or waits for all of those that others refer to."""
        held, self._held = self._held, None
        assert held is not None
        if held.place is None:
            return
        held.quality.sort(key=lambda one: one.place)
        self._places[held.artifact] = held.place
        self._alike.learn(held.artifact, held.answering)
        if held.artifact in self._alike.varying:
            in_order = sorted(self._alike.varying.items(), key=lambda one: self._places[one[0]])
            self._alike.varying.clear()
            self._alike.varying.update(in_order)
        if (misplaced := self._alike.misplaced.get(held.artifact)) is not None:
            flag = misplaced_flag(misplaced)
            for cell, told in held.told.items():
                held.told[cell] = dataclasses.replace(told, flags=(flag, *told.flags))
        self.told |= held.told
        if self.refers(held.artifact):
            self._waiting.append(held)
        else:
            self._judge(held)

    def settle(self) -> None:
        """Judge what others refer to, and have them held against it from now on."""
        sound = [
            (one.place, group_of(one.cell), given)
            for held in self._waiting
            for group, one in _first_given(held).items()
            if (given := one.given) is not None and held.told[one.cell].sound
        ]
        for _, group, given in sorted(sound, key=lambda one: one[0]):
            self._bases[group] = given
        for held in self._waiting:
            self._judge(held)
        self._waiting = []

    def leave(self) -> None:
        """Leave a device's backend: only the reference that others refer to is held."""
        gone = [
            group for group in self._bases if not is_reference(group[0], self._key, self._baseline)
        ]
        for group in gone:
            del self._bases[group]

    def doubts(self, qualities: Mapping[Group, JudgedQuality]) -> dict[Cell, tuple[Flag, ...]]:
        """Return the doubts about the answers of each finished cell, `qualities` being all."""
        return {
            cell: of_answers(
                cell,
                self._alike,
                qualities,
                varies(artifact_of(cell), self._baseline, self._key, self._alike.varying),
            )
            for cell in self.told
        }

    @property
    def reference(self) -> tuple[str, str] | None:
        """The device and backend that give the reference; None: the controller does."""
        of = self._key.measured
        return None if of is None else (of.device, of.backend)

    def _judge(self, held: _OpenArtifact) -> None:
        if self._judging is None or (
            self._wanted is not None and held.artifact not in self._wanted
        ):
            return
        found = {group: given for group, one in _first_given(held).items() if (given := one.given)}
        for one in held.quality:
            if self._key.predict and group_of(one.cell) not in found:
                self.qualities[group_of(one.cell)] = JudgedQuality(unjudged={"": _UNFIT})
        for group in sorted(found, key=lambda group: group[1]):
            why = varies(held.artifact, self._baseline, self._key, self._alike.varying)
            if not why and held.artifact in self._alike.misplaced:
                said = moved(self._alike.misplaced[held.artifact])
                why = f"{said}: a case has no answer of its own"
            self.qualities[group] = (
                JudgedQuality(unjudged={"": why}) if why else self._judging.of(group, found)
            )
        self._judging.forget()

    def _given(self, cell: Cell, launch: Launch) -> Answers | None:
        given = answers(launch, self._key)
        return Answers(cell.key, given, compared(launch.outputs, self._key)) if given else None


def _first_given(held: _OpenArtifact) -> dict[Group, _Quality]:
    """Return the first quality cell of each batch that has answers to judge."""
    found: dict[Group, _Quality] = {}
    for one in held.quality:
        if one.given is not None:
            found.setdefault(group_of(one.cell), one)
    return found


def in_turn(cells: Iterable[Cell], answered: OfRun | None) -> Iterator[Cell]:
    """Yield cells in the order in which `answered` takes them, and tell it where parts begin.

    Those of one device and backend come together, first those that give a reference.
    """
    if answered is None:
        yield from cells
        return
    benches: dict[tuple[str, str], dict[Artifact, list[Cell]]] = {}
    for cell in cells:
        bench = benches.setdefault((cell.device, cell.backend), {})
        bench.setdefault(artifact_of(cell), []).append(cell)
    for place in sorted(benches, key=lambda place: place != answered.reference):
        bench = benches[place]
        for artifact in sorted(bench, key=lambda one: not answered.refers(one)):
            if not answered.refers(artifact):
                answered.settle()
            answered.begin(artifact)
            yield from quality_first(bench[artifact])
            answered.end()
        answered.settle()
        answered.leave()
