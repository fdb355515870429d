"""A store that is a file: SQLite, with its pragmas, and how one is read that cannot be written."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import NullPool

from benchhub.errors import StoreError, StoreGone
from benchhub.store.database.told import place
from benchhub.store.schema import read_json
from benchhub.text import visible

#: Execution option of a connection that is going to write: takes the write lock at once.
WRITES = "benchhub_writes"
#: So many milliseconds it waits for that lock at most; left out: as long as the store does.
WAITS = "benchhub_waits"
#: Between two tries of what SQLite does not wait for.
_AGAIN_S = 0.02
#: Of one that changes tables: rows that belong to others are left alone.
ALTERS = "benchhub_alters"


def open_file(
    url: sa.URL, busy_timeout_s: float, read_only: bool = False
) -> tuple[sa.Engine, bool]:
    """Return an engine on a file, and whether it can be written.

    `read_only`: every transaction has a connection of its own, which cannot write and looks anew
    how others share the file. StoreError: the file can be neither read nor made, or is not there.
    """
    path = _checked(url.database)
    if read_only:
        if not path.exists():
            raise StoreError(f"there is no {path} to read: name another file with --store")
        engine = sa.create_engine(
            url, creator=lambda: _reading(path), json_deserializer=read_json, poolclass=NullPool
        )
        _use_pragmas(engine, busy_timeout_s, writable=False)
        return engine, False
    writable = _writable(path)
    if writable:
        engine = sa.create_engine(url, json_deserializer=read_json)
    else:
        engine = sa.create_engine(url, creator=lambda: _reading(path), json_deserializer=read_json)
    _use_pragmas(engine, busy_timeout_s, writable)
    return engine, writable


def _checked(database: str | None) -> Path:
    """Return the file of a database; StoreError where it can be neither read nor made."""
    if not database or database == ":memory:":
        raise StoreError("a store in memory loses every launch: name a file, sqlite:///results.db")
    path = Path(database)
    try:
        os.stat(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or error
        shown = visible(database)[:200]
        raise StoreError(f"{shown} cannot be a file: {cause}; use another --store") from error
    if path.is_dir():
        raise StoreError(f"{path} is a folder: name a file in it, sqlite:///{path}/benchhub.db")
    if path.exists() and not path.is_file():
        raise StoreError(f"{path} is a pipe, a socket or a device, not a file: use another --store")
    for journal in (Path(f"{path}{ending}") for ending in ("-wal", "-shm", "-journal")):
        if journal.exists() and not journal.is_file():  # SQLite waits for a pipe, Ctrl-C or not
            raise StoreError(
                f"{journal}, beside {path.name}, is no file, as a journal is: remove it"
            )
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} does not exist: create it with mkdir -p {path.parent}")
    if not path.exists() and not os.access(path.parent, os.W_OK):
        raise StoreError(
            f"{path.parent} is read-only: chmod u+w {path.parent}, or use another --store"
        )
    return path


def _writable(path: Path) -> bool:
    """Return whether a database can be written: its file, and the journals beside it."""
    return all(os.access(one, os.W_OK) for one in (path, path.parent) if one.exists())


def _reading(path: Path) -> sqlite3.Connection:
    """Return a connection that reads a file which cannot be written to.

    SQLite shares such a file with writers only through journals that lie there already; without
    them nobody writes, and it is read as it stands.
    """
    named = f"file:{quote(str(path))}?mode=ro"
    if not Path(f"{path}-shm").exists() and not _writable(path):
        journal = Path(f"{path}-wal")
        if journal.exists() and journal.stat().st_size:
            raise StoreError(
                f"{path} is read-only, and its newest launches are in {journal.name} beside it:"
                f" cp {path}* to where you may write, and name that with --store"
            )
        named += "&immutable=1"
    return sqlite3.connect(named, uri=True, check_same_thread=False)


def _text(stored: bytes) -> str:
    """Return a text as it is stored; of a damaged one what can be read, so that no other is lost.

    What is no UTF-8 comes as halves of pairs, which no record may have and nothing stores again.
    """
    return stored.decode("utf-8", "surrogateescape")


def _use_pragmas(engine: sa.Engine, busy_timeout_s: float, writable: bool) -> None:
    busy_ms = round(busy_timeout_s * 1000)
    opened: list[tuple[int, int]] = []  # the file that the first connection found

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, DDL included
        connection.text_factory = _text
        connection.execute(f"PRAGMA busy_timeout={busy_ms}")
        if writable:
            _write_ahead(connection, busy_timeout_s)
            connection.execute("PRAGMA synchronous=NORMAL")
        if not opened and (found := _identity(engine)):
            opened.append(found)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        writes = options.get(WRITES, False)
        if writes and opened and _identity(engine) != opened[0]:
            # SQLite would go on writing to a file that nobody can open any more.
            raise StoreGone(
                f"{place(engine)} was removed or replaced while it was in use: nothing more can be"
                " kept in it; leave the file alone, and run again"
            )
        waits_ms = min(busy_ms, options.get(WAITS, busy_ms))
        # A table that is made anew under another name is dropped first: nothing may follow it.
        keys = "OFF" if options.get(ALTERS, False) else "ON"
        now = [f"busy_timeout={waits_ms}", f"foreign_keys={keys}"]
        if connection.info.get("pragmas") != now:
            connection.info["pragmas"] = now
            for pragma in now:
                connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _write_ahead(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    """Have a database written ahead to a log, as it stays from then on.

    SQLite does not wait with that for others who are at work in a database that is not yet so.
    """
    until = time.monotonic() + busy_timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > until:
                raise
        time.sleep(_AGAIN_S)


def _identity(engine: sa.Engine) -> tuple[int, int] | None:
    try:
        found = os.stat(engine.url.database or "")
    except OSError:
        return None
    return found.st_dev, found.st_ino
