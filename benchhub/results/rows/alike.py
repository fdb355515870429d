"""Whether the same case is answered alike: from call to call, at another place, at another batch.

Pure.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from benchhub.model.arrays import Array
from benchhub.model.cell import Cell
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey, Reading
from benchhub.model.scenario import Scenario
from benchhub.results.rows.agreement import agreement, common_cases, spread
from benchhub.results.rows.quality.in_order import in_order
from benchhub.results.rows.quality.outputs_read import box_reading, only, outputs_read

#: Device, backend, variant, the precision asked for, options: what outputs depend on beside the
#: batch. Threads split sums otherwise, which is rounding.
Artifact = tuple[str, str, str, str, str]

#: Answers of one function lie no further apart than this share of their spread (root mean square)
#: where they were rounded otherwise, as libraries may at another batch. Sums of f32 in other order
#: take them some 1e-6 apart, and some 1e-4 where one falls into the next step of int8; what is
#: quantized on the fly, by the largest value of a batch, lay .008 to .11 off (docs/concepts.md).
_ROUNDED = 1e-3
#: Arithmetic with fewer digits, at sixteen times its own rounding.
_ROUNDED_AT: Mapping[str, float] = {"f16": 2**-7, "tf32": 2**-7, "bf16": 2**-4}


@dataclass(frozen=True, slots=True)
class Apart:
    """How far answers lie apart, as a share of their spread, and over how many cases.

    Between batches, those at `batch` and those of the smallest, which is `least`.
    """

    relative: float
    cases: int
    limit: float
    least: int = 0
    batch: int = 0

    @property
    def text(self) -> str:
        """The distance in words."""
        cases = f"{self.cases} case{'' if self.cases == 1 else 's'}"
        return f"{self.relative:.2g} of their spread ({cases}; rounding: up to {self.limit:.2g})"


@dataclass(frozen=True, slots=True)
class Alike:
    """What is not alike: answers from call to call, and at batches other than the smallest.

    `misplaced`: where a case has another place in its batch.
    """

    varying: dict[Artifact, Apart]
    by_batch: dict[Artifact, Mapping[int, Apart]]
    misplaced: dict[Artifact, Apart] = field(default_factory=dict)

    def learn(self, artifact: Artifact, answering: Likeness) -> None:
        """Add what another artifact's launches showed."""
        if worst := answering.varying:
            self.varying[artifact] = worst
            return
        if worst := answering.misplaced:
            self.misplaced[artifact] = worst
        if found := answering.by_batch:
            self.by_batch[artifact] = found

    def of(self, cell: Cell) -> Apart | None:
        """Return how far answers at a cell's batch lie from those of the smallest; None: alike.

        At the smallest batch it is the batch whose answers lie furthest off.
        """
        found = self.by_batch.get(artifact_of(cell), {})
        if not found or cell.batch in found:
            return found.get(cell.batch)
        worst = max(found.values(), key=lambda apart: apart.relative)
        return worst if cell.batch == worst.least else None


def rounding(precision: str) -> float:
    """Return how far apart answers may lie by rounding, at the precision they are computed in."""
    return _ROUNDED_AT.get(precision, _ROUNDED)


def artifact_of(cell: Cell) -> Artifact:
    """Return what a cell's outputs depend on, beside its batch."""
    return cell.device, cell.backend, cell.variant, cell.precision, cell.options


def alike(
    finished: Mapping[Cell, Sequence[Launch]],
    answer_key: AnswerKey,
    meant: Mapping[str, str] | None = None,
) -> Alike:
    """Return what lies further apart than rounding takes it (see `stats.rounding`).

    `finished` are cells with their finished launches; `meant` maps variants to the one that they
    approximate, whose spread is the measure (left out: the baseline). Answers that vary from call
    to call tell nothing of batches. Outputs that no metric reads are not looked at, and boxes in
    another order are the same ones.
    """
    grouped: dict[Artifact, list[Cell]] = defaultdict(list)
    for cell in finished:
        grouped[artifact_of(cell)].append(cell)
    found = Alike({}, {}, {})
    for artifact, cells in grouped.items():
        among = Compared.by(answer_key, (meant or {}).get(artifact[2], ""))
        apart = Likeness(among)
        for cell in quality_first(cells):
            apart.add(cell, finished[cell])
        found.learn(artifact, apart)
    return found


def quality_first(cells: Sequence[Cell]) -> list[Cell]:
    """Return an artifact's cells in the order in which they are compared.

    A quality cell has answers to all cases, so it comes first: others are held against it.
    """
    quality = [cell for cell in cells if cell.scenario is Scenario.QUALITY]
    return [*reversed(quality), *(cell for cell in cells if cell.scenario is not Scenario.QUALITY)]


@dataclass(frozen=True, slots=True)
class Compared:
    """By what outputs are measured, which of them count, and how boxes are read, if there are.

    `boxes`: some metric reads boxes, which come in the order of scores: one that is rounded
    otherwise moves whole rows.
    """

    spreads: Sequence[float]
    read: Collection[int]
    reading: Reading | None
    boxes: bool

    @classmethod
    def by(cls, answer_key: AnswerKey, meant: str = "") -> Compared:
        """Return it for answers that are meant to be a variant's (empty: the baseline's)."""
        own = answer_key.own.get(meant)
        spreads = own.spreads if own else answer_key.spreads
        if not own and not spreads:
            spreads = tuple(map(spread, answer_key.reference))
        boxes = any(reading.boxes for reading in answer_key.readings.values())
        return cls(spreads, outputs_read(answer_key), box_reading(answer_key), boxes)


class Likeness:
    """How one artifact answers in launch after launch; of each batch it holds the first one."""

    def __init__(self, among: Compared) -> None:
        self._among = among
        self._first: dict[int, Launch] = {}
        self._within: dict[int, list[Apart | None]] = defaultdict(list)
        self._again: dict[int, list[Apart | None]] = defaultdict(list)
        self._turned: dict[int, list[Apart | None]] = defaultdict(list)

    def add(self, cell: Cell, finished: Sequence[Launch]) -> None:
        """Take the finished launches of a cell; see `quality_first` for the order of these."""
        if not cell.runs_model:
            return
        among, batch = self._among, cell.batch
        for launch in finished:
            if not launch.outputs:
                continue
            if batch in self._first:
                self._within[batch].append(_apart(launch, self._first[batch], among))
            else:
                self._first[batch] = launch
            self._again[batch].append(
                again(launch, among.spreads, among.read, among.reading is not None)
            )
            self._turned[batch].append(turned(launch, among.spreads, among.read))

    @property
    def varying(self) -> Apart | None:
        """How far answers lie apart from call to call; None: they do not vary."""
        return _worst([*_by_batch(self._within), *_by_batch(self._again)])

    @property
    def misplaced(self) -> Apart | None:
        """How far they lie off at another place of the batch; None: they do not."""
        return None if self._among.boxes else _worst(_by_batch(self._turned))

    @property
    def by_batch(self) -> dict[int, Apart]:
        """How far they lie from those of the smallest batch, for batches where they do."""
        least, *others = sorted(self._first) or [0]
        return {
            batch: apart
            for batch in others
            if (apart := _apart(self._first[batch], self._first[least], self._among, batch, least))
            and apart.relative > apart.limit
        }


def _by_batch(found: Mapping[int, Sequence[Apart | None]]) -> list[Apart | None]:
    return [apart for batch in sorted(found) for apart in found[batch]]


def again(
    launch: Launch, spreads: Sequence[float], read: Collection[int], any_order: bool = False
) -> Apart | None:
    """Return how far a launch's second answers lie off; None: it was not asked twice.

    The outputs at `read` count; in `any_order`, rows that came in another one are the same.
    """
    repeated = launch.details.repeated
    if repeated is None or len(repeated.again) != len(spreads):
        return None
    off = repeated.again
    if any_order and len(repeated.again_any_order) == len(off):
        off = repeated.again_any_order
    relative = _relative(only(off, read), only(spreads, read))
    return Apart(relative, repeated.cases, rounding(_precision(launch)))


def turned(launch: Launch, spreads: Sequence[float], read: Collection[int]) -> Apart | None:
    """Return how far answers in another order of their batch lie off; None: it was not asked so.

    The outputs at `read` count.
    A place may change how sums are rounded, and that the step of an int8 into which a value falls.
    """
    repeated = launch.details.repeated
    if repeated is None or not repeated.turned or len(repeated.turned) != len(spreads):
        return None
    relative = _relative(only(repeated.turned, read), only(spreads, read))
    return Apart(relative, repeated.cases, max(rounding("f16"), rounding(_precision(launch))))


def _relative(off: Sequence[float], spreads: Sequence[float]) -> float:
    pairs = zip(off, spreads, strict=True)
    return max((one / unit if unit > 0 else one and math.inf for one, unit in pairs), default=0.0)


def _precision(launch: Launch) -> str:
    return launch.precision or launch.cell.precision


def _worst(found: Sequence[Apart | None]) -> Apart | None:
    """Return what lies furthest off beyond its limit, if anything does."""
    beyond = [apart for apart in found if apart is not None and apart.relative > apart.limit]
    return max(beyond, key=lambda apart: apart.relative, default=None)


def _apart(
    one: Launch, other: Launch, among: Compared, batch: int = 0, least: int = 0
) -> Apart | None:
    """Return how far two launches lie apart; None: they have no cases in common."""
    of_both = (only(launch.outputs, among.read) for launch in (one, other))
    cases = common_cases(array for outputs in of_both for array in outputs)
    if not cases:
        return None
    mine, theirs = (_leading(launch.outputs, cases) for launch in (one, other))
    mine = in_order(mine, theirs, among.reading)
    spreads = among.spreads if len(among.spreads) == len(theirs) else ()
    if len(mine) == len(theirs):
        spreads = only(spreads, among.read)
        mine, theirs = only(mine, among.read), only(theirs, among.read)
    _, relative = agreement(mine, theirs, spreads)
    limit = max(rounding(_precision(one)), rounding(_precision(other)))
    return Apart(relative, cases, limit, least, batch)


def _leading(outputs: Sequence[Array], cases: int) -> tuple[Array, ...]:
    return tuple(array[:cases] for array in outputs)
