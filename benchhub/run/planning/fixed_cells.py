"""A cell of fixed work in every round: what it shows, the device did and not the models; pure.

A clock that falls in the heat, or a neighbour who moves in, slows the fixed work as well. A change
of it in the course of a run is a doubt about every timed cell of that device.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from benchhub.model.asked import Effort
from benchhub.model.cell import CANARY, Cell, CellKind, More, Plan, SamplesOf
from benchhub.model.scenario import TIMED, Scenario
from benchhub.ondevice.backends import null

#: A millisecond or so to SHA-256, on anything from a small board to a server.
_HASH_BYTES = 1_000_000
_ITERATIONS, _MAXTIMED_S = 20, 2.0
#: Fewer launches show no change.
_FEWEST = 3


def with_canaries(plan: Plan, effort: Effort) -> Plan:
    """Return `plan` with the fixed work on every device that has cells to time.

    Not at an effort that decides nothing, nor over two rounds, which show nothing.
    """
    if not effort.most_launches:
        return plan
    rounds: dict[str, int] = {}
    for cell in plan.cells:
        if cell.scenario in TIMED and cell.runs_model:
            rounds[cell.device] = max(rounds.get(cell.device, 0), cell.launches)
    canaries = (
        fixed_work(CellKind.CANARY, name, CANARY, _HASH_BYTES, count, _ITERATIONS, _MAXTIMED_S)
        for name, count in rounds.items()
        if count >= _FEWEST
    )
    return dataclasses.replace(plan, cells=(*plan.cells, *canaries))


def beside(more: More, cells: Sequence[Cell]) -> More:
    """Return `more` with the fixed work of every device that has a cell that goes on."""
    device_of = {cell.key: cell.device for cell in cells}
    canaries = {cell.device: cell.key for cell in cells if cell.kind is CellKind.CANARY}

    def with_canary(finished: Mapping[str, int], samples_of: SamplesOf) -> set[str]:
        keys = set(more(finished, samples_of))
        return keys | {canaries[d] for key in keys if (d := device_of[key]) in canaries}

    return with_canary


def fixed_work(
    kind: CellKind,
    device: str,
    name: str,
    hash_bytes: int,
    launches: int,
    iterations: int,
    max_timed_s: float,
) -> Cell:
    """Return a cell whose calls hash so many bytes with SHA-256, or do nothing for 0."""
    return Cell(
        device=device,
        variant=name,
        model_sha256="",
        backend=null.BACKEND.name,
        scenario=Scenario.LATENCY,
        batch=1,
        threads=1,
        precision="f32",
        launches=launches,
        iterations=iterations,
        max_timed_s=max_timed_s,
        options=json.dumps({"hash_bytes": hash_bytes} if hash_bytes else {}),
        kind=kind,
    )
