"""What a cell opens, from its launches; pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchhub.model.arrays import Ints
from benchhub.model.cell import Cell
from benchhub.model.launch import Launch
from benchhub.model.row import CellDetails
from benchhub.model.scenario import Scenario
from benchhub.results.details.distribution import Steady, distribution
from benchhub.results.details.launches import launches_told, measures_of

#: Whose percentiles a report tells: calls that are timed each by itself.
CALLS = (Scenario.LATENCY, Scenario.PACED)


def details_of(cell: Cell, launches: Sequence[Launch], dropped: int) -> CellDetails:
    """Return what a cell opens; `launches` are in order of their start.

    `dropped` calls at the start of each are warm-up, as in its row, and in no figure.
    """
    steady = _steady(cell, launches, dropped)
    measures = measures_of(cell, launches, bool(steady))
    return CellDetails(
        measures=measures,
        launches=launches_told(launches, measures, {one.place: one for one in steady}),
        distribution=distribution(launches, steady, dropped),
    )


def _steady(cell: Cell, launches: Sequence[Launch], dropped: int) -> list[Steady]:
    """Return the calls that count of launches that timed some, in order and in ascending order."""
    if cell.scenario not in CALLS:
        return []
    found = []
    for place, launch in enumerate(launches):
        calls: Ints = launch.samples_ns[dropped:]
        if launch.status == "finished" and calls.size:
            found.append(Steady(place, calls, np.sort(calls)))
    return found
