"""Reading and writing a store, each whole or not at all, and again where its server was away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from benchhub.errors import StoreError, StoreLost
from benchhub.store.database.file import WAITS, WRITES
from benchhub.store.database.told import Refused, Undone, explained, place
from benchhub.store.schema import JSON, as_read
from benchhub.store.stored.record import undamaged

T = TypeVar("T")
#: Rows by their table, in the order in which they can be written.
Rows = Sequence[tuple[sa.Table, list[dict[str, Any]]]]
Work = Callable[[sa.Connection], T]
#: So many transactions of a controller are under way at once; a file takes one writer.
_WRITERS = 4
_UNDONE_AT_MOST = 20
_HARDLY_MS = 200


class Transactions:
    """Short transactions in one database, from any thread.

    While its server does not answer they are tried again, until it was away for `patience_s`: a
    transaction whose end was not heard may have been made, so what is written has to be the same
    when it is written twice.
    """

    def __init__(self, engine: sa.Engine, writable: bool, patience_s: float) -> None:
        self._engine, self._writable, self._patience_s = engine, writable, patience_s
        self._writer = engine.execution_options(**{WRITES: True})
        self._writing = threading.BoundedSemaphore(
            1 if engine.dialect.name == "sqlite" else _WRITERS
        )
        self._lost_at: float | None = None
        self._hurry = threading.Event()

    def hurry(self) -> None:
        """Wait for no server any more."""
        self._hurry.set()

    def rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        """Return what a query finds. StoreError: it cannot be read, or StoreLost."""

        def read() -> Sequence[sa.RowMapping]:
            with undamaged("a record"), self._engine.connect() as connection:
                return connection.execute(query).mappings().all()

        return self._until_there(read)

    def write(self, work: Work[T]) -> T:
        """Do `work` in a transaction, and return what it does once that is committed.

        It may be done again, so that it may do the same twice. Refused: a key is there already, or
        what a row belongs to is not; StoreError: it cannot be written, or StoreLost.
        """

        def written() -> T:
            with self._writing, self._writer.begin() as connection:
                return work(connection)

        return self._until_there(written)

    def insert_once(self, rows: Rows) -> bool:
        """Insert rows, the first of which is what they belong to; False: it is there already."""
        tried = 0

        def put(connection: sa.Connection) -> None:
            nonlocal tried
            tried += 1
            for table, of in rows:
                insert_rows(connection, table, of)

        try:
            self.write(put)
        except Refused:
            # Tried again: it may have been there already when the server went away.
            return tried > 1 and self._holds(rows[0][0], rows[0][1][0])
        return True

    def _holds(self, table: sa.Table, row: dict[str, Any]) -> bool:
        key = next(iter(table.primary_key))
        stored = self.rows(table.select().where(key == row[key.name]))
        return bool(stored) and all(
            stored[0][name] == (as_read(value) if isinstance(table.c[name].type, JSON) else value)
            for name, value in row.items()
        )

    def write_if_free(self, work: Work[T]) -> T:
        """Do `work` in a transaction, once, and hardly wait for others who write.

        StoreError: it cannot be written now, or never, which is not even tried; nobody misses what
        it was to write.
        """
        if not self._writable:
            raise StoreError(f"{place(self._engine)} is only read")
        writer = self._engine.execution_options(**{WRITES: True, WAITS: _HARDLY_MS})
        with explained(self._engine), self._writing, writer.begin() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_HARDLY_MS}")
            return work(connection)

    def _until_there(self, attempt: Callable[[], T]) -> T:
        undone = 0
        while True:
            try:
                with explained(self._engine):
                    done = attempt()
            except StoreLost:
                if not self._waits():
                    raise
            except StoreError as error:  # it answers again
                self._lost_at = None
                undone += isinstance(error, Undone)
                if not isinstance(error, Undone) or undone > _UNDONE_AT_MOST:
                    raise
            else:
                self._lost_at = None
                return done

    def _waits(self) -> bool:
        """Wait a little for the server, unless it was away for too long: all threads as one."""
        now = time.monotonic()
        lost_at = self._lost_at
        if lost_at is None:
            lost_at = self._lost_at = now
        away = now - lost_at
        return away < self._patience_s and not self._hurry.wait(min(2.0, 0.1 + away / 4))


def insert_rows(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, of which there may be none."""
    if rows:
        connection.execute(table.insert(), rows)
