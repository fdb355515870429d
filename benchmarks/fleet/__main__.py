"""`python -m benchmarks.fleet`: what a fleet costs the controller, by the number of devices."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import table
from benchmarks.fleet import measured
from benchmarks.fleet.measured import Point

SIZES = (10, 100, 1000)
#: What is shown of each kind of measurement, and of what the slope is told.
_COLUMNS = {
    "before_s": "s before the first connection", "a_launch_ms": "ms a launch",
    "connecting_ms": "ms to connect a device", "measured_s": "s to the last launch",
    "threads": "threads",
    "descriptors": "descriptors", "rss_mib": "MiB",
}  # fmt: skip


def main() -> int:
    """Return 0 once the figures are printed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--devices", type=int, action="append", metavar="N", help="repeatable")
    parser.add_argument("--only", choices=("start", "launches", "hosts"), action="append")
    many = "real SSH hosts in namespaces, at most 200; repeatable; needs root"
    parser.add_argument("--hosts", type=int, action="append", default=[], metavar="N", help=many)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    keep = "of FILE keep what was not measured now, each point with its moment and machine"
    parser.add_argument("--keep", action="store_true", help=keep)
    options = parser.parse_args()
    sizes, only = options.devices or SIZES, options.only or ("start", "launches", "hosts")
    points: list[Point] = []
    with Console(stderr=True).status("measuring") as status:
        for size in sizes:
            status.update(f"{size} devices")
            points += measured.starts(size) if "start" in only else []
            if "launches" in only:
                points += [measured.launches(size, terminal) for terminal in (False, True)]
        for size in options.hosts if "hosts" in only else ():
            from benchmarks.fleet import hosts

            status.update(f"{size} hosts")
            points += [hosts.measured(size)]
        if options.hosts and "hosts" in only:
            points += hosts.beside_silent(5, 16)
    output = Console()
    show(points, output if output.is_terminal else Console(width=160))
    if options.json:
        there = json.loads(options.json.read_text("utf-8")) if options.keep else None
        found = as_json(points)
        options.json.write_text(found if there is None else beside(there, json.loads(found)))
    return 0


def show(points: Sequence[Point], console: Console) -> None:
    """Print the figures of each kind, and by which power of the devices they grow."""
    kinds = list(dict.fromkeys(point.what for point in points))
    shown = Table(title="what devices cost the controller", caption=table.machine())
    for column in ("what", "devices", *_COLUMNS.values()):
        shown.add_column(column, justify="left" if column == "what" else "right")
    for kind in kinds:
        mine = [point for point in points if point.what == kind]
        for point in mine:
            shown.add_row(kind, str(point.devices), *(_told(point.found[c]) for c in _COLUMNS))
        if len(mine) > 2:
            sizes = [point.devices for point in mine]
            grown = {c: [point.found[c] for point in mine] for c in _COLUMNS}
            grown["before_s"] = [
                point.found["before_s"] - point.found["imports_s"] for point in mine
            ]
            shown.add_row(
                "", "slope", *(f"{measured.slope(sizes, values):.2f}" for values in grown.values())
            )
    console.print(shown)


def as_json(points: Sequence[Point]) -> str:
    """Return the figures, and what they were measured with and on."""
    packages = ("numpy", "paramiko", "pydantic", "rich", "SQLAlchemy")
    found = {
        "schema": 1,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": table.machine(),
        "load": list(os.getloadavg()),
        "versions": {"benchhub": version("benchhub"), **{name: version(name) for name in packages}},
        "points": [
            {"devices": point.devices, "what": point.what, **point.found} for point in points
        ],
    }
    return json.dumps(found, indent=2) + "\n"


def beside(there: dict[str, Any], found: dict[str, Any]) -> str:
    """Return what was found put in place of the same kinds of measurement in an earlier file."""
    when = {name: found[name] for name in ("at", "machine", "load")}
    now = [{**point, **when} for point in found["points"]]
    kinds = {point["what"] for point in now}
    kept = [point for point in there["points"] if point["what"] not in kinds]
    return json.dumps({**there, "points": kept + now}, indent=2) + "\n"


def _told(value: float) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
