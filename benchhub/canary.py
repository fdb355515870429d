"""A cell of fixed work in every round: what it shows, the device did and not the models; pure.

A clock that falls in the heat, or a neighbour who moves in, slows the fixed work as well. A change
of it in the course of a run is a doubt about every timed cell of that device.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from benchhub.fixed_work import fixed_work
from benchhub.model import Cell, Effort, Finding, Flag, Launch, Plan, Row, Scenario
from benchhub.order import More
from benchhub.stats.drift import drift

NAME = "canary"
#: A millisecond or so to SHA-256, on anything from a small board to a server.
_HASH_BYTES = 1_000_000
_ITERATIONS, _MAX_TIMED_S = 20, 2.0
#: Fewer launches show no change.
_FEWEST = 3
#: What the fixed work may move by before it is a doubt, as a factor; chance of a false alarm.
MOST, LEVEL = 1.02, 0.01
_TIMED = (Scenario.LATENCY, Scenario.THROUGHPUT, Scenario.PACED)


def is_canary(cell: Cell) -> bool:
    """Return whether a cell is the fixed work."""
    return cell.variant == NAME and not cell.model_sha256


def with_canaries(plan: Plan, effort: Effort) -> Plan:
    """Return `plan` with the fixed work on every device that has cells to time.

    Not at an effort that decides nothing, nor over two rounds, which show nothing.
    """
    if not effort.most_launches:
        return plan
    rounds: dict[str, int] = {}
    for cell in plan.cells:
        if cell.scenario in _TIMED and cell.model_sha256:
            rounds[cell.device] = max(rounds.get(cell.device, 0), cell.launches)
    canaries = (
        fixed_work(name, NAME, _HASH_BYTES, count, _ITERATIONS, _MAX_TIMED_S)
        for name, count in rounds.items()
        if count >= _FEWEST
    )
    return dataclasses.replace(plan, cells=(*plan.cells, *canaries))


def beside(more: More, cells: Sequence[Cell]) -> More:
    """Return `more` with the fixed work of every device that has a cell that goes on."""
    device_of = {cell.key: cell.device for cell in cells}
    canaries = {cell.device: cell.key for cell in cells if is_canary(cell)}

    def with_canary(samples_ns: Mapping[str, Sequence[np.ndarray]]) -> set[str]:
        keys = set(more(samples_ns))
        return keys | {canaries[d] for key in keys if (d := device_of[key]) in canaries}

    return with_canary


def findings(launches: Sequence[Launch]) -> dict[str, Finding]:
    """Return what the fixed work showed on each device that did it, by device name."""
    found = {}
    for device, samples in samples_ns(launches).items():
        moved = drift(samples)
        medians = [float(np.median(one)) / 1e6 for one in samples]
        said = (
            f"fixed work took {np.median(medians):.3g} ms (median of {len(medians)} launches,"
            f" {min(medians):.3g} to {max(medians):.3g})"
        )
        if doubtful(moved.p_value, moved.shift):
            said += (
                f" and moved by {moved.shift - 1:+.1%} after launch {moved.launches_before}"
                f" (rank-CUSUM, p = {moved.p_value:.2g})"
            )
        found[device] = Finding(
            check=NAME,
            level="warn" if doubtful(moved.p_value, moved.shift) else "ok",
            found=said,
            why="work that never changes shows what the device itself does in the course of a run",
            fix="let the device settle, or cool it, and measure again",
        )
    return found


def doubtful(p_value: float, shift: float) -> bool:
    """Return whether a change of the fixed work, by the factor `shift`, is more than noise."""
    return p_value < LEVEL and not 1 / MOST <= shift <= MOST


def samples_ns(launches: Iterable[Launch]) -> dict[str, list[np.ndarray]]:
    """Return what the fixed work of finished launches took, by device, in order of launches."""
    found: dict[str, dict[int, np.ndarray]] = {}
    for launch in launches:
        if is_canary(launch.cell) and launch.status == "finished" and launch.samples_ns.size:
            found.setdefault(launch.cell.device, {})[launch.index] = launch.samples_ns
    return {device: [of[index] for index in sorted(of)] for device, of in found.items()}


def doubted(rows: Sequence[Row], found: Mapping[str, Finding]) -> tuple[Row, ...]:
    """Return the rows; those that were timed on a device whose fixed work moved have a flag."""
    for row in rows:
        one = found.get(row.device)
        if one is not None and one.level != "ok" and row.scenario in _TIMED and row.model_sha256:
            row.flags = (*row.flags, Flag(NAME, one.found, caps=True))
    return tuple(rows)
