"""Runs and devices as lists of them need: a few columns, of thousands at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from benchhub.errors import StoreError
from benchhub.model.device import DeviceInfo
from benchhub.store import schema
from benchhub.store.database.transactions import Transactions
from benchhub.store.stored.device import read_device, unreadable_device
from benchhub.store.stored.record import Misfit
from benchhub.text import instant

#: Names that a search finds.
_MOST_FOUND = 50


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run as it stands in a list; see `RunInfo`."""

    id: str
    suite: str
    task: str
    effort: str
    started_at: str
    finished_at: str | None
    status: str


@dataclass(frozen=True, slots=True)
class FoundVariant:
    """A variant by name, the newest run that has it, and its file's hash there."""

    name: str
    run: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ListedSelftest:
    """A self-test of a device without its figures; see `Selftest`."""

    device: str
    at: str
    passed: bool
    run: str


class Listing:
    """The lists of a store; see `Store.listing`."""

    def __init__(self, store: Transactions) -> None:
        self._store = store

    def runs(self) -> tuple[ListedRun, ...]:
        """Return every run, newest first: by the instant it began, then by id."""
        names = ("id", "suite", "task", "effort", "started_at", "finished_at", "status")
        rows = self._store.rows(sa.select(*(schema.runs.c[name] for name in names)))
        found = [
            ListedRun(
                id=row["id"],
                suite=str(row["suite"] or ""),
                task=str(row["task"] or ""),
                effort=str(row["effort"] or ""),
                started_at=str(row["started_at"] or ""),
                finished_at=row["finished_at"],
                status=str(row["status"] or ""),
            )
            for row in rows
        ]
        return tuple(sorted(found, key=lambda one: (instant(one.started_at), one.id), reverse=True))

    def devices(self) -> dict[str, tuple[str, ...]]:
        """Return the runs of each device that says anything of itself, by name, in no order."""
        table = schema.devices
        found: dict[str, list[str]] = {}
        for row in self._store.rows(sa.select(table.c.name, table.c.run).order_by(table.c.name)):
            found.setdefault(str(row["name"]), []).append(str(row["run"]))
        return {name: tuple(runs) for name, runs in found.items()}

    def selftests(self) -> dict[str, ListedSelftest]:
        """Return the newest self-test of each device, by name."""
        table = schema.selftests
        query = sa.select(table.c.device, table.c.at, table.c.passed, table.c.run)
        found = [
            ListedSelftest(str(row["device"]), str(row["at"]), bool(row["passed"]), str(row["run"]))
            for row in self._store.rows(query.order_by(table.c.id))
        ]
        return {one.device: one for one in sorted(found, key=lambda one: instant(one.at))}

    def device(self, run: str, name: str) -> DeviceInfo | None:
        """Return a device as it was in a run; None: it is not there (any more)."""
        table = schema.devices
        rows = self._store.rows(table.select().where(table.c.run == run, table.c.name == name))
        for row in rows:
            try:
                return read_device(row["info"])
            except Misfit as misfit:
                return unreadable_device(name, bool(row["emulated"]), misfit)
        return None

    def last_launch(self, run: str) -> str | None:
        """Return when the newest launch of a run began (ISO 8601); None: it has none."""
        table = schema.launches
        query = sa.select(sa.func.max(table.c.started_at).label("at")).where(table.c.run == run)
        rows = self._store.rows(query)
        return str(rows[0]["at"]) if rows and rows[0]["at"] else None

    def variants(self, words: str) -> Sequence[FoundVariant]:
        """Return variants whose name holds `words` or whose file's hash begins so, some of many."""
        table = schema.variants
        like = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        named = table.c.name.ilike(f"%{like}%", escape="\\")
        hashed = table.c.sha256.like(f"{like.lower()}%", escape="\\")
        newest = sa.func.max(table.c.run).label("run")
        query = sa.select(table.c.name, newest, table.c.sha256).where(named | hashed)
        query = query.group_by(table.c.name, table.c.sha256).order_by(table.c.name)
        return [FoundVariant(**row) for row in self._store.rows(query.limit(_MOST_FOUND))]


def mark(engine: sa.Engine) -> tuple[object, ...]:
    """Return what changes whenever anything is written to a store, for next to nothing.

    It may change without that, too. StoreError: there is no such file any more, or no answer.
    """
    if engine.dialect.name == "postgresql":
        from benchhub.store.database import explained

        asked = (
            "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
            " ELSE pg_current_wal_insert_lsn() END"
        )
        with explained(engine), engine.connect() as connection:
            return (str(connection.exec_driver_sql(asked).scalar()),)
    import os

    path = engine.url.database or ""
    told: list[object] = []
    for name in (path, f"{path}-wal"):
        try:
            found = os.stat(name)
            told += [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]
        except OSError as error:
            if name == path:
                raise StoreError(f"{path} is gone, or cannot be read: {error.strerror}") from error
            told.append(None)
    return tuple(told)
