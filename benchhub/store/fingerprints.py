"""What tells the raw record of a cell from any other, by all that is stored of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from benchhub.store import schema
from benchhub.store.database.transactions import Transactions

#: So many launches, or so many bytes of them, are read at a time.
_CHUNK, _BYTES = 1000, 1 << 24
#: Columns that say where a launch is stored, and not what it is.
_PLACE = frozenset({"id", "run", "cell"})
_BLOBS = frozenset(
    column.name for column in schema.launches.c if isinstance(column.type, sa.LargeBinary)
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The fingerprints of cells by their key, those that have launches.

    They are of what was stored before the launch numbered `until`, that one included.
    """

    cells: Mapping[str, str]
    until: int


class Fingerprints:
    """The fingerprints of a store; see `Store.fingerprints`.

    They are of the bytes that are stored, not of digests that were stored beside them: a sample
    that was damaged since has another one.
    """

    def __init__(self, store: Transactions) -> None:
        self._store = store

    def launches(self, run: str) -> Recorded:
        """Return that of all launches of each cell, as they are now."""
        table, outputs = schema.launches, schema.outputs
        plain = [c for c in table.c if c.name not in _PLACE | _BLOBS]
        blobs = [c for c in table.c if c.name in _BLOBS]
        size = sa.func.length(table.c.samples)
        sized = sa.select(table.c.id, size.label("size")).where(table.c.run == run)
        ids = [(row["id"], row["size"]) for row in self._store.rows(sized.order_by(table.c.id))]
        found: dict[str, Any] = {}
        for part in _parts(ids):
            wanted = sa.select(_raw(table.c.cell), table.c.id, *map(_raw, (*plain, *blobs)))
            wanted = wanted.where(table.c.id.in_(part)).order_by(table.c.id)
            of: dict[int, tuple[Any, str]] = {}
            for row in self._store.rows(wanted):
                cell, number, *values = _values(row)
                digest = found.setdefault(cell, hashlib.sha256())
                _add(digest, values[: len(plain)], values[len(plain) :])
                of[number] = digest, digest.hexdigest()
            size = sa.func.length(outputs.c.data)
            sized = sa.select(outputs.c.launch_id, size.label("size"))
            sized = sized.where(outputs.c.launch_id.in_(part)).order_by(outputs.c.launch_id)
            given = [(row["launch_id"], row["size"]) for row in self._store.rows(sized)]
            for some in _parts(given):
                told = sa.select(outputs.c.launch_id, outputs.c.position, _raw(outputs.c.data))
                told = told.where(outputs.c.launch_id.in_(some))
                for row in self._store.rows(told.order_by(outputs.c.launch_id, outputs.c.position)):
                    number, *values = _values(row)
                    if number in of:
                        digest, launch = of[number]
                        _add(digest, (launch, values[0]), values[1:])
        cells = {str(cell): digest.hexdigest() for cell, digest in found.items()}
        return Recorded(cells, ids[-1][0] if ids else 0)

    def answers(self, run: str) -> str:
        """Return that of what outputs are judged against; of nothing where there is nothing."""
        digest = hashlib.sha256()
        for table in (schema.truths, schema.references, schema.own_references):
            told = [column for column in table.c if column.name != "run"]
            keys = [column for column in table.primary_key if column.name != "run"]
            wanted = sa.select(*map(_raw, told)).where(table.c.run == run)
            for row in self._store.rows(wanted.order_by(*keys)):
                digest.update(table.name.encode())
                _add(digest, (), _values(row))
        return digest.hexdigest()


def _parts(sized: Sequence[tuple[int, Any]]) -> Iterator[list[int]]:
    """Yield numbers, each once, so that what those of one part stand for can be held at a time."""
    part: dict[int, None] = {}
    held = 0
    for number, size in sized:
        held += size if isinstance(size, int) else 0
        if part and number not in part and (held > _BYTES or len(part) == _CHUNK):
            yield list(part)
            part, held = {}, size if isinstance(size, int) else 0
        part[number] = None
    if part:
        yield list(part)


def _raw(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return a column as its bytes or its text are stored, whatever it is to hold."""
    return sa.type_coerce(column, sa.types.NullType()).label(column.name)


def _values(row: sa.RowMapping) -> list[Any]:
    return list(row.values())


def _add(digest: Any, plain: Sequence[Any], blobs: Sequence[Any]) -> None:
    """Add values so that no others give the same: those of `blobs` as they are, with their size."""
    raw = [one if isinstance(one, bytes) else None for one in blobs]
    sizes = [one if size is None else (len(size),) for one, size in zip(blobs, raw, strict=True)]
    digest.update(repr((plain, sizes)).encode("utf-8", "surrogatepass"))
    for one in raw:
        if one:
            digest.update(one)
