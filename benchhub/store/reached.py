"""How far a run has come, by the attempts at its launches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchhub.model.launch import Launch
from benchhub.ondevice.wire import Failure

#: Of a launch whose record cannot be read: no other attempt would mend that.
UNREADABLE = "record"


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt at a launch: its cell by key, its place, and what came of it."""

    cell: str
    index: int
    number: int
    round: int
    status: str
    failure: Failure | None

    @classmethod
    def at(cls, launch: Launch) -> Tried:
        """Return what a launch was."""
        return cls(
            launch.cell.key, launch.index, launch.attempt, launch.round, launch.status,
            launch.failure,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reached:
    """How many launches finished, why cells failed, and how many rounds were begun, by cell key.

    `attempts` counts those that did not finish, by cell key and launch index. What counts of a
    launch is its last attempt.
    """

    finished: Mapping[str, int]
    failed: Mapping[str, Failure]
    attempts: Mapping[tuple[str, int], int]
    rounds: Mapping[str, int]

    @property
    def unreadable(self) -> frozenset[str]:
        """The cells of which a record cannot be read."""
        return frozenset(key for key, why in self.failed.items() if why.kind == UNREADABLE)


def reached(attempts: Iterable[Tried]) -> Reached:
    """Return how far all the attempts of a run have come."""
    last: dict[tuple[str, int], Tried] = {}
    unfinished: dict[tuple[str, int], int] = {}
    rounds: dict[str, int] = {}
    for one in attempts:
        place = one.cell, one.index
        if place not in last or last[place].number <= one.number:
            last[place] = one
        if one.status != "finished":
            unfinished[place] = unfinished.get(place, 0) + 1
        rounds[one.cell] = max(rounds.get(one.cell, 0), one.round + 1)
    finished: dict[str, int] = {}
    failed: dict[str, Failure] = {}
    for one in last.values():
        if one.status == "finished":
            finished[one.cell] = finished.get(one.cell, 0) + 1
        elif one.status == "failed" and one.failure is not None:
            failed[one.cell] = one.failure
    return Reached(finished, failed, unfinished, rounds)
