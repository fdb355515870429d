"""The tables of a store as they lie there: what belongs to a run, and rows without meaning.

Texts and JSON are read as they were written, byte for byte. Numbers that only count rows (`id`,
`launch_id`) are those of one store, and no part of a row.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from benchhub.store import schema

#: Tables of what is not of a run, and the columns that know a row of them; none: the whole row.
BESIDE_RUNS: Mapping[str, tuple[str, ...]] = {
    "quarantine": ("device",),
    "reservations": ("id",),
    "selftests": (),
}
#: Tables of what is computed from others: a run is the same without it.
DERIVED = frozenset({"summaries"})
#: Numbers of rows.
_NUMBERS = {"launches": "id", "outputs": "launch_id", "selftests": "id"}
#: How the rows of a table of a run are told apart.
_ORDER = {"launches": ("cell", "launch", "attempt")}
_AT_ONCE = 200


def of_runs() -> list[sa.Table]:
    """Return the tables of what belongs to a run, in the order in which they can be written.

    `runs` is the first. Outputs are those of their launches, and not among them.
    """
    others = {*BESIDE_RUNS, schema.outputs.name}
    return [table for table in schema.metadata.sorted_tables if table.name not in others]


def columns(table: sa.Table) -> tuple[str, ...]:
    """Return the columns of a table that say something."""
    return tuple(one.name for one in table.c if one.name != _NUMBERS.get(table.name))


def plain(table: sa.Table) -> sa.TableClause:
    """Return a table whose texts and JSON are read and written as they lie there."""
    return sa.table(table.name, *(sa.column(one.name, _plain(one.type)) for one in table.c))


def _plain(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    told = isinstance(kind, sa.TypeDecorator) and isinstance(kind.impl, sa.String | sa.JSON)
    return sa.Text() if told else kind


def key_of(table: sa.Table) -> str:
    """Return the column that names the run of a row."""
    return "id" if table.name == schema.runs.name else "run"


def rows_of(connection: sa.Connection, table: sa.Table, run: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a run in a table, numbers included, in an order that every store has."""
    of = plain(table)
    keys = _ORDER.get(table.name) or tuple(
        one.name for one in table.primary_key if one.name != key_of(table)
    )
    query = sa.select(of).where(of.c[key_of(table)] == run)
    # A server orders texts by its own language: bytes are the same everywhere.
    order = [_by_bytes(connection, of.c[name]) for name in keys]
    result = connection.execution_options(yield_per=_AT_ONCE).execute(query.order_by(*order))
    for row in result.mappings():
        yield dict(row)


def _by_bytes(connection: sa.Connection, column: sa.ColumnElement[Any]) -> Any:
    if connection.dialect.name == "postgresql" and isinstance(column.type, sa.Text):
        return sa.collate(column, "C")
    return column


def outputs_of(
    connection: sa.Connection, numbers: Iterable[int]
) -> dict[int, list[dict[str, Any]]]:
    """Return the rows of the outputs of launches, by the launch's number, in their order."""
    of = plain(schema.outputs)
    query = sa.select(of).where(of.c.launch_id.in_(list(numbers)))
    found: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(query.order_by(of.c.launch_id, of.c.position)).mappings():
        found.setdefault(row["launch_id"], []).append(dict(row))
    return found


def digest_of(connection: sa.Connection, run: str) -> str:
    """Return a digest of all that belongs to a run, the same in every store that has it."""
    digest = hashlib.sha256()
    for table in of_runs():
        if table.name in DERIVED:
            continue
        digest.update(f"\n{table.name}\n".encode())
        told = columns(table)
        for chunk in chunks(rows_of(connection, table, run)):
            outputs = {}
            if table is schema.launches:
                outputs = outputs_of(connection, [row["id"] for row in chunk])
            for row in chunk:
                digest.update(b"".join(_bytes(row[name]) for name in told))
                for output in outputs.get(row.get("id", 0), ()):
                    digest.update(_bytes(output["position"]) + _bytes(output["data"]))
    return digest.hexdigest()


def chunks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield rows a few hundred at a time."""
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _bytes(value: Any) -> bytes:
    """Return a value as bytes that no other value has."""
    if value is None:
        return b"N"
    if isinstance(value, bool | int):
        told = str(int(value)).encode()
        return b"i%d:%s" % (len(told), told)
    if isinstance(value, float):
        return b"f" + struct.pack("<d", value)
    raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
    return b"%s%d:%s" % (b"s" if isinstance(value, str) else b"b", len(raw), raw)
