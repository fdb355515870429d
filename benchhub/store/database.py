"""Opens the results database: pragmas, transactions, migrations, and its errors in one line."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SAWarning, SQLAlchemyError

from benchhub.errors import StoreError, StoreGone
from benchhub.outside.foreign.bounds import check_depth
from benchhub.outside.masked import MASK, masked
from benchhub.store.schema import HEAD, metadata
from benchhub.text import all_visible, visible

#: Execution option of a connection that is going to write: takes the write lock at once.
WRITES = "benchhub_writes"

# Without a handler of their own, their tracebacks would go to the user's terminal.
for _name in ("sqlalchemy", "alembic"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

_CAUSES = (
    ("locked", "is locked by another program: close it, or wait until its run ends"),
    ("readonly", "is read-only: make the file and its folder writable"),
    ("read-only", "is read-only: make the file and its folder writable"),
    ("unable to open", "cannot be opened: check that the folder exists and can be written"),
    ("not a database", "is not a database: choose another path with --store"),
    ("disk is full", "cannot grow, the disk is full: free some space"),
    ("malformed", "is damaged: restore a copy, or move it away and start anew"),
)


def connect(url: str, busy_timeout_s: float = 10.0) -> sa.Engine:
    """Return an engine on a database of the current schema, creating or migrating it if needed.

    StoreError: a URL that cannot be used, a missing folder, a file that is read-only, locked, no
    database or somebody else's, or a schema newer than this benchhub.
    """
    try:
        parsed = sa.make_url(url)
        os.fsencode(parsed.database or "")
        with warnings.catch_warnings():
            # A setting that is ignored, as `?mode=ro`, is not what was asked for.
            warnings.simplefilter("error", SAWarning)
            engine = sa.create_engine(parsed, json_deserializer=_read_json)
            engine.dialect.create_connect_args(parsed)
    except (ArgumentError, NoSuchModuleError, SAWarning, ValueError) as error:
        cause = masked(" ".join(str(error).split()))
        raise StoreError(
            f"{masked(url)!r} is not a database URL ({cause}): write sqlite:///results.db, for"
            " instance"
        ) from error
    except ModuleNotFoundError as error:
        raise StoreError(
            f"{parsed.render_as_string(hide_password=True)} needs the driver {error.name}:"
            f" pip install {error.name}"
        ) from error
    read_only = False
    if parsed.get_backend_name() == "sqlite":
        path = _checked(parsed.database)
        read_only = not _writable(path)
        if read_only:
            engine = sa.create_engine(
                parsed, creator=lambda: _reading(path), json_deserializer=_read_json
            )
        _use_pragmas(engine, busy_timeout_s, read_only)
    try:
        with explained(engine):
            _migrate(engine, read_only)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def explained(engine: sa.Engine) -> Iterator[None]:
    """Turn a database error inside the block into a StoreError that names the file and a fix."""
    try:
        yield
    except OverflowError as error:
        raise StoreError(f"{_place(engine)}: a number does not fit into 64 bits") from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        place = _place(engine)
        said = str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__]
        cause = masked(visible(said[0]))
        if password := engine.url.password:
            cause = cause.replace(str(password), MASK)
        for words, advice in _CAUSES:
            if words in cause.lower():
                raise StoreError(f"{place} {advice} ({cause})") from error
        raise StoreError(f"{place}: {cause}; run the command again, or use another --store") from (
            error
        )


def _place(engine: sa.Engine) -> str:
    place = engine.url.database if engine.dialect.name == "sqlite" else None
    return place or engine.url.render_as_string(hide_password=True)


def _read_json(text: str | bytes) -> Any:
    """Return a JSON column, its texts made visible; of a damaged one its beginning, as a text."""
    try:
        told = json.loads(text)
        check_depth(told)
    except (ValueError, RecursionError):
        return visible(repr(text[:80]))
    if isinstance(text, str) and text.isascii() and "\\" not in text and "\x7f" not in text:
        return told
    return all_visible(told)


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
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} does not exist: create it with mkdir -p {path.parent}")
    if not path.exists() and not os.access(path.parent, os.W_OK):
        raise StoreError(
            f"{path.parent} is read-only: chmod u+w {path.parent}, or use another --store"
        )
    return path


def _writable(path: Path) -> bool:
    """Return whether a database can be written: its file, and the journals beside it."""
    return all(os.access(place, os.W_OK) for place in (path, path.parent) if place.exists())


def _reading(path: Path) -> sqlite3.Connection:
    """Return a connection that reads a file which cannot be written to.

    SQLite shares such a file with writers only through journals that lie there already; without
    them nobody writes, and it is read as it stands.
    """
    named = f"file:{quote(str(path))}?mode=ro"
    if not Path(f"{path}-shm").exists():
        journal = Path(f"{path}-wal")
        if journal.exists() and journal.stat().st_size:
            raise StoreError(
                f"{path} is read-only, and its newest launches are in {journal.name} beside it:"
                f" cp {path}* to where you may write, and name that with --store"
            )
        named += "&immutable=1"
    return sqlite3.connect(named, uri=True, check_same_thread=False)


def _use_pragmas(engine: sa.Engine, busy_timeout_s: float, read_only: bool) -> None:
    pragmas = [f"busy_timeout={round(busy_timeout_s * 1000)}", "foreign_keys=ON"]
    pragmas += [] if read_only else ["journal_mode=WAL", "synchronous=NORMAL"]
    opened: list[tuple[int, int]] = []  # the file that the first connection found

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, DDL included
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        if not opened and (found := _identity(engine)):
            opened.append(found)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        if writes and opened and _identity(engine) != opened[0]:
            # SQLite would go on writing to a file that nobody can open any more.
            raise StoreGone(
                f"{_place(engine)} was removed or replaced while it was in use: nothing more can be"
                " kept in it; leave the file alone, and run again"
            )
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _identity(engine: sa.Engine) -> tuple[int, int] | None:
    try:
        found = os.stat(engine.url.database or "")
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _migrate(engine: sa.Engine, read_only: bool) -> None:
    with engine.connect() as connection:
        found = _revision(connection)
        if found == HEAD:
            return
    if read_only:
        path = engine.url.database
        raise StoreError(
            f"{path} is read-only, and of another schema ({found}, this benchhub's is {HEAD}): make"
            f" it writable, or cp {path} to where you may write, and name that with --store"
        )
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        found = _revision(connection)  # another process may have migrated while this one waited
        if found == HEAD:
            return
        if sa.inspect(connection).get_table_names():
            _upgrade(connection, found)
        else:
            _create(connection)


def _revision(connection: sa.Connection) -> str | None:
    tables = set(sa.inspect(connection).get_table_names())
    if "alembic_version" in tables:
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return None if found is None else str(found)
    if connection.dialect.name == "sqlite" and tables - set(metadata.tables):
        raise StoreError(
            f"{connection.engine.url.database} is another program's database"
            f" (it has a table {min(tables)}): choose another path with --store"
        )
    return None


def _create(connection: sa.Connection) -> None:
    """Make the tables of today at once: all the migrations take five times as long to come here."""
    stamp = sa.Table(
        "alembic_version",
        sa.MetaData(),
        sa.Column("version_num", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    )
    metadata.create_all(connection)
    stamp.create(connection)
    connection.execute(stamp.insert(), {"version_num": HEAD})


def _upgrade(connection: sa.Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"{connection.engine.url.database} was made by a newer benchhub (schema {found}, this"
            f" one knows up to {HEAD}): pip install --upgrade benchhub, or use another --store"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
