"""What the fixed work of a run shows of its device; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchhub.model.cell import CANARY, CellKind
from benchhub.model.device import Finding
from benchhub.model.launch import Launch
from benchhub.stats.drift import drift

#: What the fixed work may move by before it is a doubt, as a factor; chance of a false alarm.
MOST, LEVEL = 1.02, 0.01


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
            check=CANARY,
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
        canary = launch.cell.kind is CellKind.CANARY
        if canary and launch.status == "finished" and launch.samples_ns.size:
            found.setdefault(launch.cell.device, {})[launch.index] = launch.samples_ns
    return {device: [of[index] for index in sorted(of)] for device, of in found.items()}
