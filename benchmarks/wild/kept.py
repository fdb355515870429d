"""What was measured of a model, kept in the folder of a run that may be cut short."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from benchhub.stats.interval import Estimate
from benchmarks.wild.manifest import Model
from benchmarks.wild.measure import Cell


def write(model: Model, folder: Path, rounds: int, cells: Sequence[Cell]) -> None:
    """Keep the cells of a model, measured with so many launches beside the bare loop."""
    known = {"sha256": model.sha256, "rounds": rounds}
    path = _path(model, folder)
    path.parent.mkdir(exist_ok=True)
    text = json.dumps({**known, "cells": [dataclasses.asdict(cell) for cell in cells]})
    path.write_text(text, "utf-8")


def read(model: Model, folder: Path, rounds: int) -> list[Cell] | None:
    """Return the cells that were kept; None where there are none of this file and this many."""
    try:
        known = json.loads(_path(model, folder).read_text("utf-8"))
    except FileNotFoundError:
        return None
    if (known["sha256"], known["rounds"]) != (model.sha256, rounds):
        return None
    return [
        Cell(**{
            **cell,
            "flags": tuple(cell["flags"]),
            "ratio": Estimate(**cell["ratio"]) if cell["ratio"] else None,
        })
        for cell in known["cells"]
    ]  # fmt: skip


def _path(model: Model, folder: Path) -> Path:
    return folder / "cells" / f"{model.name}.json"
