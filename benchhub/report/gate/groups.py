"""What is INCONCLUSIVE, by cause and next step: many cells ask for one thing to be done; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.report.gate.entries import GateEntry
from benchhub.report.lines import UNBROKEN
from benchhub.text import plural

#: No more cells of a group are named one by one.
MOST_CELLS = 6


@dataclass(frozen=True, slots=True)
class SameCause:
    """Two or more entries that are INCONCLUSIVE, with what they have in common."""

    cause: str
    step: str
    entries: tuple[GateEntry, ...]
    outcome: str = "INCONCLUSIVE"

    @property
    def counted(self) -> str:
        """How many cells there are, and verdicts if these are more; or how many budgets."""
        if all(entry.verdict is None for entry in self.entries):
            return plural(len(self.entries), "budget")
        cells = plural(len({entry.where for entry in self.entries}), "cell")
        many = len({entry.where for entry in self.entries}) < len(self.entries)
        return f"{len(self.entries)} verdicts on {cells}" if many else cells

    @property
    def limit(self) -> str:
        """The one budget of all, or empty."""
        limits = {entry.limit for entry in self.entries if entry.verdict is not None}
        return limits.pop() if len(limits) == 1 else ""

    @property
    def first_reason(self) -> str:
        """What was seen on the first cell, where that says more than the cause."""
        return "" if self.entries[0].reason == self.cause else self.entries[0].reason

    def cells(self, most: int = MOST_CELLS) -> list[str]:
        """Return one line for each of the first cells: its name and what was measured."""
        return [self._cell(entry) for entry in self.entries[:most]]

    def left(self, most: int = MOST_CELLS) -> int:
        """Return how many entries `cells` leaves out."""
        return max(0, len(self.entries) - most)

    def _cell(self, entry: GateEntry) -> str:
        if entry.verdict is None:
            return entry.budget
        seen = entry.seen.replace(" ", UNBROKEN)
        launches = plural(entry.verdict.launches, "launch").replace(" ", UNBROKEN)
        said = f"{entry.where}: {seen}, {launches}"
        return said if self.limit else f"{said}; {entry.limit}"


def grouped(found: Sequence[GateEntry]) -> tuple[GateEntry | SameCause, ...]:
    """Return entries in their order, those that are INCONCLUSIVE alike as a group in one place.

    One that is alone with its cause and step stays an entry, and so does each that is not
    INCONCLUSIVE.
    """
    alike: dict[tuple[str, str], list[GateEntry]] = {}
    for entry in found:
        if entry.outcome == "INCONCLUSIVE":
            alike.setdefault((_cause(entry), entry.step), []).append(entry)
    told: list[GateEntry | SameCause] = []
    for entry in found:
        mine = alike.get((_cause(entry), entry.step), [])
        if entry.outcome != "INCONCLUSIVE" or len(mine) == 1:
            told.append(entry)
        elif entry is mine[0]:
            told.append(SameCause(_cause(entry), entry.step, tuple(mine)))
    return tuple(told)


def groups(found: Sequence[GateEntry]) -> tuple[SameCause, ...]:
    """Return everything INCONCLUSIVE by cause and step, one that is alone as well."""
    whole = []
    for one in grouped([entry for entry in found if entry.outcome == "INCONCLUSIVE"]):
        whole.append(
            one if isinstance(one, SameCause) else SameCause(_cause(one), one.step, (one,))
        )
    return tuple(whole)


def size(one: GateEntry | SameCause) -> int:
    """Return how many entries it stands for."""
    return len(one.entries) if isinstance(one, SameCause) else 1


def _cause(entry: GateEntry) -> str:
    return (entry.verdict.cause if entry.verdict is not None else "") or entry.reason
