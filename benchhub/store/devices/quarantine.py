"""Devices that failed their checks and are not measured until a doctor passes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from benchhub.outside.masked import masked
from benchhub.store import schema
from benchhub.store.database.transactions import Transactions
from benchhub.store.database.upsert import upsert


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A device in quarantine: since when (ISO 8601, UTC) and why, in one line."""

    device: str
    since: str
    reason: str


class Quarantine:
    """The quarantine of a store, by device name; see `Store.quarantine`."""

    def __init__(self, store: Transactions) -> None:
        self._store = store

    def all(self) -> dict[str, Quarantined]:
        """Return every device in quarantine, by name."""
        found = self._store.rows(schema.quarantine.select().order_by(schema.quarantine.c.device))
        return {row["device"]: Quarantined(**row) for row in found}

    def add(self, device: str, reason: str) -> Quarantined:
        """Put a device into quarantine; one that is there keeps its date and gets the reason."""
        table = schema.quarantine
        since = datetime.now(UTC).isoformat(timespec="seconds")
        row = {"device": device, "since": since, "reason": masked(reason)}

        def put(connection: sa.Connection) -> str:
            upsert(connection, table, row, ("device",), ("reason",))
            kept = sa.select(table.c.since).where(table.c.device == device)
            return str(connection.execute(kept).scalar_one())

        return Quarantined(device, self._store.write(put), row["reason"])

    def lift(self, device: str) -> bool:
        """Let a device out; False if it was not in quarantine."""
        table = schema.quarantine
        there = device in self.all()
        gone = table.delete().where(table.c.device == device)
        return self._store.write(lambda connection: connection.execute(gone).rowcount > 0) or there
