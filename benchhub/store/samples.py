"""Samples of launches as they are asked for while a run goes on: of one cell, without the rest."""

from __future__ import annotations

import contextlib

import sqlalchemy as sa

from benchhub.model.arrays import Array
from benchhub.store import schema
from benchhub.store.blobs import unpack_ns
from benchhub.store.database.transactions import Transactions


class SampleTable:
    """The samples in a store; see `Store.samples`."""

    def __init__(self, store: Transactions) -> None:
        self._store = store

    def first(self, run: str, cell: str, count: int) -> list[Array]:
        """Return those of the first `count` finished launches of a cell, by index, in ns.

        One that is damaged is not among them.
        """
        table = schema.launches
        query = sa.select(table.c.samples).where(
            table.c.run == run, table.c.cell == cell, table.c.status == "finished",
            table.c.launch < count,
        )  # fmt: skip
        found: list[Array] = []
        for row in self._store.rows(query.order_by(table.c.launch)):
            with contextlib.suppress(ValueError):
                found.append(unpack_ns(row["samples"]))
        return found
