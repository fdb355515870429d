"""What a history says of a cell, in words."""

from __future__ import annotations

import json

from benchhub.results.compare.history import Screened


def describe(one: Screened) -> str:
    """Return the cell in words; settings beside batch and threads only where they are set."""
    cell = one.cell
    more = "" if cell.precision == "f32" else f" {cell.precision}"
    more += "".join(f" {k}={v}" for k, v in json.loads(cell.options).items())
    more += f" concurrency {cell.concurrency}" if cell.concurrency > 1 else ""
    return (
        f"{cell.device} {cell.backend} {cell.variant} {cell.scenario} batch {cell.batch}"
        f" threads {cell.threads}{more}"
    )
