"""All that a store holds, copied into another: of either kind, run by run, each whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from benchhub.errors import StoreError
from benchhub.store import schema
from benchhub.store.database import WRITES, Opened, connect, explained, place
from benchhub.store.stored.record import undamaged
from benchhub.store.upkeep.tables import (
    BESIDE_RUNS,
    chunks,
    columns,
    digest_of,
    of_runs,
    outputs_of,
    plain,
    rows_of,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: runs by id, launches, and the runs that were there already, the same."""

    runs: tuple[str, ...]
    launches: int
    there: tuple[str, ...]


def copy(source: str, target: str, progress: Callable[[str], None]) -> Copied:
    """Copy what one store holds into another, and read back that it is the same.

    A run is copied whole or not at all, so that a copy that was cut short goes on where it was when
    it is started again. What changes in the source meanwhile is not copied. `progress` takes each
    run's id as it is done.

    StoreError: the target has a run or a device in quarantine of that name with other content, in
    which case nothing is copied; it cannot keep what the source holds; or either cannot be used.
    """
    with _opened(source) as whence, _opened(target) as whither:
        if _same(whence.engine.url, whither.engine.url):
            raise StoreError(f"{place(whence.engine)} is both: name another store to copy to")
        if not whither.writable:
            raise StoreError(f"{place(whither.engine)} cannot be written: copy to another store")
        with _as_it_is(whence.engine) as reading:
            runs = _run_ids(reading)
            there = _agreeing(reading, whither.engine, runs)
            launches = 0
            for run in runs:
                if run not in there:
                    launches += _copy_run(reading, whither.engine, run)
                    progress(run)
            _copy_beside(reading, whither.engine)
    return Copied(tuple(run for run in runs if run not in there), launches, tuple(there))


@contextmanager
def _opened(url: str) -> Iterator[Opened]:
    opened = connect(url)
    try:
        yield opened
    finally:
        opened.engine.dispose()


def _same(one: sa.URL, other: sa.URL) -> bool:
    if one.get_backend_name() != other.get_backend_name():
        return False
    if one.get_backend_name() == "sqlite":
        import os

        return os.path.samefile(str(one.database), str(other.database))
    return one.set(password=None) == other.set(password=None)


@contextmanager
def _as_it_is(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection that sees the store as it was when it was opened."""
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with explained(engine), engine.connect().execution_options(**options) as connection:
        yield connection


def _run_ids(reading: sa.Connection) -> list[str]:
    """Return the runs in the order in which they were added, as far as a store tells."""
    runs = schema.runs
    sqlite = reading.dialect.name == "sqlite"
    added: list[Any] = [sa.literal_column("rowid")] if sqlite else [runs.c.started_at, runs.c.id]
    return list(reading.execute(sa.select(plain(runs).c.id).order_by(*added)).scalars())


def _agreeing(reading: sa.Connection, engine: sa.Engine, runs: list[str]) -> list[str]:
    """Return the runs that the target has, the same; StoreError: it has others of that name."""
    with explained(engine), engine.connect() as connection:
        known = set(_run_ids(connection))
        both = [run for run in runs if run in known]
        other = [run for run in both if digest_of(connection, run) != _digest(reading, run)]
        if other:
            told = ", ".join(other[:3]) + (f" and {len(other) - 3} more" if other[3:] else "")
            raise StoreError(
                f"{place(engine)} holds {told} with other content: nothing was copied; delete it"
                f" there with `benchhub runs delete {other[0]}`, or copy to another store"
            )
        for name, keys in BESIDE_RUNS.items():
            table = schema.metadata.tables[name]
            for row in _beside(reading, table):
                same = _find(connection, table, row, keys)
                if keys and same is not None and same != row:
                    told = ", ".join(str(row[key]) for key in keys)
                    raise StoreError(
                        f"{place(engine)} holds {told} in {name} with other content: nothing was"
                        " copied; make them agree, or copy to another store"
                    )
    return both


def _copy_run(reading: sa.Connection, engine: sa.Engine, run: str) -> int:
    """Copy a run in one transaction; return how many launches it has."""
    launches = 0
    writer = engine.execution_options(**{WRITES: True})
    with explained(engine), undamaged("a record", run), writer.begin() as writing:
        for table in of_runs():
            for chunk in chunks(_read(reading, rows_of(reading, table, run))):
                if table is schema.launches:
                    launches += _copy_launches(reading, writing, chunk)
                else:
                    _insert(writing, table, chunk)
        if _digest(reading, run) != digest_of(writing, run):
            raise StoreError(
                f"run {run} does not come out of {place(engine)} as it went in: it was not copied;"
                " run `benchhub store check` on the store that it is in"
            )
    return launches


def _read(reading: sa.Connection, rows: Iterable[T]) -> Iterator[T]:
    """Yield what is read; what is wrong there is told of the store that is copied."""
    with explained(reading.engine):
        yield from rows


def _digest(reading: sa.Connection, run: str) -> str:
    with explained(reading.engine):
        return digest_of(reading, run)


def _copy_launches(
    reading: sa.Connection, writing: sa.Connection, rows: list[dict[str, Any]]
) -> int:
    with explained(reading.engine):
        outputs = outputs_of(reading, [row["id"] for row in rows])
    told = columns(schema.launches)
    insert = plain(schema.launches).insert()
    numbers = []
    for row in rows:
        made = writing.execute(
            insert.returning(sa.column("id", sa.Integer)), {name: row[name] for name in told}
        )
        numbers.append(made.scalar_one())
    _insert(writing, schema.outputs, [
        {**output, "launch_id": number}
        for row, number in zip(rows, numbers, strict=True)
        for output in outputs.get(row["id"], ())
    ])  # fmt: skip
    return len(rows)


def _insert(writing: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        told = columns(table) if table is not schema.outputs else tuple(rows[0])
        writing.execute(plain(table).insert(), [{name: row[name] for name in told} for row in rows])


def _copy_beside(reading: sa.Connection, engine: sa.Engine) -> None:
    writer = engine.execution_options(**{WRITES: True})
    with explained(engine), writer.begin() as writing:
        for name, keys in BESIDE_RUNS.items():
            table = schema.metadata.tables[name]
            for row in _beside(reading, table):
                if _find(writing, table, row, keys) is None:
                    _insert(writing, table, [row])


def _beside(reading: sa.Connection, table: sa.Table) -> list[dict[str, Any]]:
    of = plain(table)
    query = sa.select(*(of.c[name] for name in columns(table)))
    order = list(table.primary_key)
    ordered = query.order_by(*(of.c[one.name] for one in order))
    with explained(reading.engine):
        return [dict(row) for row in reading.execute(ordered).mappings()]


def _find(
    connection: sa.Connection, table: sa.Table, row: dict[str, Any], keys: tuple[str, ...]
) -> dict[str, Any] | None:
    """Return the row with the same keys; without keys: the same row."""
    of = plain(table)
    same = [of.c[name] == row[name] for name in keys or columns(table)]
    found = connection.execute(sa.select(*(of.c[one] for one in columns(table))).where(*same))
    first = found.mappings().first()
    return None if first is None else dict(first)
