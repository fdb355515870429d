"""Two runs held side by side: what changed beside what moved; pure.

Cells are the same where device, variant, backend, scenario and settings are; how many launches
they had and what the model file is may differ. What else differs is listed, and where it could
explain a move on its own, that cell is not comparable.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchhub.errors import ConfigError
from benchhub.model.cell import Cell
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.row import Results, Row
from benchhub.model.scenario import Scenario
from benchhub.results.compare.conditions import (
    Difference,
    DifferenceKind,
    Question,
    Reach,
    obstacles,
    of_cells,
    of_devices,
    of_runs,
    of_variants,
)
from benchhub.results.compare.fixed_work import of_fixed_work
from benchhub.results.compare.moves import Change, ComparedCell, Margins, Move, decided, moves

_TIMED = (Scenario.LATENCY, Scenario.PACED, Scenario.THROUGHPUT, Scenario.COLD_START)


class State(enum.StrEnum):
    """Whether a cell could be held against the other run's."""

    COMPARED = "compared"
    FAILED = "failed"
    ONLY_BEFORE = "only before"
    ONLY_AFTER = "only after"
    UNMEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run with everything a comparison needs: results, cells and finished launches by key."""

    results: Results
    cells: Mapping[str, Cell]
    launches: Mapping[str, tuple[Launch, ...]]
    answer_key: AnswerKey | None = None
    metric: Metric | None = None


@dataclass(frozen=True, slots=True)
class CellComparison:
    """One cell; `row` is the later run's where it has one. `moves` are empty unless COMPARED."""

    row: Row
    state: State
    reason: str
    differences: tuple[Difference, ...] = ()
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs: what differs between them as a whole, and cell by cell, the worst first.

    `notes` are warnings about the comparison itself.
    """

    before: Results
    after: Results
    question: Question
    margins: Margins
    differences: tuple[Difference, ...]
    cells: tuple[CellComparison, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """3 if a cell fails that did not before, else 1 if one regressed, else 4 if any cannot be
        told, or none can, else 0."""
        states = {cell.state for cell in self.cells}
        changes = {move.change for cell in self.cells for move in cell.moves}
        if State.FAILED in states:
            return 3
        if Change.REGRESSED in changes:
            return 1
        open_ = {Change.NOT_COMPARABLE, Change.INCONCLUSIVE} & changes
        untold = open_ or {State.ONLY_BEFORE, State.UNMEASURED} & states
        return 4 if untold or not changes else 0  # with nothing held side by side, nothing is told


def compare_runs(
    before: ComparedRun,
    after: ComparedRun,
    question: Question = Question.MODEL,
    margins: Margins = Margins(),  # noqa: B008 - frozen
) -> RunComparison:
    """Return what changed and what moved from `before` to `after`.

    `question` is the one thing that may differ: a cell in which anything else does is not
    comparable. ConfigError: a run with itself, or runs without a cell in common.
    """
    check_two(before.results.run.id, after.results.run.id)
    fixed = [[one for of in side.launches.values() for one in of] for side in (before, after)]
    whole = (*_of_whole(before.results, after.results), *of_fixed_work(fixed[0], fixed[1]))
    pairs = list(_pairs(before, after))
    if not any(one and other for one, other in pairs):
        raise ConfigError(
            f"runs {before.results.run.id} and {after.results.run.id} have no cell in common:"
            " they share no device, variant, backend and scenario; see `benchhub runs show`"
        )
    cells = [_cell(one, other, whole, before, after, question) for one, other in pairs]
    every = decided([move for cell in cells for move in cell.moves], margins)
    left = iter(every)
    cells = [replace(cell, moves=tuple(next(left) for _ in cell.moves)) for cell in cells]
    return RunComparison(
        before=before.results,
        after=after.results,
        question=question,
        margins=margins,
        differences=whole,
        cells=tuple(sorted(cells, key=_rank)),
        notes=tuple(_notes(cells, whole, question)),
    )


def check_two(before: str, after: str) -> None:
    """Raise ConfigError where two runs are one, by their ids."""
    if before == after:
        raise ConfigError(f"run {before} cannot be compared with itself")


def _of_whole(before: Results, after: Results) -> Iterator[Difference]:
    yield from of_runs(before, after)
    devices = {device.name: device for device in before.devices}
    for device in after.devices:
        if device.name in devices:
            yield from of_devices(devices[device.name], device)
    variants = {variant.name: variant for variant in before.variants}
    for variant in after.variants:
        if variant.name in variants:
            yield from of_variants(variants[variant.name], variant)
    yield from _versions(before, after)


def _versions(before: Results, after: Results) -> Iterator[Difference]:
    """Yield backends of another version, by device, once and not for every cell."""
    known: list[dict[tuple[str, str], str]] = []
    for result in (before, after):
        seen: dict[tuple[str, str], set[str]] = {}
        for row in result.rows:
            if row.backend_version and row.runs_model:
                seen.setdefault((row.device, row.backend), set()).add(row.backend_version)
        known.append({key: ", ".join(sorted(values)) for key, values in seen.items()})
    for key in known[0].keys() & known[1].keys():
        if known[0][key] != known[1][key]:
            said = f"{key[1]} version"
            yield Difference(DifferenceKind.BACKEND, key[0], said, known[0][key], known[1][key])


def _pairs(before: ComparedRun, after: ComparedRun) -> Iterator[tuple[Row | None, Row | None]]:
    """Yield rows that stand for the same cell; then what differs in one setting or more.

    Cells left over pair by what imported runs tell of their settings, too, and at last by device,
    variant, backend and scenario, wherever each run has one of them, so that another thread count
    is told as such; the others stand alone.
    """
    olds = {before.cells[row.cell].identity: row for row in before.results.rows if row.runs_model}
    news = {after.cells[row.cell].identity: row for row in after.results.rows if row.runs_model}
    yield from ((olds[key], row) for key, row in news.items() if key in olds)
    left_old = [row for key, row in olds.items() if key not in news]
    left_new = [row for key, row in news.items() if key not in olds]
    for name in (_told, _named):
        both = _grouped(left_old, name), _grouped(left_new, name)
        alike = [key for key in both[1] if len(both[0].get(key, ())) == len(both[1][key]) == 1]
        yield from ((both[0][key][0], both[1][key][0]) for key in alike)
        left_old = [row for row in left_old if name(row) not in alike]
        left_new = [row for row in left_new if name(row) not in alike]
    yield from ((None, row) for row in left_new)
    yield from ((row, None) for row in left_old)


def _named(row: Row) -> tuple[Hashable, ...]:
    return row.device, row.variant, row.backend, row.scenario


def _told(row: Row) -> tuple[Hashable, ...]:
    return *_named(row), row.batch, row.threads, row.concurrency, row.rate_per_s


def _grouped(
    rows: Sequence[Row], name: Callable[[Row], tuple[Hashable, ...]]
) -> dict[tuple[Hashable, ...], list[Row]]:
    groups: dict[tuple[Hashable, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(name(row), []).append(row)
    return groups


def _cell(
    old: Row | None,
    new: Row | None,
    whole: Sequence[Difference],
    before: ComparedRun,
    after: ComparedRun,
    question: Question,
) -> CellComparison:
    if old is None or new is None:
        alone = new or old
        assert alone is not None
        state = State.ONLY_AFTER if old is None else State.ONLY_BEFORE
        when = "before" if old is None else "after"
        return CellComparison(alone, state, f"the run {when} has no such cell")
    asked = before.cells[old.cell], after.cells[new.cell]
    own = tuple(of_cells((old, asked[0]), (new, asked[1])))
    shared = [one for one in whole if _concerns(one, new)]
    against = [*shared, *(one for one in own if one not in shared)]
    if new.status == "failed" and old.status == "finished":
        return CellComparison(new, State.FAILED, str(new.reason), own)
    if "finished" not in (old.status, new.status) or old.status != new.status:
        when, row = ("before", old) if old.status != "finished" else ("after", new)
        return CellComparison(
            new, State.UNMEASURED, f"{row.status} in the run {when}: {row.reason}", own
        )
    of_time = list(obstacles(against, question, (Reach.TIMING,)))
    if old.emulated and new.emulated:
        of_time.append("emulated: its times are of instructions")
    found = moves(
        ComparedCell(old, before.launches.get(old.cell, ()), before.answer_key, before.metric),
        ComparedCell(new, after.launches.get(new.cell, ()), after.answer_key, after.metric),
        obstacles(against, question, ()),
        of_time,
        obstacles(against, question, (Reach.QUALITY,)),
    )
    return CellComparison(new, State.COMPARED, "", own, found)


def _concerns(difference: Difference, row: Row) -> bool:
    """Return whether a difference of the runs is one of this cell; backends tell their own."""
    if difference.kind in (DifferenceKind.BACKEND, DifferenceKind.MODEL):
        return False
    return difference.where in ("", row.device, row.variant)


def _notes(
    cells: Sequence[CellComparison], whole: Sequence[Difference], question: Question
) -> Iterator[str]:
    """Yield a warning where cells moved in which nothing changed: then more did than is known."""

    def changed(cell: CellComparison) -> bool:
        shared = (one for one in whole if _concerns(one, cell.row))
        return any(one.kind is not DifferenceKind.NOTE for one in (*shared, *cell.differences))

    untouched = [
        move
        for cell in cells
        if cell.row.scenario in _TIMED and not changed(cell)
        for move in cell.moves
        if move.p_value is not None
    ]
    moved = [m for m in untouched if m.change in (Change.REGRESSED, Change.IMPROVED)]
    if moved and any(map(changed, cells)):
        yield (
            f"{len(moved)} of {len(untouched)} timings moved in cells where nothing changed: the"
            " runs differ in something that was not recorded. Confirm with `benchhub ab`, which"
            " measures both side by side."
        )
    elif moved:
        yield (
            "Nothing that is recorded changed between the runs: it may be the day, and not the"
            f" {question}. Confirm with `benchhub ab`, which measures both side by side."
        )


def _rank(cell: CellComparison) -> tuple[int, bool, float]:
    order = list(Change)
    states = [State.FAILED, State.COMPARED, State.UNMEASURED, State.ONLY_BEFORE, State.ONLY_AFTER]
    if cell.state is not State.COMPARED:
        place = -1 if cell.state is State.FAILED else len(order) + states.index(cell.state)
        return place, cell.row.emulated, 0.0
    worst = min((order.index(move.change) for move in cell.moves), default=len(order))
    known = [move.worsening[0] for move in cell.moves if move.low is not None]
    return worst, cell.row.emulated, -max(known, default=0.0)
