"""Memory and cold start out of the launches of latency, where these have the same settings; pure.

A launch of each of the three is the same: a fresh process that loads the model, calls it once, and
reads its high-water mark after its calls. Launches of their own would take the device's time for
figures that are there already.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from benchhub.model.asked import ScenarioSpec
from benchhub.model.cell import Cell, Plan
from benchhub.model.scenario import Scenario

#: What a run's provenance has where no launch is planned that another one shows, or ends early.
SPARES = "spares_launches"
_SHOWN_BY_LATENCY = (Scenario.MEMORY, Scenario.COLD_START)


def with_shared_launches(plan: Plan, scenarios: Sequence[ScenarioSpec]) -> Plan:
    """Return `plan` with its memory and cold start cells measured by cells of latency.

    Not one that asks for launches of its own, or for more of them, or more calls, than the cell of
    latency with the same settings has.
    """
    asked = {spec.scenario: spec for spec in scenarios}
    latency = {_settings(cell): cell for cell in plan.cells if cell.scenario is Scenario.LATENCY}
    cells = []
    for cell in plan.cells:
        twin = latency.get(_settings(cell)) if cell.scenario in _SHOWN_BY_LATENCY else None
        spec = asked.get(cell.scenario)
        if twin is None or spec is None or spec.own_launches or not _suffices(twin, cell):
            cells.append(cell)
        else:
            cells.append(dataclasses.replace(cell, launches=0, launches_of=twin.key))
    return Plan(tuple(cells), plan.skips)


def _suffices(latency: Cell, cell: Cell) -> bool:
    return latency.launches >= cell.launches and latency.iterations >= cell.iterations


def _settings(cell: Cell) -> tuple[object, ...]:
    """Return what makes the launches of two cells alike, whatever they are read for."""
    return (
        cell.device, cell.variant, cell.model_sha256, cell.backend, cell.batch, cell.threads,
        cell.precision, cell.options, cell.concurrency, cell.kind, cell.shapes,
    )  # fmt: skip
