"""Which verdicts a run will have, known before it is measured; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model.row import Row, Verdict
from benchhub.report.tables.settings import compact, usual_left_out

_SETTINGS = ("batch", "threads", "concurrency", "rate_per_s", "precision", "options")
#: Device, backend, variant, budget, column: what a slot without its very cell falls back to.
_Group = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Slot:
    """One entry of a budget on one cell. The first one of its group also takes what is left over.

    `name` is what a test item is called: device/backend/variant/column and the settings.
    """

    name: str
    group: _Group
    cell: str
    leads: bool


def slots(verdicts: Sequence[Verdict], rows: Sequence[Row]) -> tuple[Slot, ...]:
    """Return a slot for each verdict, in order, with names that differ."""
    known = {row.cell: row for row in rows}
    names = [_name(verdict, known.get(verdict.cell)) for verdict in verdicts]
    twice = {name for name, count in Counter(names).items() if count > 1}
    seen: Counter[str] = Counter()
    groups: set[_Group] = set()
    made = []
    for verdict, name in zip(verdicts, names, strict=True):
        seen[name] += 1
        group = _group(verdict)
        unique = f"{name}-{seen[name]}" if name in twice else name
        made.append(Slot(unique, group, verdict.cell, leads=group not in groups))
        groups.add(group)
    return tuple(made)


def taken(slot: Slot, every: Sequence[Slot], verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts that are `slot`'s, so that each verdict belongs to a slot of its group.

    A budget may turn out to apply to other cells than was planned: to all that measured its
    column, or to the one rate out of several that decides.
    """
    cells = {one.cell for one in every if one.group == slot.group}
    mine = [verdict for verdict in verdicts if _group(verdict) == slot.group]
    return tuple(
        verdict
        for verdict in mine
        if verdict.cell == slot.cell or (slot.leads and verdict.cell not in cells)
    )


def _group(verdict: Verdict) -> _Group:
    return verdict.device, verdict.backend, verdict.variant, verdict.budget, verdict.column


def _name(verdict: Verdict, row: Row | None) -> str:
    settings = ""
    if row is not None:
        settings = compact(row, usual_left_out(row, _SETTINGS)).replace(" ", "-")
    where = f"{verdict.device}/{verdict.backend}/{verdict.variant}/{verdict.column}"
    inside = "-".join(part for part in (verdict.scenario, settings, verdict.budget) if part)
    return f"{where}[{inside}]"
