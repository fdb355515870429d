"""Devices that failed their checks and are not measured until a doctor passes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from benchhub.outside.masked import masked
from benchhub.store import schema


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A device in quarantine: since when (ISO 8601, UTC) and why, in one line."""

    device: str
    since: str
    reason: str


class Quarantine:
    """The quarantine of a store, by device name; see `Store.quarantine`."""

    def __init__(
        self,
        rows: Callable[[sa.Select[Any]], Sequence[sa.RowMapping]],
        write: Callable[[], AbstractContextManager[sa.Connection]],
    ) -> None:
        self._rows, self._write = rows, write

    def all(self) -> dict[str, Quarantined]:
        """Return every device in quarantine, by name."""
        found = self._rows(schema.quarantine.select().order_by(schema.quarantine.c.device))
        return {row["device"]: Quarantined(**row) for row in found}

    def add(self, device: str, reason: str) -> Quarantined:
        """Put a device into quarantine; one that is there keeps its date and gets the reason."""
        table, reason = schema.quarantine, masked(reason)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        with self._write() as connection:
            same = table.c.device == device
            before = connection.execute(table.select().where(same)).mappings().first()
            if before is None:
                row = {"device": device, "since": since, "reason": reason}
                connection.execute(table.insert(), row)
                return Quarantined(**row)
            connection.execute(table.update().where(same).values(reason=reason))
            return Quarantined(device, before["since"], reason)

    def lift(self, device: str) -> bool:
        """Let a device out; False if it was not in quarantine."""
        table = schema.quarantine
        with self._write() as connection:
            return connection.execute(table.delete().where(table.c.device == device)).rowcount > 0
