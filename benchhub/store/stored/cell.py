"""A planned cell as the store keeps it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from benchhub.model.cell import CANARY, Cell, CellKind
from benchhub.model.scenario import Scenario
from benchhub.store.stored.record import Misfit, Record, parsed, written
from benchhub.text import all_visible


class _Cell(Record):
    device: str
    variant: str
    model_sha256: str
    backend: str
    scenario: Scenario
    batch: int
    threads: int
    precision: str
    launches: int
    iterations: int
    max_timed_s: int | float
    cases: int | None = None
    options: str = "{}"
    concurrency: int = 1
    rate_per_s: int | float | None = None
    arrivals: str = ""


class CellV2(_Cell):
    """With its kind."""

    v: int = 2
    kind: CellKind
    shapes: str = ""
    launches_of: str = ""
    ends_after: int = 0


class CellV1(_Cell):
    """Until schema 0006: a cell without a model was told by the name of its variant."""

    def newer(self) -> CellV2:
        """Return it with the kind that was meant."""
        kind = CellKind.MODEL
        if not self.model_sha256:
            named = {CANARY: CellKind.CANARY, "none": CellKind.HARNESS}
            kind = named.get(self.variant, CellKind.SELFTEST)
        return CellV2(**self.model_dump(exclude={"v"}), kind=kind)


def write_cell(cell: Cell) -> dict[str, Any]:
    """Return a cell as JSON types."""
    return written(CellV2(**dataclasses.asdict(cell)))


def read_cell(raw: Mapping[str, Any]) -> Cell:
    """Invert `write_cell`, or raise Misfit."""
    of = parsed("cell", raw, CellV2, CellV1).model_dump(exclude={"v"})
    if of["options"] != "{}":
        of["options"] = _options(of["options"])
    return Cell(**of)


def _options(text: str) -> str:
    """Return options, JSON within JSON, whose texts nobody has seen to yet; Misfit for others."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Misfit("cell", "has options that are none", "restore a copy, or use another --store")
    return json.dumps(all_visible(told), sort_keys=True) if "\\" in text else text
