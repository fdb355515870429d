"""The results database as the rest of benchhub sees it."""

from __future__ import annotations

import functools
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from benchhub.errors import ConfigError, StoreError
from benchhub.model.asked import Budget
from benchhub.model.cell import Plan, Variant
from benchhub.model.claim import Claim
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Launch, RunInfo
from benchhub.model.quality import AnswerKey
from benchhub.outside.masked import all_masked
from benchhub.store import records, schema
from benchhub.store.database import Opened, Refused, connect
from benchhub.store.database.transactions import Transactions, insert_rows
from benchhub.store.database.upsert import inserted, upsert
from benchhub.store.devices.at_work import at_work
from benchhub.store.devices.quarantine import Quarantine
from benchhub.store.devices.reservations import Reservations
from benchhub.store.devices.selftests import Selftests
from benchhub.store.fingerprints import Fingerprints
from benchhub.store.medians import MedianTable
from benchhub.store.naming import named
from benchhub.store.reached import Reached, Tried, reached
from benchhub.store.samples import SampleTable
from benchhub.store.stored.budget import read_budget
from benchhub.store.stored.cell import read_cell
from benchhub.store.stored.claim import read_claim
from benchhub.store.stored.device import read_device, unreadable_device, write_device
from benchhub.store.stored.record import Misfit, undamaged
from benchhub.store.stored.run import COLUMNS as RUN_COLUMNS
from benchhub.store.stored.run import listed_run, read_run
from benchhub.store.stored.skip import read_skip
from benchhub.store.stored.variant import read_variant
from benchhub.store.summaries import Summaries
from benchhub.store.watched.listing import Listing
from benchhub.store.watched.signs import Signs
from benchhub.text import instant

R = TypeVar("R")
_CHUNK = 250
DEFAULT_URL = "sqlite:///benchhub.db"
#: How long a server may be away in the middle of a run: it is restarted in less.
PATIENCE_S = 60.0


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

    def __init__(self, opened: Opened, patience_s: float) -> None:
        #: The database, for what is done to a store as a whole.
        self.engine = opened.engine
        #: Whether anything can be added: a file may be read-only, and so may a server's user be.
        self.writable = opened.writable
        within = Transactions(opened.engine, opened.writable, patience_s)
        self._rows, self._write, self.hurry = within.rows, within.write, within.hurry
        self._insert_once = within.insert_once
        #: Devices that failed their checks.
        self.quarantine = Quarantine(within)
        #: How devices did as instruments.
        self.selftests = Selftests(within)
        #: Devices that are kept for somebody.
        self.reservations = Reservations(within, opened.engine.dialect.name != "sqlite")
        #: The runs, but for one, that may be at work on a device.
        self.at_work = functools.partial(at_work, within)
        #: The medians of launches.
        self.medians = MedianTable(within)
        #: The samples of launches, apart from the rest of them.
        self.samples = SampleTable(within)
        #: What was computed from launches.
        self.summaries = Summaries(within)
        #: Signs of life of those who measure.
        self.signs = Signs(self.summaries)
        #: Runs and devices as lists have them.
        self.listing = Listing(within)
        #: What tells launches from any others.
        self.fingerprints = Fingerprints(within)

    @classmethod
    def open(
        cls,
        url: str = DEFAULT_URL,
        busy_timeout_s: float = 10.0,
        patience_s: float | None = None,
        read_only: bool = False,
    ) -> Store:
        """Open the database at `url`, creating or migrating it; StoreError if that cannot be.

        A server that is away later on is waited for, `patience_s` at most (None: PATIENCE_S); not
        after `hurry`. `read_only`: it has to be there, and is left as it is, whatever is done.
        """
        patience_s = PATIENCE_S if patience_s is None else patience_s
        return cls(connect(url, busy_timeout_s, read_only), patience_s)

    @property
    def file(self) -> Path | None:
        """The file that it is; None: it is of a database server."""
        url = self.engine.url
        return Path(url.database) if url.drivername.startswith("sqlite") and url.database else None

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """The URL that another process opens it by, its password in it; empty: none can."""
        url = self.engine.url
        if url.drivername.startswith("sqlite") and url.database in (None, "", ":memory:"):
            return ""
        return url.render_as_string(hide_password=False)

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
        rows = records.run_rows(run, plan, variants, budgets, claims)
        if answer_key is not None:
            rows += records.answer_key_rows(run.id, answer_key)
        if not self._insert_once(rows):
            raise StoreError(f"run {run.id} is in the store already: resume it")

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
        return self.newest(None)[0]

    def newest(self, most: int | None) -> tuple[list[RunInfo], int]:
        """Return the newest runs, `most` of them (None: all), as `runs` does, and how many more
        there are."""
        sqlite = self.engine.dialect.name == "sqlite"
        added = sa.literal_column("rowid") if sqlite else schema.runs.c.id
        table = schema.runs
        began = self._rows(sa.select(table.c.id, table.c.started_at).order_by(added))
        ids = [
            row["id"]
            for row in sorted(began, key=lambda row: instant(str(row["started_at"] or "")))
        ]
        wanted = ids if most is None else ids[-most:]
        found: dict[str, RunInfo] = {}
        for start in range(0, len(wanted), _CHUNK):
            chunk = table.c.id.in_(wanted[start : start + _CHUNK])
            found |= {row["id"]: _listed(row) for row in self._rows(table.select().where(chunk))}
        return [found[run] for run in wanted if run in found], len(ids) - len(wanted)

    @_of_run("a record")
    def run(self, run: str) -> RunInfo:
        """Return a run by its id."""
        return _run(self._run_row(run))

    def pruned_at(self, run: str) -> str | None:
        """Return when a run's samples were deleted; None: they are there, or there is no run."""
        table = schema.runs
        rows = self._rows(sa.select(table.c.pruned_at).where(table.c.id == run))
        return str(rows[0]["pruned_at"]) if rows and rows[0]["pruned_at"] else None

    def set_status(self, run: str, status: str, finished_at: str | None) -> None:
        """Save how far a run has come."""
        where = schema.runs.update().where(schema.runs.c.id == run)
        told = where.values(status=status, finished_at=finished_at)
        if self._write(lambda connection: connection.execute(told).rowcount) == 0:
            raise _no_run(run)

    def delete_run(self, run: str) -> None:
        """Remove a run and everything that belongs to it."""
        if not self._rows(sa.select(schema.runs.c.id).where(schema.runs.c.id == run)):
            raise _no_run(run)
        gone = schema.runs.delete().where(schema.runs.c.id == run)
        self._write(lambda connection: connection.execute(gone))

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
        if not self._insert_once(records.answer_key_rows(run, answer_key)):
            raise StoreError(f"run {run} is gone, or has its reference already")

    def put_device(self, run: str, device: DeviceInfo) -> None:
        """Save what is known of a device, in place of what was known before."""
        info = {"emulated": device.emulated, "info": all_masked(write_device(device))}
        row = {"run": run, "name": device.name, **info}
        keys = ("run", "name")
        try:
            self._write(lambda connection: upsert(connection, schema.devices, row, keys, (*info,)))
        except Refused as refusal:
            raise _no_run(run) from refusal

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

        def put(connection: sa.Connection) -> bool:
            launch_id = inserted(connection, schema.launches, row, "id")
            if launch_id is not None:
                insert_rows(connection, schema.outputs, [
                    {"launch_id": launch_id, "position": position, "data": blob}
                    for position, blob in enumerate(blobs)
                ])  # fmt: skip
            return launch_id is not None

        try:
            added = self._write(put)
        except Refused as refusal:
            raise StoreError(
                f"{_named(row)} is not planned in run {row['run']}: create the run with this cell"
            ) from refusal
        if not added:
            self._check_same(row)

    def _check_same(self, row: dict[str, Any]) -> None:
        """Return if the launch in `row` is stored as it is; StoreError if not."""
        table = schema.launches
        where = [table.c[name] == row[name] for name in ("run", "cell", "launch", "attempt")]
        stored = self._rows(sa.select(table.c.digest).where(*where))
        if not stored or stored[0]["digest"] != row["digest"]:
            raise StoreError(
                f"{_named(row)} is in run {row['run']} already, with other results:"
                " two controllers ran it; keep one and resume"
            )

    def launches(
        self, run: str, cell: str | None = None, until: int | None = None
    ) -> Iterator[Launch]:
        """Yield the launches of a run, or of one of its cells by key, in order of their start.

        One that cannot be read is there as failed, of the kind `record`. Those after the one
        numbered `until` (see `fingerprints`) are left out. ConfigError: the run is pruned.
        """
        if (at := self.pruned_at(run)) is not None:
            raise ConfigError(
                f"run {run} was pruned ({at}), and this needs its samples: `benchhub report`,"
                " `gate` and `runs show` tell what was decided; measure it again for more"
            )
        with undamaged("a launch", run):
            yield from records.launches_of(self._rows, run, cell, until)

    def reached(self, run: str) -> Reached:
        """Return how far a run has come, by what its launches say without their arrays."""
        table = schema.launches
        found = self._rows(sa.select(table.c.id).where(table.c.run == run).order_by(table.c.id))
        return reached(self._tried([row["id"] for row in found]))

    def _tried(self, ids: Sequence[int]) -> Iterator[Tried]:
        """Yield what launches say, a part of them at a time: there may be any number."""
        table = schema.launches
        told = [column for column in table.c if not isinstance(column.type, sa.LargeBinary)]
        query = sa.select(*told).order_by(table.c.id)
        for start in range(0, len(ids), _CHUNK):
            rows = self._rows(query.where(table.c.id.in_(ids[start : start + _CHUNK])))
            yield from map(records.attempt_from, rows)

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


def _named(row: dict[str, Any]) -> str:
    return f"launch {row['launch']} attempt {row['attempt']} of cell {row['cell']}"


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
