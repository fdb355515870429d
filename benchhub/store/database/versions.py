"""The schema of a store: which it is of, made where there is none, and brought up or back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from benchhub.errors import ConfigError, StoreError, nearest
from benchhub.store.database.file import ALTERS, WRITES
from benchhub.store.database.told import place
from benchhub.store.schema import HEAD, metadata

if TYPE_CHECKING:
    from alembic.config import Config

#: Of the schema that keeps what was decided of a run without samples.
_PRUNED_SINCE = "0010"


def check(engine: sa.Engine, writable: bool) -> bool:
    """See to it that a database is of today's schema; return whether it can be written.

    Tables are made where there are none, and a file is brought up. A server's database is not: who
    else works in it is told first, and somebody has to say so.
    """
    if engine.dialect.name == "postgresql":
        return _check_server(engine)
    _check_file(engine, writable)
    return writable


def _check_file(engine: sa.Engine, writable: bool) -> None:
    with engine.connect() as connection:
        found = revision(connection)
        if found == HEAD:
            return
    path = engine.url.database
    if not writable and os.access(path or "", os.W_OK):
        raise StoreError(
            f"{path} is of another schema ({found}, this benchhub's is {HEAD}), and is only read"
            " here: `benchhub runs list` brings it up, or an upgrade of benchhub reads it"
        )
    if not writable:
        raise StoreError(
            f"{path} is read-only, and of another schema ({found}, this benchhub's is {HEAD}): make"
            f" it writable, or cp {path} to where you may write, and name that with --store"
        )
    with altering(engine) as connection:
        found = revision(connection)  # another process may have migrated while this one waited
        if found == HEAD:
            return
        bring_up(connection, found)


@contextmanager
def altering(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection in a transaction that changes tables."""
    options = {WRITES: True, ALTERS: True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def _check_server(engine: sa.Engine) -> bool:
    from benchhub.store.database.server import may_make, may_write, take_turns

    with engine.connect() as connection:
        found = revision(connection)
        if found == HEAD:
            return may_write(connection)
        if found is not None:
            check_known(connection, found)
            raise StoreError(
                f"{place(engine)} is of the older schema {found}, this benchhub's is {HEAD}: run"
                " `benchhub store upgrade`; older versions will not open it then"
            )
        if not may_make(connection):
            raise StoreError(
                f"{place(engine)} has no tables yet, and its user may not make them: have its owner"
                " run `benchhub store upgrade`"
            )
    with engine.begin() as connection:
        take_turns(connection)
        if revision(connection) is None:
            _create(connection)
    return True


def revision(connection: sa.Connection) -> str | None:
    """Return the schema that a database is of; None: it has no tables yet, or no stamp.

    StoreError: it is another program's.
    """
    if connection.dialect.name == "postgresql":
        asked = "SELECT to_regclass('alembic_version'), to_regclass('runs')"
        stamp, runs = connection.execute(sa.text(asked)).one()
        if (stamp is None) != (runs is None):
            name = "runs" if stamp is None else "alembic_version"
            raise StoreError(_another(place(connection.engine), name))
        tables = {"alembic_version"} if stamp else set()
    else:
        tables = set(sa.inspect(connection).get_table_names())
    if "alembic_version" in tables:
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return None if found is None else str(found)
    if tables - set(metadata.tables):
        raise StoreError(_another(place(connection.engine), min(tables)))
    return None


def _another(at: str, table: str) -> str:
    return (
        f"{at} is another program's database (it has a table {table}): choose another with --store"
    )


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


def known() -> tuple[str, ...]:
    """Return every schema that this benchhub knows, the oldest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(reversed([script.revision for script in scripts]))


def check_known(connection: sa.Connection, found: str | None) -> None:
    """StoreError where a schema is newer than this benchhub."""
    if found is not None and found not in known():
        raise StoreError(
            f"{place(connection.engine)} was made by a newer benchhub (schema {found}, this one"
            f" knows up to {HEAD}): pip install --upgrade benchhub, or use another --store"
        )


def upgrade(connection: sa.Connection, found: str | None) -> None:
    """Bring a database to today's schema, in the transaction that is open."""
    from alembic import command

    check_known(connection, found)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def bring_up(connection: sa.Connection, found: str | None) -> None:
    """Bring a database to today's schema, its tables made where there are none."""
    if found is None and not _has_tables(connection):
        _create(connection)
    else:
        upgrade(connection, found)


def stamp(connection: sa.Connection, to: str) -> None:
    """Make the tables of a schema in an empty database, by every migration up to it."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _has_tables(connection: sa.Connection) -> bool:
    ours = {"alembic_version", *metadata.tables}
    return bool(ours & set(sa.inspect(connection).get_table_names()))


def between(to: str, found: str) -> tuple[tuple[str, str], ...]:
    """Return the schemas after `to`, up to `found`, and what each brought, the newest first.

    ConfigError: `to` is no schema before `found`.
    """
    from alembic.script import ScriptDirectory

    every = known()
    if to not in every or every.index(to) >= every.index(found):
        older = every[: every.index(found)]
        raise ConfigError(f"schema {to} is none that is older than {found}{nearest(to, older)}")
    scripts = ScriptDirectory.from_config(_config()).iterate_revisions(found, to)
    return tuple((one.revision, one.doc) for one in scripts)


def downgrade(connection: sa.Connection, found: str, to: str) -> None:
    """Bring a database back to an older schema, in the transaction that is open.

    ConfigError: there is no such one. StoreError: a run is pruned, which older ones cannot tell.
    """
    from alembic import command

    between(to, found)
    if to < _PRUNED_SINCE <= found:
        pruned = sa.text("SELECT min(id) FROM runs WHERE pruned_at IS NOT NULL")
        if (run := connection.execute(pruned).scalar()) is not None:
            raise StoreError(
                f"run {run} is pruned, and what was decided of it would be lost: delete such runs"
                f" first, with `benchhub runs delete {run}`"
            )
    config = _config()
    config.attributes["connection"] = connection
    command.downgrade(config, to)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).parent.parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config
