"""What is large of old runs goes: raw samples and outputs; what was decided of them stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from benchhub.errors import StoreError
from benchhub.model.launch import RunInfo
from benchhub.store import schema
from benchhub.store.blobs import pack_ns
from benchhub.store.database import WRITES, explained, place
from benchhub.store.store import Store
from benchhub.store.summaries import Summary
from benchhub.store.upkeep.digests import kept_digest
from benchhub.store.upkeep.tables import columns, plain
from benchhub.text import instant

#: Where what was decided of a run lies among its summaries.
DECIDED, RESULTS = "decided", "results"
_ARRAYS = ("samples", "warmup", "tracks", "predictions", "postprocess", "own_scores")
#: Of what outputs were judged against, which nothing is judged against any more.
_ANSWERS = (schema.truths, schema.references, schema.own_references)
_OVER = ("done", "failed")


@dataclass(frozen=True, slots=True)
class Prunable:
    """A run whose samples may go: its launches, and the bytes that they and its outputs take."""

    run: RunInfo
    launches: int
    size_bytes: int


def prunable(store: Store, keep: int | None, older_than: timedelta | None) -> list[Prunable]:
    """Return the runs, oldest first, that are over and not pruned yet.

    None of the newest `keep` of their suite, and those alone that began before `older_than`.
    """
    newest: dict[str, int] = {}
    chosen = []
    now = datetime.now(UTC)
    for run in reversed(store.runs()):
        newest[run.suite] = newest.get(run.suite, 0) + 1
        old = older_than is None or instant(run.started_at) < now - older_than
        beyond = keep is None or newest[run.suite] > keep
        if old and beyond and run.status in _OVER and store.pruned_at(run.id) is None:
            chosen.append(run)
    return [_measured(store, run) for run in reversed(chosen)]


def _measured(store: Store, run: RunInfo) -> Prunable:
    launches, outputs = schema.launches, schema.outputs
    of = plain(launches)
    each = [sa.func.coalesce(sa.func.length(of.c[name]), 0) for name in _ARRAYS]
    size = sum(each[1:], start=each[0])
    with explained(store.engine), store.engine.connect() as connection:
        count, bytes_ = connection.execute(
            sa.select(sa.func.count(), sa.func.sum(size)).select_from(of).where(of.c.run == run.id)
        ).one()
        beside = connection.execute(
            sa.select(sa.func.sum(sa.func.length(outputs.c.data)))
            .select_from(outputs.join(launches))
            .where(launches.c.run == run.id)
        ).scalar()
        for table in (schema.references, schema.own_references):
            found = sa.select(sa.func.sum(sa.func.length(table.c.data)))
            bytes_ = (bytes_ or 0) + (
                connection.execute(found.where(table.c.run == run.id)).scalar() or 0
            )
    return Prunable(run, count, int(bytes_ or 0) + int(beside or 0))


def fingerprint(store: Store, run: str) -> tuple[tuple[int, str], ...]:
    """Return what a run's launches are: nothing is pruned that was decided from others."""
    with explained(store.engine), store.engine.connect() as connection:
        return _fingerprint(connection, run)


def _fingerprint(connection: sa.Connection, run: str) -> tuple[tuple[int, str], ...]:
    table = schema.launches
    rows = connection.execute(
        sa.select(table.c.id, table.c.digest).where(table.c.run == run).order_by(table.c.id)
    )
    return tuple((row[0], row[1]) for row in rows)


def prune(store: Store, run: str, decided: bytes, seen: Sequence[tuple[int, str]]) -> None:
    """Keep what was decided of a run, by launches that are `seen`, and delete its samples.

    StoreError: it has other launches by now, or is measured again; or it cannot be written.
    """
    kept = Summary("1", decided)
    if not store.summaries.keep(run, DECIDED, {RESULTS: kept}):
        raise StoreError(
            f"{place(store.engine)} cannot keep what was decided of run {run}, or somebody else"
            " writes to it: nothing of the run was pruned; run the command again"
        )
    if store.summaries.of(run, DECIDED).get(RESULTS) != kept:
        raise StoreError(f"what was decided of run {run} does not come back: nothing was pruned")
    writer = store.engine.execution_options(**{WRITES: True})
    with explained(store.engine), writer.begin() as connection:
        runs = schema.runs
        alone = sa.select(runs.c.status).where(runs.c.id == run)
        if connection.dialect.name == "postgresql":
            alone = alone.with_for_update()
        status = connection.execute(alone).scalar()
        if status not in _OVER or _fingerprint(connection, run) != tuple(seen):
            raise StoreError(f"run {run} changed meanwhile: nothing of it was pruned")
        _forget_arrays(connection, run)
        for table in _ANSWERS:
            connection.execute(table.delete().where(table.c.run == run))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        connection.execute(runs.update().where(runs.c.id == run).values(pruned_at=now))


def _forget_arrays(connection: sa.Connection, run: str) -> None:
    launches, outputs = schema.launches, schema.outputs
    mine = sa.select(launches.c.id).where(launches.c.run == run)
    connection.execute(outputs.delete().where(outputs.c.launch_id.in_(mine)))
    of = plain(launches)
    told = [of.c[name] for name in ("id", *columns(launches)) if name not in _ARRAYS]
    rows = connection.execute(sa.select(*told).where(of.c.run == run)).mappings().all()
    if not rows:
        return
    nothing = pack_ns(np.empty(0, dtype=np.int64))
    gone: dict[str, Any] = dict.fromkeys(_ARRAYS)
    gone |= {"samples": nothing, "warmup": nothing}
    change = of.update().where(of.c.id == sa.bindparam("of_id"))
    change = change.values(**gone, kept_digest=sa.bindparam("digest_kept"))
    connection.execute(
        change, [{"of_id": row["id"], "digest_kept": kept_digest(dict(row))} for row in rows]
    )


def give_back(store: Store) -> tuple[int, int, bool]:
    """Have the database give its room back; return the bytes it took before and takes now.

    And whether all of it: a server in use keeps it for what comes, since giving it back would stop
    everybody.
    """
    engine = store.engine
    before = _size(store)
    whole = True
    with explained(engine):
        if engine.dialect.name == "sqlite":
            with engine.connect() as connection:
                raw = connection.connection.driver_connection
                assert raw is not None
                raw.execute("VACUUM")
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            whole = _vacuum(engine)
    return before, _size(store), whole


def _vacuum(engine: sa.Engine) -> bool:
    from benchhub.store.database.server import open_server, take_alone

    url = engine.url
    engine.dispose()  # its own connections would be in the way
    other = open_server(url, busy_timeout_s=10.0, alone=True)
    try:
        with other.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                take_alone(connection)
                whole = True
            except StoreError:
                whole = False
            for table in ("launches", "outputs", "truths", "truth_references", "own_references"):
                connection.exec_driver_sql(f"VACUUM {'FULL ' if whole else ''}{table}")
            return whole
    finally:
        other.dispose()


def _size(store: Store) -> int:
    if store.file is not None:
        files = [store.file, store.file.with_name(store.file.name + "-wal")]
        return sum(one.stat().st_size for one in files if one.exists())
    with explained(store.engine), store.engine.connect() as connection:
        asked = sa.text("SELECT pg_database_size(current_database())")
        return int(connection.execute(asked).scalar_one())
