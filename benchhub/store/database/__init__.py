"""Opens the results database: a file of SQLite's, or one that a PostgreSQL server keeps."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import sqlalchemy as sa

from benchhub.store.database import versions
from benchhub.store.database.address import read
from benchhub.store.database.file import WRITES, open_file
from benchhub.store.database.told import Refused, Undone, explained, place

__all__ = ["WRITES", "Opened", "Refused", "Undone", "connect", "explained", "place"]

# Without a handler of their own, their tracebacks would go to the user's terminal.
for _name in ("sqlalchemy", "alembic"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Opened:
    """A database of the current schema, and whether launches can be added to it."""

    engine: sa.Engine
    writable: bool


def connect(url: str, busy_timeout_s: float = 10.0, read_only: bool = False) -> Opened:
    """Return a database of the current schema, made if there is none, and if a file is older.

    `read_only`: it has to be there, and nothing can be written to it, be that allowed or not.
    StoreError: a URL that cannot be used, a missing folder, a file that is read-only, locked, no
    database or somebody else's, a server that does not answer or lets nobody in, or a schema newer
    than this benchhub, or on a server older.
    """
    address = read(url)
    if address.get_backend_name() == "sqlite":
        engine, writable = open_file(address, busy_timeout_s, read_only)
    else:
        from benchhub.store.database.server import open_server

        engine, writable = open_server(address, busy_timeout_s, read_only=read_only), not read_only
    try:
        with explained(engine):
            writable = versions.check(engine, writable) and not read_only
    except BaseException:
        engine.dispose()
        raise
    return Opened(engine, writable)
