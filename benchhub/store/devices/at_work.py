"""Which runs may be at work on a device, as far as the store can tell."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from benchhub.store import schema
from benchhub.store.database.transactions import Transactions


@dataclass(frozen=True, slots=True)
class AtWork:
    """A run that is not ended, and when it was last seen on a device (ISO 8601, UTC)."""

    run: str
    at: str


def at_work(store: Transactions, device: str, but: str) -> tuple[AtWork, ...]:
    """Return the runs, except `but`, that are under way and have cells on a device.

    They were seen when the last of their launches there began, or when they began themselves.
    """
    runs, cells, launches = schema.runs, schema.cells, schema.launches
    there = sa.exists().where(cells.c.run == runs.c.id, cells.c.device == device)
    last = (
        sa.select(sa.func.max(launches.c.started_at))
        .join(cells, sa.and_(cells.c.run == launches.c.run, cells.c.key == launches.c.cell))
        .where(launches.c.run == runs.c.id, cells.c.device == device)
        .scalar_subquery()
    )
    query = sa.select(runs.c.id, sa.func.coalesce(last, runs.c.started_at).label("at")).where(
        runs.c.status == "running", runs.c.id != but, there
    )
    return tuple(AtWork(str(row["id"]), str(row["at"])) for row in store.rows(query))
