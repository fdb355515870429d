"""A scenario's database on the campaign's server, and the evidence that is taken from it.

What is held to what must be true are tables of SQLite: those here are copied, as
`benchhub store copy` does it, and counted on both sides with plain SQL.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchhub.errors import BenchhubError

if TYPE_CHECKING:
    import psycopg

    from campaign.server import Server

_COUNTED = ("runs", "cells", "launches", "devices")
_OTHERS = (
    "SELECT pid, application_name, state FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True)
class Database:
    """A database of one scenario; nobody else uses it, nor the server meanwhile."""

    server: Server
    name: str

    @classmethod
    def made(cls, server: Server, name: str) -> Database:
        """Make an empty one in a server that may be down; what had its name is dropped."""
        server.up()
        database = cls(server, name)
        database.drop()
        with _connected(server.url("postgres")) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return database

    @property
    def url(self) -> str:
        """Its URL, with a password."""
        return self.server.url(self.name)

    def drop(self) -> None:
        """Drop it, whoever uses it."""
        with _connected(self.server.url("postgres")) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")

    def copied(self, file: Path) -> str:
        """Copy all it holds into a file, made anew; return why that is no copy, empty if it is."""
        return copied(self.url, file)

    def let_out(self) -> None:
        """Let every device out of quarantine, as somebody does who has mended it."""
        import psycopg

        with contextlib.suppress(psycopg.errors.UndefinedTable), _connected(self.url) as connection:
            connection.execute("DELETE FROM quarantine")

    def held(self, within_s: float) -> tuple[str, ...]:
        """Return who still is in it, once nobody is or time is up."""
        return held(self.url, within_s)


def copied(url: str, file: Path) -> str:
    """Copy a server's database into a file, made anew; return why that is no copy, or nothing."""
    from benchhub.store.upkeep.copying import copy

    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    try:
        copy(url, f"sqlite:///{file}", lambda run: None)
    except BenchhubError as error:
        return f"cannot be copied: {error}"
    with _connected(url) as there, contextlib.closing(sqlite3.connect(file)) as here:
        for table in _COUNTED:
            count = f"SELECT count(*) FROM {table}"
            mine, its = here.execute(count).fetchone(), there.execute(count).fetchone()
            if mine != its:
                return f"{mine[0]} of its {its} {table} were copied"
    return ""


def held(url: str, within_s: float) -> tuple[str, ...]:
    """Return who is in a server's database, once nobody is or time is up."""
    until = time.monotonic() + within_s
    with _connected(url) as connection:
        while found := connection.execute(_OTHERS).fetchall():
            if time.monotonic() > until:
                break
            time.sleep(0.02)  # looks again
        name = connection.info.dbname
    return tuple(f"{name} by {who} ({state}, {pid})" for pid, who, state in found)


@contextlib.contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    import psycopg

    with psycopg.connect(url, autocommit=True, connect_timeout=20) as connection:
        yield connection
