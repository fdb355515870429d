"""Today's controller with simulated devices: processor time of a launch, and wall time of a run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import psutil

from benchmarks.fleet import measured, project
from benchmarks.sites.measuring.run_queue import RunQueue


def measure(devices: int, launches: int, launch_s: float) -> dict[str, Any]:
    """Return what a run of two cells of so many launches took; each lasts `launch_s`."""
    with tempfile.TemporaryDirectory() as name, RunQueue(_children) as queue:
        folder = Path(name)
        fleet = project.made(folder, devices, 1, launches)
        found = measured.one(folder, devices=fleet.devices, launch_s=launch_s)
    kept = ("launches", "a_launch_ms", "devices_ms", "connecting_ms", "measured_s")
    return {
        "devices": devices, "launch_s": launch_s, "stretch": queue.stretch(),
        "before_s": found["before_s"] - found["imports_s"],
        **{key: found[key] for key in kept},
    }  # fmt: skip


def _children() -> list[int]:
    return [child.pid for child in psutil.Process().children(recursive=True)]
