"""How long launches took in a run that a store holds: cell by cell, as the device said."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from benchhub.store import Store, schema
from benchhub.text import instant


def measured(url: str, run: str, device: str) -> dict[str, Any]:
    """Return the milliseconds of every finished launch of a device, a list a cell, and between.

    `between_ms` is, of consecutive launches of the run, the median time from the end of the one to
    the beginning of the other.
    """
    launches, cells = schema.launches, schema.cells
    with Store.open(url) as store:
        name = store.resolve(run)
        query = (
            sa.select(launches.c.cell, launches.c.wall_ns, launches.c.started_at)
            .join(cells, (cells.c.key == launches.c.cell) & (cells.c.run == launches.c.run))
            .where(launches.c.run == name, launches.c.status == "finished")
            .where(cells.c.device == device)
        )
        with store.engine.connect() as connection:
            rows = connection.execute(query).all()
    by_cell: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        by_cell[row.cell].append(round(row.wall_ns / 1e6, 1))
    ordered = sorted(rows, key=lambda row: instant(row.started_at))
    gaps = sorted(
        1e3 * (instant(b.started_at) - instant(a.started_at)).total_seconds() - a.wall_ns / 1e6
        for a, b in itertools.pairwise(ordered)
    )
    return {
        "run": name, "device": device, "launches": len(rows),
        "between_ms": round(gaps[len(gaps) // 2], 1),
        "cells": [by_cell[key] for key in sorted(by_cell)],
    }  # fmt: skip
