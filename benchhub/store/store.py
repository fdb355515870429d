"""The results database as the rest of benchhub sees it."""

from __future__ import annotations

import functools
import statistics
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from benchhub.errors import ConfigError, StoreError
from benchhub.model.asked import Budget
from benchhub.model.cell import Plan, Variant
from benchhub.model.claim import Claim
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Launch, RunInfo
from benchhub.model.quality import AnswerKey
from benchhub.outside.masked import all_masked
from benchhub.store import records, schema
from benchhub.store.blobs import pack_array
from benchhub.store.database import WRITES, connect, explained
from benchhub.store.medians import MedianTable
from benchhub.store.naming import named
from benchhub.store.quarantine import Quarantine
from benchhub.store.reached import Reached, reached
from benchhub.store.selftests import Selftests
from benchhub.store.stored.budget import read_budget, write_budget
from benchhub.store.stored.cell import read_cell
from benchhub.store.stored.claim import read_claim, write_claim
from benchhub.store.stored.device import read_device, unreadable_device, write_device
from benchhub.store.stored.record import Misfit, undamaged
from benchhub.store.stored.run import COLUMNS as RUN_COLUMNS
from benchhub.store.stored.run import listed_run, read_run, write_run
from benchhub.store.stored.skip import read_skip, write_skip
from benchhub.store.stored.variant import read_variant, write_variant
from benchhub.text import instant

R = TypeVar("R")
_CHUNK = 250
DEFAULT_URL = "sqlite:///benchhub.db"


def _of_run(what: str) -> Callable[[Callable[[Store, str], R]], Callable[[Store, str], R]]:
    """Have a damaged record told with the run that it is of."""

    def decorated(read: Callable[[Store, str], R]) -> Callable[[Store, str], R]:
        @functools.wraps(read)
        def guarded(self: Store, run: str) -> R:
            with undamaged(what, run):
                return read(self, run)

        return guarded

    return decorated


class Store:
    """Runs and their launches; a context manager, safe to share between threads.

    Every method that writes has committed when it returns, and what it wrote outlives a kill of
    the process. StoreError: the database cannot be read or written; ConfigError: no such run.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._writing = threading.Lock()
        #: Devices that failed their checks.
        self.quarantine = Quarantine(self._rows, self._write)
        #: How devices did as instruments.
        self.selftests = Selftests(self._rows, self._write)
        #: The medians of launches.
        self.medians = MedianTable(self._rows)

    @classmethod
    def open(cls, url: str = DEFAULT_URL, busy_timeout_s: float = 10.0) -> Store:
        """Open the database at `url`, creating or migrating it; StoreError if that cannot be."""
        return cls(connect(url, busy_timeout_s))

    @property
    def file(self) -> Path | None:
        """The file that it is; None: it is of a database server."""
        url = self._engine.url
        return Path(url.database) if url.drivername.startswith("sqlite") and url.database else None

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # --- runs ---------------------------------------------------------------------------------

    def create_run(
        self,
        run: RunInfo,
        plan: Plan,
        answer_key: AnswerKey | None,
        variants: Sequence[Variant],
        budgets: tuple[Budget, ...],
        claims: Sequence[Claim] = (),
    ) -> None:
        """Save a run before its first launch; StoreError if its id is taken."""
        row = write_run(run)
        row["provenance"] = all_masked(row["provenance"])
        row["budgets"] = [write_budget(budget) for budget in budgets]
        row["skips"] = [all_masked(write_skip(skip)) for skip in plan.skips]
        with self._write() as connection:
            try:
                connection.execute(schema.runs.insert(), row)
            except IntegrityError as error:
                raise StoreError(f"run {run.id} is in the store already: resume it") from error
            _insert(connection, schema.cells, [
                records.cell_row(run.id, position, cell) for position, cell in enumerate(plan.cells)
            ])  # fmt: skip
            _insert(connection, schema.variants, [
                {"run": run.id, "position": position, "info": _variant(variant)}
                | {name: getattr(variant, name) for name in ("name", "sha256", "model_bytes")}
                | {"params": variant.params}
                for position, variant in enumerate(variants)
            ])  # fmt: skip
            _insert(connection, schema.claims, [
                {"run": run.id, "position": position, "info": all_masked(write_claim(claim))}
                for position, claim in enumerate(claims)
            ])  # fmt: skip
            if answer_key is not None:
                _insert_answer_key(connection, run.id, answer_key)

    def resolve(self, run: str) -> str:
        """Return the id of the run named by its id, a suite, `latest`, or a unique prefix of an id.

        A suite stands for its newest run; `latest` for the newest that is no self-test of a
        device, if there is any such run.
        """
        return named(run, self.runs())

    def runs(self) -> list[RunInfo]:
        """Return every run, oldest first: by the instant it began; SQLite: then as they were added.

        Elsewhere runs of one instant are in the order of their ids.
        """
        sqlite = self._engine.dialect.name == "sqlite"
        added = sa.literal_column("rowid") if sqlite else schema.runs.c.id
        rows = self._rows(schema.runs.select().order_by(added))
        return sorted((_listed(row) for row in rows), key=lambda run: instant(run.started_at))

    @_of_run("a record")
    def run(self, run: str) -> RunInfo:
        """Return a run by its id."""
        return _run(self._run_row(run))

    def set_status(self, run: str, status: str, finished_at: str | None) -> None:
        """Save how far a run has come."""
        where = schema.runs.update().where(schema.runs.c.id == run)
        with self._write() as connection:
            done = connection.execute(where.values(status=status, finished_at=finished_at))
            if done.rowcount == 0:
                raise _no_run(run)

    def delete_run(self, run: str) -> None:
        """Remove a run and everything that belongs to it."""
        with self._write() as connection:
            if (
                connection.execute(schema.runs.delete().where(schema.runs.c.id == run)).rowcount
                == 0
            ):
                raise _no_run(run)

    @_of_run("the plan")
    def plan(self, run: str) -> Plan:
        """Return what a run set out to do."""
        cells = [read_cell(row["info"]) for row in self._of(schema.cells, run)]
        return Plan(tuple(cells), tuple(map(read_skip, self._run_row(run)["skips"])))

    @_of_run("a budget")
    def budgets(self, run: str) -> tuple[Budget, ...]:
        """Return the budgets a run was given."""
        return tuple(map(read_budget, self._run_row(run)["budgets"]))

    @_of_run("a claim")
    def claims(self, run: str) -> tuple[Claim, ...]:
        """Return the claims a run is held against, in the suite's order."""
        return tuple(read_claim(row["info"]) for row in self._of(schema.claims, run))

    @_of_run("a variant")
    def variants(self, run: str) -> tuple[Variant, ...]:
        """Return the variants of a run, in the suite's order."""
        return tuple(
            read_variant(row["info"]) for row in self._of(schema.variants, run)
        )  # fmt: skip

    @_of_run("what outputs are judged against")
    def answer_key(self, run: str) -> AnswerKey | None:
        """Return what the outputs of a run are judged against; None if it had nothing."""
        rows = self._of(schema.truths, run, ordered=False)
        references = [row["data"] for row in self._of(schema.references, run)]
        own = self._of(schema.own_references, run)
        return records.answer_key_from(rows[0], references, own) if rows else None

    def add_answer_key(self, run: str, answer_key: AnswerKey) -> None:
        """Save what outputs are judged against, of a run that began without; StoreError: it did
        not, or there is no such run."""
        with self._write() as connection:
            try:
                _insert_answer_key(connection, run, answer_key)
            except IntegrityError as error:
                raise StoreError(f"run {run} is gone, or has its reference already") from error

    def put_device(self, run: str, device: DeviceInfo) -> None:
        """Save what is known of a device, in place of what was known before."""
        table = schema.devices
        same = (table.c.run == run) & (table.c.name == device.name)
        info = {"emulated": device.emulated, "info": all_masked(write_device(device))}
        with self._write() as connection:
            if connection.execute(table.update().where(same).values(info)).rowcount == 0:
                try:
                    connection.execute(table.insert(), {"run": run, "name": device.name, **info})
                except IntegrityError as error:
                    raise _no_run(run) from error

    @_of_run("a device")
    def devices(self, run: str) -> tuple[DeviceInfo, ...]:
        """Return the devices of a run, by name."""
        rows = self._of(schema.devices, run, ordered=False)
        return tuple(_device(row) for row in sorted(rows, key=_name))

    # --- launches -----------------------------------------------------------------------------

    def add(self, launch: Launch) -> None:
        """Commit one launch with its samples and outputs, all or nothing.

        The same launch (run, cell, index, attempt) added again changes nothing if it is equal to
        the stored one, and is a StoreError if it is not; so is a cell the run did not plan.
        """
        row, blobs = records.launch_row(launch)
        table = schema.launches
        with self._write() as connection:
            try:
                added = connection.execute(table.insert().returning(table.c.id), row)
            except IntegrityError as error:
                refusal = error
            else:
                launch_id = added.scalar_one()
                _insert(connection, schema.outputs, [
                    {"launch_id": launch_id, "position": position, "data": blob}
                    for position, blob in enumerate(blobs)
                ])  # fmt: skip
                return
        self._explain_refusal(row, refusal)

    def _explain_refusal(self, row: dict[str, Any], refusal: IntegrityError) -> None:
        """Return if the launch in `row` is stored already as it is; StoreError if not."""
        table = schema.launches
        names = ("run", "cell", "launch", "attempt")
        where = [table.c[name] == row[name] for name in names]
        stored = self._rows(sa.select(table.c.digest).where(*where))
        named = f"launch {row['launch']} attempt {row['attempt']} of cell {row['cell']}"
        if not stored:
            raise StoreError(
                f"{named} is not planned in run {row['run']}: create the run with this cell"
            ) from refusal
        if stored[0]["digest"] != row["digest"]:
            raise StoreError(
                f"{named} is in run {row['run']} already, with other results:"
                " two controllers ran it; keep one and resume"
            ) from refusal

    def launches(self, run: str, cell: str | None = None) -> Iterator[Launch]:
        """Yield the launches of a run, or of one of its cells by key, in order of their start.

        One that cannot be read is there as failed, of the kind `record`.
        """
        with undamaged("a launch", run):
            yield from self._launches(run, cell)

    def _launches(self, run: str, cell: str | None) -> Iterator[Launch]:
        table, outputs = schema.launches, schema.outputs
        cells = {row["key"]: read_cell(row["info"]) for row in self._of(schema.cells, run)}
        wanted = sa.select(table.c.id, table.c.started_at).where(table.c.run == run)
        if cell is not None:
            wanted = wanted.where(table.c.cell == cell)
        found = self._rows(wanted.order_by(table.c.id))
        ids = [row["id"] for row in sorted(found, key=lambda row: instant(row["started_at"]))]
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            rows = {
                row["id"]: row for row in self._rows(table.select().where(table.c.id.in_(chunk)))
            }
            blobs: dict[int, list[bytes]] = defaultdict(list)
            kept = outputs.select().where(outputs.c.launch_id.in_(chunk))
            for row in self._rows(kept.order_by(outputs.c.launch_id, outputs.c.position)):
                blobs[row["launch_id"]].append(row["data"])
            for key in chunk:
                if key in rows:  # it may have been deleted meanwhile
                    yield records.launch_from(rows[key], cells[rows[key]["cell"]], blobs[key])

    def reached(self, run: str) -> Reached:
        """Return how far a run has come, by what its launches say without their arrays."""
        table = schema.launches
        told = [column for column in table.c if not isinstance(column.type, sa.LargeBinary)]
        rows = self._rows(sa.select(*told).where(table.c.run == run).order_by(table.c.id))
        return reached(map(records.attempt_from, rows))

    def finished(self, run: str) -> dict[str, int]:
        """Return how many launches of each cell finished, by cell key."""
        return dict(self.reached(run).finished)

    @undamaged("a launch")
    def median_wall_ns(self, cells: Iterable[str]) -> dict[str, float]:
        """Return what a launch of each cell took, the median over every run that measured it."""
        table, wanted = schema.launches, set(cells)
        query = sa.select(table.c.cell, table.c.wall_ns).where(table.c.status == "finished")
        walls: dict[str, list[int]] = defaultdict(list)
        for row in self._rows(query):
            if row["cell"] in wanted and isinstance(row["wall_ns"], int):
                walls[row["cell"]].append(row["wall_ns"])
        return {cell: float(statistics.median(values)) for cell, values in walls.items()}

    # --- inside -------------------------------------------------------------------------------

    def _run_row(self, run: str) -> sa.RowMapping:
        rows = self._rows(schema.runs.select().where(schema.runs.c.id == run))
        if not rows:
            raise _no_run(run)
        return rows[0]

    def _of(self, table: sa.Table, run: str, ordered: bool = True) -> Sequence[sa.RowMapping]:
        query = table.select().where(table.c.run == run)
        return self._rows(query.order_by(table.c.position) if ordered else query)

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        with explained(self._engine), undamaged("a record"), self._engine.connect() as connection:
            return connection.execute(query).mappings().all()

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        writer = self._engine.execution_options(**{WRITES: True})
        with self._writing, explained(self._engine), writer.begin() as connection:
            yield connection


def _insert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(table.insert(), rows)


def _insert_answer_key(connection: sa.Connection, run: str, answer_key: AnswerKey) -> None:
    connection.execute(schema.truths.insert(), records.answer_key_row(run, answer_key))
    _insert(connection, schema.references, [
        {"run": run, "position": position, "data": pack_array(array)}
        for position, array in enumerate(answer_key.reference)
    ])  # fmt: skip
    _insert(connection, schema.own_references, records.own_reference_rows(run, answer_key))


def _variant(variant: Variant) -> dict[str, Any]:
    info = write_variant(variant)
    return info | {"provenance": all_masked(info["provenance"])}


def _no_run(run: str) -> ConfigError:
    return ConfigError(f"no run {run} in the store; see benchhub runs list")


def _run(row: sa.RowMapping) -> RunInfo:
    return read_run({name: row[name] for name in RUN_COLUMNS})


def _listed(row: sa.RowMapping) -> RunInfo:
    return listed_run({name: row[name] for name in RUN_COLUMNS})


def _device(row: sa.RowMapping) -> DeviceInfo:
    try:
        return read_device(row["info"])
    except Misfit as misfit:
        return unreadable_device(_name(row), bool(row["emulated"]), misfit)


def _name(row: sa.RowMapping) -> str:
    return str(row["name"])
