"""What a launch as a whole says of each quantity that is one number a launch; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchhub.model.launch import Launch

NS_PER_MS = 1e6
BYTES_PER_MIB = 1024 * 1024
_UJ_PER_MJ = 1e3


@dataclass(frozen=True, slots=True)
class LaunchValue:
    """How a launch's number is read off the record, and what it is divided by for its column."""

    of: Callable[[Launch], float | None]
    unit: float = 1.0

    def __call__(self, launch: Launch) -> float | None:
        """Return the number in the unit of the column; None: the launch does not tell."""
        value = self.of(launch)
        return None if value is None else value / self.unit


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


def _over_import(launch: Launch) -> int | None:
    if launch.peak_rss_bytes is None or launch.imported_rss_bytes is None:
        return None
    return launch.peak_rss_bytes - launch.imported_rss_bytes


#: By the name of the quantity.
LAUNCH_VALUES: Mapping[str, LaunchValue] = {
    "load_ms": LaunchValue(lambda launch: launch.load_ns, NS_PER_MS),
    "first_inference_ms": LaunchValue(lambda launch: launch.first_inference_ns, NS_PER_MS),
    "peak_rss_mib": LaunchValue(lambda launch: launch.peak_rss_bytes, BYTES_PER_MIB),
    "model_rss_mib": LaunchValue(_over_import, BYTES_PER_MIB),
    "gpu_mem_mib": LaunchValue(lambda launch: launch.gpu_bytes, BYTES_PER_MIB),
    "energy_mj": LaunchValue(energy_mj),
    "throughput_per_s": LaunchValue(rate_per_s),
}
