"""Self-tests of devices, all that were made."""

from __future__ import annotations

import sqlalchemy as sa

from benchhub.model.device import Selftest
from benchhub.store import schema
from benchhub.store.database.transactions import Transactions
from benchhub.store.stored.device import read_selftest, write_selftest
from benchhub.store.stored.record import undamaged
from benchhub.text import instant


class Selftests:
    """The self-tests of a store; see `Store.selftests`."""

    def __init__(self, store: Transactions) -> None:
        self._store = store

    def add(self, selftest: Selftest) -> None:
        """Keep a self-test beside those that were made before; the same twice is one."""
        table = schema.selftests
        row = {name: getattr(selftest, name) for name in ("device", "at", "passed", "run")}
        same = table.select().where(*(table.c[name] == value for name, value in row.items()))
        info = write_selftest(selftest)

        def put(connection: sa.Connection) -> None:
            there = connection.execute(same).mappings().all()
            if all(one["info"] != info for one in there):
                connection.execute(table.insert(), row | {"info": info})

        self._store.write(put)

    def last(self, device: str, until: str | None = None) -> Selftest | None:
        """Return the newest self-test of a device, not after `until` (ISO 8601) if given."""
        table = schema.selftests
        rows = self._store.rows(table.select().where(table.c.device == device).order_by(table.c.id))
        found = [row for row in rows if until is None or instant(row["at"]) <= instant(until)]
        newest = max(reversed(found), key=lambda row: instant(row["at"]), default=None)
        with undamaged(f"a self-test of {device}"):
            return None if newest is None else read_selftest(newest["info"])

    def of(self, run: str) -> tuple[Selftest, ...]:
        """Return the self-tests whose samples a run holds."""
        table = schema.selftests
        found = self._store.rows(table.select().where(table.c.run == run).order_by(table.c.id))
        with undamaged("a self-test", run):
            return tuple(read_selftest(row["info"]) for row in found)
