"""Columns that hold what is not of their kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from benchhub.store import schema

#: What SQLite, which takes anything anywhere, calls what a column may hold.
_KINDS: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (sa.LargeBinary, ("blob",)),
    (sa.Integer, ("integer",)),
    (sa.Boolean, ("integer",)),
    (sa.Float, ("real", "integer")),
)
#: Columns of plain text in which a moment stands.
_MOMENTS = {
    schema.runs: ("started_at", "finished_at"),
    schema.launches: ("started_at",),
    schema.selftests: ("at",),
}


def of_other_kinds(connection: sa.Connection) -> Iterator[str]:
    """Yield, for each column of a file, how many rows hold what is of another kind."""
    found = sa.inspect(connection)
    for table in schema.metadata.sorted_tables:
        if not found.has_table(table.name):
            continue
        there = {one["name"] for one in found.get_columns(table.name)}
        known = [one for one in table.c if one.name in there]
        raw = sa.table(table.name, *(sa.column(one.name) for one in known))
        wrong = [_is_wrong(raw.c[one.name], one) for one in known]
        counts = connection.execute(
            sa.select(*(sa.func.coalesce(sa.func.sum(one), 0) for one in wrong)).select_from(raw)
        ).one()
        for column, count in zip(known, counts, strict=True):
            if count:
                rows = f"{count} of the rows of {table.name}"
                yield f"{rows} hold no {_kind(column)} as {column.name}"


def of_no_moment(connection: sa.Connection) -> Iterator[str]:
    """Yield columns of moments in which something else stands."""
    for table, names in _MOMENTS.items():
        for name in names:
            column = table.c[name]
            told = sa.func.substr(column, 1, 10)
            count = connection.execute(
                sa.select(sa.func.count()).where(column.is_not(None), told.not_like("____-__-__"))
            ).scalar_one()
            if count:
                yield f"{count} of the rows of {table.name} hold no moment as {name}"


def _kind(column: sa.Column[object]) -> str:
    return _allowed(column)[0].replace("real", "number").replace("blob", "bytes")


def _allowed(column: sa.Column[object]) -> tuple[str, ...]:
    kind = column.type.impl if isinstance(column.type, sa.TypeDecorator) else column.type
    return next((names for of, names in _KINDS if isinstance(kind, of)), ("text",))


def _is_wrong(value: sa.ColumnElement[object], column: sa.Column[object]) -> sa.Case[int]:
    allowed = [*_allowed(column), *(["null"] if column.nullable else [])]
    return sa.case((sa.func.typeof(value).in_(allowed), 0), else_=1)
