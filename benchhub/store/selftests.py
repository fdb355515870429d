"""Self-tests of devices, all that were made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa

from benchhub.model.device import Selftest
from benchhub.store import schema
from benchhub.store.stored.device import read_selftest, write_selftest


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
        """Return the newest self-test of a device, not after `until` (ISO 8601, UTC) if given."""
        table = schema.selftests
        query = table.select().where(table.c.device == device)
        if until is not None:
            query = query.where(table.c.at <= until)
        found = self._rows(query.order_by(table.c.at.desc(), table.c.id.desc()).limit(1))
        return read_selftest(found[0]["info"]) if found else None

    def of(self, run: str) -> tuple[Selftest, ...]:
        """Return the self-tests whose samples a run holds."""
        table = schema.selftests
        found = self._rows(table.select().where(table.c.run == run).order_by(table.c.id))
        return tuple(read_selftest(row["info"]) for row in found)
