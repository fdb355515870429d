"""Whether a store holds what was put into it: every row read, every digest made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from benchhub.errors import BenchhubError
from benchhub.store import schema
from benchhub.store.blobs import unpack_array, unpack_ns
from benchhub.store.database import explained, place
from benchhub.store.store import Store
from benchhub.store.stored.cell import read_cell
from benchhub.store.stored.record import undamaged
from benchhub.store.upkeep.columns import of_no_moment, of_other_kinds
from benchhub.store.upkeep.digests import is_as_kept, is_as_stored
from benchhub.store.upkeep.pruning import DECIDED, RESULTS
from benchhub.store.upkeep.tables import chunks, outputs_of, plain, rows_of
from benchhub.text import visible


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: how much was read, and a line on each thing that is damaged."""

    runs: int
    launches: int
    pruned: int
    damaged: tuple[str, ...]


def check(store: Store, progress: Callable[[str], None]) -> Checked:
    """Read everything that a store holds; `progress` takes each run's id as it is begun.

    StoreError: it cannot be read at all.
    """
    damaged = [*_of_database(store.engine), *_of_columns(store.engine)]
    launches = pruned = 0
    runs = _ids(store)
    for run in runs:
        progress(run)
        damaged += _of_records(store, run)
        if store.pruned_at(run) and RESULTS not in store.summaries.of(run, DECIDED):
            damaged.append(f"run {run}: what was decided before it was pruned cannot be read")
        found, mine, without = _of_launches(store.engine, run)
        launches += found
        pruned += without
        damaged += mine
    damaged += _of_selftests(store)
    return Checked(len(runs), launches, pruned, tuple(damaged))


def _ids(store: Store) -> list[str]:
    with explained(store.engine), store.engine.connect() as connection:
        runs = plain(schema.runs)
        return list(connection.execute(sa.select(runs.c.id).order_by(runs.c.id)).scalars())


def _of_database(engine: sa.Engine) -> Iterator[str]:
    """Yield what the database itself says, and rows that belong to nothing."""
    at = place(engine)
    with explained(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            for row in connection.exec_driver_sql("PRAGMA integrity_check"):
                if row[0] != "ok":
                    yield f"{at}: {visible(str(row[0]))}"
        found = sa.inspect(connection)
        for table in schema.metadata.sorted_tables:
            if not found.has_table(table.name):
                yield f"{at}: the table {table.name} is not there"
                continue
            there = {one["name"] for one in found.get_columns(table.name)}
            for name in sorted({one.name for one in table.c} - there):
                yield f"{at}: the column {name} of {table.name} is not there"
        for table in schema.metadata.sorted_tables:
            for key in table.foreign_key_constraints:
                count = connection.execute(_orphans(table, key)).scalar_one()
                if count:
                    yield (
                        f"{at}: {count} rows of {table.name} belong to nothing in"
                        f" {key.referred_table.name}"
                    )


def _of_columns(engine: sa.Engine) -> Iterator[str]:
    """Yield columns that hold what is not of their kind."""
    at = place(engine)
    with explained(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            yield from (f"{at}: {one}" for one in of_other_kinds(connection))
        yield from (f"{at}: {one}" for one in of_no_moment(connection))


def _orphans(table: sa.Table, key: sa.ForeignKeyConstraint) -> sa.Select[Any]:
    other = key.referred_table.alias("other")
    joined = [one.parent == other.c[one.column.name] for one in key.elements]
    first = other.c[key.elements[0].column.name]
    query = sa.select(sa.func.count()).select_from(table.outerjoin(other, sa.and_(*joined)))
    return query.where(first.is_(None))


def _of_records(store: Store, run: str) -> Iterator[str]:
    """Yield what of a run cannot be read, its launches aside."""
    readers: tuple[Callable[[str], object], ...] = (
        store.run, store.plan, store.budgets, store.claims, store.variants, store.answer_key,
    )  # fmt: skip
    for read in readers:
        try:
            read(run)
        except BenchhubError as error:
            yield str(error)
    try:
        for device in store.devices(run):
            if device.transport == "unknown" and device.error:
                yield f"run {run}: {device.error}"
    except BenchhubError as error:
        yield str(error)
    with explained(store.engine), store.engine.connect() as connection:
        for row in connection.execute(
            schema.cells.select().where(schema.cells.c.run == run)
        ).mappings():
            try:
                cell = read_cell(row["info"])
            except BenchhubError:
                continue  # `plan` said so
            names = ("key", "device", "variant", "backend", "scenario", "batch", "threads")
            wrong = [name for name in names if row[name] != getattr(cell, name)]
            if wrong:
                yield f"run {run}: cell {row['key']} is not what its record says: {wrong[0]}"


def _of_launches(engine: sa.Engine, run: str) -> tuple[int, list[str], int]:
    """Return how many launches a run has, what is wrong with them, and how many are pruned."""
    damaged: list[str] = []
    count = pruned = 0
    with explained(engine), undamaged("a launch", run), engine.connect() as connection:
        for chunk in chunks(rows_of(connection, schema.launches, run)):
            outputs = outputs_of(connection, [row["id"] for row in chunk])
            for row in chunk:
                count += 1
                pruned += row["kept_digest"] is not None
                blobs = [one["data"] for one in outputs.get(row["id"], ())]
                if why := _wrong(row, blobs):
                    place = f"launch {row['launch']} attempt {row['attempt']} of {row['cell']}"
                    damaged.append(f"run {run}: {visible(place)}: {why}")
    return count, damaged, pruned


def _wrong(row: dict[str, Any], outputs: list[bytes]) -> str | None:
    """Return what is wrong with a launch as it lies there; None: nothing is."""
    try:
        if row["kept_digest"] is not None:
            return None if is_as_kept(row) else "what is kept of it is not what was kept"
        if not is_as_stored(row, outputs):
            return "it is not what was stored: its digest differs"
        samples = unpack_ns(row["samples"])
        unpack_ns(row["warmup"])
        for blob in outputs:
            unpack_array(blob)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is of this launch
        return f"it cannot be read: {visible(str(error) or type(error).__name__)[:200]}"
    if samples.size != row["samples_count"]:
        return f"it has {samples.size} samples instead of {row['samples_count']}"
    return None


def _of_selftests(store: Store) -> Iterator[str]:
    from benchhub.store.stored.device import read_selftest

    with explained(store.engine), store.engine.connect() as connection:
        for row in connection.execute(schema.selftests.select()).mappings():
            try:
                with undamaged(f"a self-test of {row['device']}"):
                    read_selftest(row["info"])
            except BenchhubError as error:
                yield str(error)
