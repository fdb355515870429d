"""The median of every finished launch, without its samples: what a history is made of."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from benchhub.model.cell import Cell
from benchhub.store import schema
from benchhub.store.database.transactions import Transactions
from benchhub.store.stored.cell import read_cell
from benchhub.store.stored.record import undamaged


@dataclass(frozen=True, slots=True)
class Medians:
    """One cell in one run: the medians of its finished launches in ns, and the backend's version.

    There is at least one.
    """

    run: str
    cell: Cell
    p50s_ns: tuple[int, ...]
    backend_version: str | None


class MedianTable:
    """The medians of a store; see `Store.medians`."""

    def __init__(self, store: Transactions) -> None:
        self._store = store

    def of(self, run: str) -> tuple[Medians, ...]:
        """Return those of every cell of a run that timed anything, in the order of its plan."""
        with undamaged("a cell", run):
            return self._of(run)

    def _of(self, run: str) -> tuple[Medians, ...]:
        launches, cells = schema.launches, schema.cells
        query = sa.select(launches.c.cell, launches.c.p50_ns, launches.c.backend_version)
        query = query.where(launches.c.run == run, launches.c.status == "finished")
        query = query.where(launches.c.p50_ns.is_not(None))
        found: dict[str, list[sa.RowMapping]] = {}
        for row in self._store.rows(query.order_by(launches.c.launch)):
            if isinstance(row["p50_ns"], int) and row["p50_ns"] > 0:  # whatever was kept earlier
                found.setdefault(row["cell"], []).append(row)
        planned = cells.select().where(cells.c.run == run).order_by(cells.c.position)
        return tuple(
            Medians(
                run,
                read_cell(row["info"]),
                tuple(one["p50_ns"] for one in mine),
                mine[-1]["backend_version"],
            )
            for row in self._store.rows(planned)
            if (mine := found.get(row["key"]))
        )
