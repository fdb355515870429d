"""A store brought up to today's schema, or back to an older one, because somebody says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from benchhub.errors import StoreError
from benchhub.store.database import explained, place, versions
from benchhub.store.database.address import read
from benchhub.store.database.file import open_file
from benchhub.store.schema import HEAD


def upgrade(url: str) -> tuple[str | None, str]:
    """Bring a store to today's schema; return that which it had, None of a new one, and that.

    StoreError: it cannot be, or others are at work in it.
    """
    with _alone(url) as engine, versions.altering(engine) as connection:
        found = versions.revision(connection)
        versions.bring_up(connection, found)
    return found, HEAD


def schema_of(url: str) -> str:
    """Return the schema of a store, which is neither made nor changed.

    StoreError: there is none, or it is newer than this benchhub.
    """
    address = read(url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database)).is_file():
        raise StoreError(f"{address.database} is not there: name a store that is")
    with _alone(url, locked=False) as engine, engine.connect() as connection:
        found = versions.revision(connection)
        versions.check_known(connection, found)
        if found is None:
            raise StoreError(f"{place(engine)} has no tables yet: name a store that has")
        return found


def passed(found: str, to: str) -> tuple[tuple[str, str], ...]:
    """Return the schemas that are left on the way back from `found` to `to`, and what they brought.

    ConfigError: there is no older schema `to`.
    """
    return versions.between(to, found)


def downgrade(url: str, to: str) -> None:
    """Bring a store back to an older schema; what only newer ones know is deleted.

    StoreError: it cannot be, or others are at work in it. ConfigError: there is no such schema.
    """
    with _alone(url) as engine, versions.altering(engine) as connection:
        found = versions.revision(connection)
        versions.downgrade(connection, found or "", to)


@contextmanager
def _alone(url: str, locked: bool = True) -> Iterator[sa.Engine]:
    """Give an engine on a store as it stands; on a server's, nobody else is at work in it."""
    address = read(url)
    if address.get_backend_name() == "sqlite":
        engine, _ = open_file(address, busy_timeout_s=10.0)
        holder = None
    else:
        from benchhub.store.database.server import open_server, take_alone

        engine = open_server(address, busy_timeout_s=10.0, alone=True)
        holder = engine
    try:
        with explained(engine):
            if holder is not None and locked:
                with holder.connect().execution_options(isolation_level="AUTOCOMMIT") as lock:
                    take_alone(lock)
                    yield engine
            else:
                yield engine
    finally:
        engine.dispose()
