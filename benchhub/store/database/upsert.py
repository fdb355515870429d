"""A row that is written whether or not it is there already, in one statement."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    row: Mapping[str, Any],
    keys: Sequence[str],
    changed: Sequence[str],
) -> None:
    """Write a row; where one with its `keys` is there, that one gets its columns `changed`."""
    insert = inserting(connection, table).values(row)
    anew = {name: insert.excluded[name] for name in changed}
    connection.execute(insert.on_conflict_do_update(index_elements=list(keys), set_=anew))


def inserted(
    connection: sa.Connection, table: sa.Table, row: Mapping[str, Any], key: str
) -> Any | None:
    """Write a row unless there is one with the same unique key; return its `key`, or None."""
    statement = _unless_there(connection.dialect.name, table, key)
    return connection.execute(statement, dict(row)).scalar_one_or_none()


@functools.cache  # made anew for every launch, it would take longer than the launch takes to store
def _unless_there(dialect: str, table: sa.Table, key: str) -> Any:
    return _insert(dialect, table).on_conflict_do_nothing().returning(table.c[key])


def inserting(connection: sa.Connection, table: sa.Table) -> Any:
    """Return the INSERT of the database's own kind, which knows ON CONFLICT."""
    return _insert(connection.dialect.name, table)


def _insert(dialect: str, table: sa.Table) -> Any:
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
