"""What a launch as a whole says, in the units of columns; pure."""

from __future__ import annotations

from benchhub.model.launch import Launch

_UJ_PER_MJ = 1e3


def rate_per_s(launch: Launch) -> float | None:
    """Return the cases a second of the whole timed section; None where nothing was timed."""
    # elapsed_ns is wall time from the common start to the last end, however many were under way.
    if not launch.elapsed_ns or not launch.samples_ns.size:
        return None
    return launch.cell.batch * launch.samples_ns.size * 1e9 / launch.elapsed_ns


def energy_mj(launch: Launch) -> float | None:
    """Return the energy of one case, idle power included; None where it was not counted."""
    if launch.energy_uj is None or not launch.samples_ns.size:
        return None
    return launch.energy_uj / (launch.cell.batch * launch.samples_ns.size) / _UJ_PER_MJ
