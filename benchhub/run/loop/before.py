"""What the store has of a run already, as those see it that go on with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from benchhub.model.arrays import Array
from benchhub.store import Store
from benchhub.store.reached import Reached, Tried, reached


@dataclass(frozen=True, slots=True)
class Before:
    """How far a run has come, and the samples of finished launches by cell, in order of index.

    Launches that cannot be read have failed in it, as they have in reports.
    """

    reached: Reached
    samples_ns: Mapping[str, list[Array]]


def measured_before(store: Store, run: str) -> Before:
    """Return what there is of a run."""
    attempts: list[Tried] = []
    found: dict[str, dict[int, Array]] = defaultdict(dict)
    for launch in store.launches(run):
        attempts.append(Tried.at(launch))
        if launch.status == "finished":
            found[launch.cell.key][launch.index] = launch.samples_ns
    samples_ns = {cell: [of[index] for index in sorted(of)] for cell, of in found.items()}
    return Before(reached(attempts), samples_ns)
