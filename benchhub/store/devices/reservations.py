"""Devices that are kept for somebody, as the store knows it beside the devices themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from benchhub.model.device import Reservation
from benchhub.outside.masked import masked
from benchhub.store import schema
from benchhub.store.database.transactions import Transactions
from benchhub.store.database.upsert import upsert
from benchhub.text import instant

_NAMES = ("id", "device", "user", "host", "starts_at", "ends_at", "why")


class Reservations:
    """The reservations of a store; see `Store.reservations`."""

    def __init__(self, store: Transactions, on_server: bool) -> None:
        self._store, self._on_server = store, on_server

    def now(self) -> datetime:
        """Return the time that the store has: of its server, or of this machine for a file."""
        if not self._on_server:
            return datetime.now(UTC)
        (row,) = self._store.rows(sa.select(sa.func.current_timestamp().label("now")))
        now = row["now"]
        assert isinstance(now, datetime)
        return now.astimezone(UTC)

    def coming(self, device: str | None = None) -> tuple[Reservation, ...]:
        """Return those that are not over, of a device or of all, by the time they begin."""
        table = schema.reservations
        query = table.select()
        if device is not None:
            query = query.where(table.c.device == device)
        rows = self._store.rows(query)
        if not rows:
            return ()
        now = self.now()
        found = (Reservation(**{name: row[name] for name in _NAMES}) for row in rows)
        coming = (one for one in found if _read(one.ends_at) > now)
        return tuple(sorted(coming, key=lambda one: (_read(one.starts_at), one.id)))

    def add(self, reservation: Reservation) -> None:
        """Keep a reservation; one of the same id is replaced."""
        row = {name: getattr(reservation, name) for name in _NAMES}
        row["why"] = masked(reservation.why)
        table, changed = schema.reservations, _NAMES[1:]
        self._store.write(lambda connection: upsert(connection, table, row, ("id",), changed))

    def remove(self, identity: str) -> bool:
        """Forget a reservation; False if there was none of that id."""
        table = schema.reservations
        gone = table.delete().where(table.c.id == identity)
        return self._store.write(lambda connection: connection.execute(gone).rowcount > 0)


def _read(moment: str) -> datetime:
    """Return a time that was written here; of another's damaged one the beginning of time."""
    try:
        return instant(moment)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
