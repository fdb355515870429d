"""A million launches, each committed alone: what they take, in a file and on a server.

    python -m benchmarks.million                              # half an hour for each of both
    python -m benchmarks.million --launches 20000             # and what that comes to
    python -m benchmarks.million --only postgresql --postgresql URL   # a server of yours

Cut short, it goes on where it was: with the file in --folder, and on a server that is named. The
server of its own is thrown away with its data.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from benchhub.model.cell import Plan
from benchhub.report.run import render
from benchhub.results.load import load_results
from benchhub.store import Store
from benchmarks.results_store import Size, cells, launch, run

KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is stored: `per_run` launches in each run, `per_cell` in each of its cells."""

    launches: int = 1_000_000
    samples: int = 200
    per_run: int = 10_000
    per_cell: int = 100


@dataclass(frozen=True, slots=True)
class Taken:
    """What adding took, over all sittings."""

    launches: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0

    def more(self, launches: int, wall_s: float, cpu_s: float) -> Taken:
        """Return it with another sitting's."""
        return Taken(self.launches + launches, self.wall_s + wall_s, self.cpu_s + cpu_s)


@dataclass(frozen=True, slots=True)
class Found:
    """What a kind of store showed: bytes, adding, and reports of one run, first and again."""

    kind: str
    launches: int
    size_bytes: int
    taken: Taken
    first_s: float
    again_s: float


def fill(store: Store, amount: Amount, before: Taken, keep: Path | None = None) -> Taken:
    """Add what is missing, and return what that took together with what it took `before`."""
    taken, size = before, Size(amount.per_run, amount.samples, amount.per_cell)
    planned = cells(size)
    there = {info.id for info in store.runs()}
    for number in range(-(-amount.launches // amount.per_run)):
        name = f"20260101-120000-{number:04x}"
        if name not in there:
            store.create_run(dataclasses.replace(run(), id=name), Plan(planned, ()), None, (), ())
        done = sum(store.finished(name).values())
        wanted = min(amount.per_run, amount.launches - number * amount.per_run)
        rng = np.random.default_rng([number, done])
        wall_s = cpu_s = 0.0
        for step in range(done, wanted):
            index, cell = divmod(step, len(planned))
            made = dataclasses.replace(launch(planned[cell], index, cell, size, rng), run=name)
            started = time.perf_counter(), time.process_time()
            store.add(made)
            wall_s += time.perf_counter() - started[0]
            cpu_s += time.process_time() - started[1]
        taken = taken.more(max(0, wanted - done), wall_s, cpu_s)
        if keep is not None:
            keep.write_text(json.dumps(dataclasses.asdict(taken)))
        print(f"{taken.launches} launches, {taken.wall_s:.0f} s", file=sys.stderr, flush=True)
    return taken


def look(kind: str, store: Store, taken: Taken) -> Found:
    """Return what a filled store takes, and how long a report of its first run does."""
    first = store.runs()[0].id
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        render("json", [load_results(store, first)])
        seconds.append(time.perf_counter() - started)
    with store.engine.connect() as connection:
        if kind == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            asked = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        else:
            asked = "SELECT pg_database_size(current_database())"
        size = int(connection.execute(sa.text(asked)).scalar_one())
        count = int(connection.execute(sa.text("SELECT count(*) FROM launches")).scalar_one())
    return Found(kind, count, size, taken, seconds[0], seconds[1])


@contextlib.contextmanager
def place(kind: str, folder: Path, server: str | None) -> Iterator[str]:
    """Give the URL of a store of a kind; a server of its own is ended and deleted."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'million.db'}"
    elif server is not None:
        yield server
    else:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
        from postgresql.cluster import Cluster

        with Cluster(durable=True) as cluster:
            with cluster.connected() as connection:
                connection.execute("CREATE DATABASE million")
            yield cluster.url("million")


def show(found: list[Found], amount: Amount) -> None:
    """Print a table, and what a million launches come to at this rate."""
    table = Table(title=f"launches of {amount.samples} samples, a commit each")
    for name in (
        "store", "launches", "size", "a launch", "added a second", "processor a launch",
        "report of a run, first", "again", "1,000,000 take",
    ):  # fmt: skip
        table.add_column(name, justify="left" if name == "store" else "right")
    for one in found:
        taken, each = one.taken, one.size_bytes / max(1, one.launches)
        rate = taken.launches / taken.wall_s if taken.wall_s else float("nan")
        cpu_ms = 1e3 * taken.cpu_s / max(1, taken.launches)
        table.add_row(
            one.kind, f"{one.launches}", f"{one.size_bytes / 1e6:.1f} MB", f"{each:.0f} B",
            f"{rate:.0f}", f"{cpu_ms:.2f} ms", f"{one.first_s:.2f} s", f"{one.again_s:.2f} s",
            f"{1e6 / rate / 60:.0f} min, {each * 1e6 / 1e9:.2f} GB",
        )  # fmt: skip
    output = Console()
    (output if output.is_terminal else Console(width=160)).print(table)


def main() -> None:
    """Fill and look."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.million",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--launches", type=int, default=Amount().launches)
    parser.add_argument("--samples", type=int, default=Amount().samples)
    parser.add_argument("--only", choices=KINDS, action="append")
    parser.add_argument("--folder", type=Path, default=Path(".million"))
    parser.add_argument("--postgresql", metavar="URL", help="a server that keeps what is added")
    options = parser.parse_args()
    amount = Amount(options.launches, options.samples)
    options.folder.mkdir(parents=True, exist_ok=True)
    found = []
    for kind in options.only or KINDS:
        keep = options.folder / f"{kind}.json"
        lasting = kind == "sqlite" or options.postgresql
        if not lasting:
            keep.unlink(missing_ok=True)
        before = Taken(**json.loads(keep.read_text())) if keep.exists() else Taken()
        with place(kind, options.folder, options.postgresql) as url, Store.open(url) as store:
            found.append(look(kind, store, fill(store, amount, before, keep)))
    show(found, amount)


if __name__ == "__main__":
    main()
