"""Self-tests of devices, all that were made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa

from benchhub.model.device import Selftest
from benchhub.store import schema
from benchhub.store.stored.device import read_selftest, write_selftest
from benchhub.store.stored.record import undamaged
from benchhub.text import instant


class Selftests:
    """The self-tests of a store; see `Store.selftests`."""

    def __init__(
        self,
        rows: Callable[[sa.Select[Any]], Sequence[sa.RowMapping]],
        write: Callable[[], AbstractContextManager[sa.Connection]],
    ) -> None:
        self._rows, self._write = rows, write

    def add(self, selftest: Selftest) -> None:
        """Keep a self-test beside those that were made before."""
        row = {name: getattr(selftest, name) for name in ("device", "at", "passed", "run")}
        with self._write() as connection:
            connection.execute(schema.selftests.insert(), row | {"info": write_selftest(selftest)})

    def last(self, device: str, until: str | None = None) -> Selftest | None:
        """Return the newest self-test of a device, not after `until` (ISO 8601) if given."""
        table = schema.selftests
        rows = self._rows(table.select().where(table.c.device == device).order_by(table.c.id))
        found = [row for row in rows if until is None or instant(row["at"]) <= instant(until)]
        newest = max(reversed(found), key=lambda row: instant(row["at"]), default=None)
        with undamaged(f"a self-test of {device}"):
            return None if newest is None else read_selftest(newest["info"])

    def of(self, run: str) -> tuple[Selftest, ...]:
        """Return the self-tests whose samples a run holds."""
        table = schema.selftests
        found = self._rows(table.select().where(table.c.run == run).order_by(table.c.id))
        with undamaged("a self-test", run):
            return tuple(read_selftest(row["info"]) for row in found)
