"""What went wrong with a database, in one line that names it, the cause and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from benchhub.errors import StoreError, StoreLost
from benchhub.outside.masked import MASK, masked
from benchhub.text import visible

_DAMAGED = "is damaged: restore a copy, or move it away and start anew"
#: Words of SQLite and of PostgreSQL, and what they mean for who started a command.
_CAUSES = (
    ("locked", "is locked by another program: close it, or wait until its run ends"),
    ("lock timeout", "is locked by another program: wait until its upgrade or its run ends"),
    ("readonly", "is read-only: make the file and its folder writable"),
    ("in a read-only transaction", "is read-only: name the server that takes writes"),
    ("read-only", "is read-only: make the file and its folder writable"),
    ("unable to open", "cannot be opened: check that the folder exists and can be written"),
    ("not a database", "is not a database: choose another path with --store"),
    ("disk is full", "cannot grow, the disk is full: free some space"),
    ("no space left", "cannot grow, the disk of its server is full: free some space there"),
    ("disk i/o", "is not written or read by this system: look at its disk, and at `ulimit -f`"),
    ("malformed", _DAMAGED),
    ("could not decode to utf-8", _DAMAGED),
    ("no such table", _DAMAGED),
    ("no such column", _DAMAGED),
    (
        "no password supplied",
        "wants a password: set PGPASSWORD, write it into ~/.pgpass, or into the URL",
    ),
    (
        "password authentication failed",
        "refuses this user's password: correct the URL, PGPASSWORD or ~/.pgpass",
    ),
    ("no pg_hba.conf entry", "does not let this user in from here: add a line to its pg_hba.conf"),
    ("authentication failed", "does not let this user in: check the user in the URL"),
    ("must be owner of", "does not allow its user that: have its owner do it"),
    ("permission denied", "does not allow its user that: have its owner GRANT it"),
    ("connection slots", "has no connection left: raise its max_connections"),
    ("too many connections", "has no connection left: raise its max_connections"),
    ("too many clients", "has no connection left: raise its max_connections"),
)
#: Of a server that may be there again soon.
_LOST = (
    "connection refused", "connection is lost", "connection is closed", "connection not open",
    "closed the connection", "terminating connection", "consuming input failed",
    "starting up", "shutting down", "in recovery mode", "not yet accepting connections",
    "timeout expired", "timed out", "no such file or directory", "could not translate host",
    "failed to resolve host", "unreachable", "no route to host", "connection reset", "ssl syscall",
    "could not connect", "could not receive data", "could not send data", "broken pipe",
)  # fmt: skip
#: Of PostgreSQL: transactions that got in one another's way, and were undone whole.
_AGAIN = {"40001", "40P01"}


class Undone(StoreError):
    """A transaction was undone, because another one was in its way: it may be tried again."""


class Refused(StoreError):
    """A row that the database does not take: its key is there already, or what it belongs to is
    not."""


@contextmanager
def explained(engine: sa.Engine) -> Iterator[None]:
    """Turn a database error inside the block into a StoreError that names the place and a fix.

    StoreLost: its server does not answer, or the connection broke; Undone and Refused.
    """
    try:
        yield
    except OverflowError as error:
        raise StoreError(f"{place(engine)}: a number does not fit into 64 bits") from error
    except UnicodeDecodeError as error:  # SQLite's own message, with the damaged text in it
        raise StoreError(f"{place(engine)} {_DAMAGED} (its tables are no text)") from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _told(engine, error) from error


def place(engine: sa.Engine) -> str:
    """Return how a database is named to people: its file, or its URL without the password."""
    url = engine.url
    file = url.database if engine.dialect.name == "sqlite" else None
    typed = url.set(drivername=url.get_backend_name())
    return file or typed.render_as_string(hide_password=True)


def _told(engine: sa.Engine, error: Exception) -> StoreError:
    at, original = place(engine), getattr(error, "orig", None)
    said = " ".join(str(original or error).split()) or type(error).__name__
    cause = masked(visible(said))[:300]
    if password := engine.url.password:
        cause = cause.replace(str(password), MASK)
    if isinstance(error, IntegrityError):
        return Refused(f"{at} does not take a row: {cause}; run `benchhub store check`")
    if getattr(original, "sqlstate", None) in _AGAIN:
        return Undone(f"{at} is written by several at once ({cause}): run the command again")
    lower = cause.lower()
    if engine.dialect.name != "sqlite":
        if 'database "' in lower and "does not exist" in lower:
            return StoreError(f"{at} is not there ({cause}): create it with createdb")
        if 'role "' in lower and "does not exist" in lower:
            return StoreError(f"{at} does not know this user ({cause}): correct it in the URL")
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if lost or any(words in lower for words in _LOST):
            return StoreLost(
                f"{at} does not answer ({cause}): check that its server runs, and the address"
            )
    for words, advice in _CAUSES:
        if words in lower:
            return StoreError(f"{at} {advice} ({cause})")
    return StoreError(f"{at}: {cause}; run the command again, or use another --store")
