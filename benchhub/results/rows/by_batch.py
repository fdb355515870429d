"""What rows say of the batch of their answers: why there is no quality, and doubts; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from benchhub.model.cell import Cell
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.scenario import Scenario
from benchhub.results.rows.alike import Alike, Apart, Artifact, artifact_of
from benchhub.results.rows.judged import group_of
from benchhub.results.rows.judging import Group, JudgedQuality
from benchhub.text import number


def at_other_batches(
    cells: Iterable[tuple[Cell, str]], judged: Mapping[Group, JudgedQuality]
) -> dict[Group, JudgedQuality]:
    """Return why there is no quality at batches of artifacts whose quality was to be measured.

    `cells` are the planned ones, each with its status.
    """
    asked: dict[Artifact, dict[int, str]] = defaultdict(dict)
    groups: dict[Group, None] = {}
    for cell, status in cells:
        if not cell.runs_model:
            continue
        groups[group_of(cell)] = None
        if cell.scenario is Scenario.QUALITY:
            asked[artifact_of(cell)][cell.batch] = status
    return {
        group: JudgedQuality(unjudged={"": _why(group[1], asked[group[0]])})
        for group in groups
        if group not in judged and asked.get(group[0]) and _unmeasured(group[1], asked[group[0]])
    }


def _unmeasured(batch: int, asked: Mapping[int, str]) -> bool:
    return asked.get(batch) != "finished"


def _why(batch: int, asked: Mapping[int, str]) -> str:
    if batch in asked:
        return f"quality was not measured at batch {batch}: the cell is {asked[batch]}"
    others = ", ".join(map(str, sorted(asked)))
    return f"quality was not measured at batch {batch} (but at {others})"


def of_answers(
    cell: Cell, answered: Alike, judged: Mapping[Group, JudgedQuality], varies: str
) -> tuple[Flag, ...]:
    """Return the doubts about a cell's answers: that they vary, or depend on the batch.

    `varies` says in what way they do from call to call; empty: they do not.
    """
    return tuple(_doubts(cell, answered, judged, varies))


def _doubts(
    cell: Cell, answered: Alike, judged: Mapping[Group, JudgedQuality], varies: str
) -> Iterator[Flag]:
    if not cell.runs_model:
        return
    if varies:
        evidence = f"{varies}; export it in evaluation mode: nothing may be drawn at random"
        yield Flag(FlagKind.VARYING_OUTPUTS, evidence, caps=False)
    mine = judged.get(group_of(cell), JudgedQuality())
    apart = answered.of(cell)
    if apart is not None:
        anywhere = any(of == artifact_of(cell) and one.first for (of, _), one in judged.items())
        unknown = anywhere and mine.first is None
        yield Flag(FlagKind.BATCH_DEPENDENT, _evidence(cell, apart, judged), caps=unknown)
    if mine.baseline_fell:
        yield Flag(FlagKind.BATCH_DEPENDENT, mine.baseline_fell, caps=True)


def _evidence(cell: Cell, apart: Apart, judged: Mapping[Group, JudgedQuality]) -> str:
    said = f"outputs at batch {apart.batch} lie {apart.text} from those at batch {apart.least}"
    there, least = (
        judged.get((artifact_of(cell), batch), JudgedQuality()).first
        for batch in (apart.batch, apart.least)
    )
    if there is None or least is None:
        return said
    return (
        f"{said}; {there.metric} {number(there.value)}, and {number(least.value)} at {apart.least}"
    )
