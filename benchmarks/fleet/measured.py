"""Measurements of fleets of several sizes, each in a process of its own, and what they grow by."""

from __future__ import annotations

import json
import math
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from typing import Any

from benchmarks.fleet import project

#: Beside as many cells as are asked for, each device has one of fixed work.
CELLS = 66
#: Of each size about so many launches, as fast as leaves half a processor idle.
LAUNCHES, PACE_S = 3000, 0.006
_ROWS, _COLUMNS = 24, 80


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement: how many devices, what was measured, and what was found."""

    devices: int
    what: str
    found: dict[str, Any]


def starts(devices: int) -> list[Point]:
    """Return what comes before the first connection of a new run, and of one that is resumed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fleet = project.made(folder, devices, CELLS, None)
        begun = one(folder, devices=fleet.devices, upto="start")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fleet = project.made(folder, devices, CELLS, None)
        one(folder, devices=fleet.devices, upto="stored")
        resumed = one(folder, devices=fleet.devices, upto="resume")
    return [Point(devices, "start", begun), Point(devices, "resume", resumed)]


def launches(devices: int, terminal: bool) -> Point:
    """Return what launches cost, with a terminal of 80 x 24 or without."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        each = max(3, LAUNCHES // devices // 2)
        fleet = project.made(folder, devices, 1, each)
        pause_s = devices * PACE_S
        found = one(folder, terminal, devices=fleet.devices, launch_s=pause_s)
    return Point(devices, "terminal" if terminal else "lines", found)


def one(folder: Path, terminal: bool = False, **options: Any) -> dict[str, Any]:
    """Return what `benchmarks.fleet.one` finds with these options."""
    argv = [sys.executable, "-m", "benchmarks.fleet.one", str(folder), json.dumps(options)]
    if not terminal:
        with (folder / "said").open("wb") as said:
            done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=said, check=True)
        return _read(done.stdout)
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    with (folder / "drawn").open("wb") as drawn:
        reader = threading.Thread(target=_copied, args=(ours, drawn), daemon=True)
        reader.start()
        out, _ = process.communicate()
        reader.join()
    os.close(ours)
    return _read(out)


def _copied(descriptor: int, drawn: Any) -> None:
    try:
        while data := os.read(descriptor, 1 << 16):
            drawn.write(data)
    except OSError:
        return  # the other end was closed


def _read(out: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    return found


def slope(sizes: Sequence[int], values: Sequence[float]) -> float:
    """Return by which power of the devices something grows: the least squares line in logs."""
    xs, ys = [math.log(size) for size in sizes], [math.log(max(v, 1e-9)) for v in values]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum(
        (a - x) ** 2 for a in xs
    )
