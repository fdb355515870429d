"""Everything that the simulation takes from a machine, with what it was measured on."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from benchmarks import table
from benchmarks.sites.measuring import (
    commits,
    controller,
    launch_times,
    plain,
    reading,
    round_trips,
    through_dask,
)
from benchmarks.sites.measuring.cluster import ROOT

_PACKAGES = ("numpy", "SQLAlchemy", "psycopg", "distributed", "simpy")
#: Devices, launches of each of two cells, and how long one lasts.
_TODAY = ((10, 10, 0.6), (100, 10, 0.6), (100, 15, 0.05))
_IN_EARNEST = (
    through_dask.Amount(10, 20, 0.5),
    through_dask.Amount(100, 10, 0.5),
    through_dask.Amount(300, 6, 1.0),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A store, a run in it, and the device in it whose launches stand for a kind of devices."""

    url: str
    run: str
    device: str
    kind: str


def measure(sources: list[Source], only: list[str], before: dict[str, Any]) -> dict[str, Any]:
    """Return every figure: those named `only` anew, all where none is, the others as `before`."""
    parts: dict[str, Callable[[], Any]] = {
        "launches": lambda: {
            one.kind: launch_times.measured(one.url, one.run, one.device) for one in sources
        },
        "reading": lambda: reading.measure(400),
        "commits": lambda: commits.measure(commits.Amount()),
        "plain": lambda: plain.measure(40_000, (1, 100, 500)),
        "round_trips": lambda: round_trips.measure(round_trips.Amount()),
        "controller": lambda: [controller.measure(*what) for what in _TODAY],
        "hosts": _hosts,
        "in_earnest": lambda: through_dask.measure(_IN_EARNEST),
    }
    found = dict(before)
    found.update(
        schema=1,
        machine=table.machine(),
        versions={name: version(name) for name in _PACKAGES},
        postgresql=_postgresql(),
    )
    measured = dict(found.get("measured", {}))
    for name, part in parts.items():
        if (name == "launches" and not sources) or (only and name not in only):
            continue
        load = os.getloadavg()[0]
        found[name] = part()
        measured[name] = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "load_before": round(load, 1), "load_after": round(os.getloadavg()[0], 1),
        }  # fmt: skip
        print(f"{name}: {measured[name]}", file=sys.stderr, flush=True)
    return {**found, "measured": measured}


def _hosts() -> dict[str, Any]:
    """Return what 50 real SSH hosts cost a controller, as `benchmarks.fleet --hosts 50` found."""
    told = json.loads((ROOT / "reports" / "fleet" / "scale.json").read_text("utf-8"))
    hosts = [one for one in told["points"] if one["what"] == "hosts"]
    point = next(one for one in hosts if one["devices"] == 50)
    kept = ("devices", "launches", "a_launch_ms", "connecting_ms")
    at = point.get("at", told["at"])
    return {"of": "scale.json", "at": at, **{key: point[key] for key in kept}}


def _postgresql() -> str:
    sys.path.insert(0, str(ROOT / "tests"))
    from postgresql.cluster import programs

    folder = programs()
    return folder.parent.name if folder is not None else ""
