"""Results databases, by whoever wrote them: opened, and all of them read."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from builders import (
    make_answer_key,
    make_budget,
    make_cell,
    make_device,
    make_launches,
    make_plan,
    make_run,
    make_skip,
    make_variant,
)

from benchhub.errors import BenchhubError
from benchhub.model.cell import Cell, Plan
from benchhub.model.scenario import Scenario
from benchhub.report.run import render
from benchhub.results.load import load_judged
from benchhub.store import Store
from benchhub.store.blobs import pack_array, pack_ns, unpack_array, unpack_ns

from ..target import Target, lasting

VARIANTS = (make_variant("fp32"), make_variant("int8", sha256="b" * 64, model_bytes=1000))
_CASES = 24


def cells() -> tuple[Cell, ...]:
    """A few cells of either variant."""
    plain: dict[str, Any] = {"launches": 2, "iterations": 30}
    return (
        make_cell(**plain),
        make_cell(variant="int8", model_sha256="b" * 64, **plain),
        make_cell(scenario=Scenario.THROUGHPUT, batch=8, **plain),
        make_cell(scenario=Scenario.QUALITY, cases=_CASES, launches=1, iterations=5),
    )


def write(url: str) -> str:
    """Write a run of them; return its id."""
    run = make_run(status="done", finished_at="2026-01-01T12:30:00+00:00")
    key = make_answer_key(_CASES)
    with Store.open(url) as store:
        plan = Plan(make_plan(*cells()).cells, (make_skip(),))
        store.create_run(run, plan, key, VARIANTS, (make_budget(latency_p95_ms=50.0),))
        store.put_device(run.id, make_device())
        for cell in cells():
            outputs = key.reference if cell.scenario is Scenario.QUALITY else ()
            for launch in make_launches(cell, cell.launches, outputs=outputs):
                store.add(launch)
        store.quarantine.add("board", "it was hot")
    return run.id


@lasting
def _database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchhub.db"
        write(f"sqlite:///{path}")
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")
        connection.close()
        return path.read_bytes()


def _read(path: Path) -> None:
    """Read everything; what one part tells hinders no other."""
    told: list[BenchhubError] = []
    with Store.open(f"sqlite:///{path}", busy_timeout_s=0.1) as store:
        runs = store.runs()
        store.quarantine.all()
        store.selftests.last("localhost")
        parts: list[Callable[[str], Any]] = [
            store.run, store.plan, store.budgets, store.claims, store.variants, store.answer_key,
            store.devices, store.finished, store.reached,
            store.medians.of, store.selftests.of, store.resolve,
            lambda run: list(store.launches(run)),
            lambda run: render("json", [load_judged(store, run).results]),
        ]  # fmt: skip
        for run in runs[:3]:
            for part in parts:
                try:
                    part(run.id)
                except BenchhubError as error:
                    told.append(error)
        store.median_wall_ns([cell.key for cell in cells()])
    if told:
        raise told[0]


def _blob(path: Path) -> None:
    content = path.read_bytes()
    refused = []
    for unpack in (unpack_ns, unpack_array):
        try:
            unpack(content)
        except ValueError as error:
            refused.append(error)
    if len(refused) == 2:
        raise refused[0]


def _blobs() -> Iterator[bytes]:
    yield pack_ns(np.arange(100, dtype=np.int64) * 1000)
    yield pack_array(np.zeros((3, 4), np.float32))
    yield pack_array(np.array(["a", "bc"]))


def _changed(statement: str) -> bytes:
    """A sound database after somebody else's statement."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchhub.db"
        path.write_bytes(_database())
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript(f"PRAGMA journal_mode=DELETE; {statement}")
        return path.read_bytes()


def _others() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "other.db"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript("CREATE TABLE bookmarks (url TEXT); VACUUM")
        return path.read_bytes()


def _claimed(size: int) -> bytes:
    """A frame of zstd that claims to become very large."""
    return b"\x28\xb5\x2f\xfd\xe0" + size.to_bytes(8, "little") + b"\x01\x00\x00"


TARGETS = (
    Target(
        "store", _read, lambda: [_database()], ".db", form="sqlite", native=True,
        hard={
            "truncated": (lambda: _database()[:5000], ""),
            "half": (lambda: _database()[: len(_database()) // 2], ""),
            "another application's": (_others, "another program's database"),
            "of a newer benchhub": (
                lambda: _changed("UPDATE alembic_version SET version_num = '9999'"), "a newer bench"
            ),
            "no database": (lambda: b"not a database at all" * 99, "not a database"),
            "without a table": (lambda: _changed("DROP TABLE cells"), ""),
            "dates that are none": (lambda: _changed("UPDATE runs SET started_at = x'00ff'"), None),
            "launches without dates": (
                lambda: _changed("PRAGMA ignore_check_constraints=ON;"
                                 " UPDATE launches SET started_at = 'noon', status = 7"), None,
            ),
            "launches of no cell": (
                lambda: _changed(
                    "PRAGMA foreign_keys=OFF; UPDATE launches SET cell = 'ffff' WHERE id = 1"
                ),
                "",
            ),
            "JSON nested deeply": (
                lambda: _changed(f"UPDATE cells SET info = '{'[' * 9000}'"), "damaged|is no record"
            ),
            "JSON that is none": (lambda: _changed("UPDATE cells SET info = '{'"), "is no record"),
            "numbers beyond 64 bits": (
                lambda: _changed("UPDATE cells SET info = json_set(info, '$.batch', 1e300)"), None
            ),
            "numbers where text belongs": (
                lambda: _changed("UPDATE truths SET metric = x'00', also = '[1]', predict = 7"), ""
            ),
            "a blob of all memory": (
                lambda: _changed(f"UPDATE launches SET samples = x'{_claimed(2**44).hex()}'"), None
            ),
        },
    ),
    Target(
        "blob", _blob, _blobs, ".zst", told=(ValueError,), native=True,
        hard={
            "claims all memory": (lambda: _claimed(2**44), "damaged"),
            "claims more than there is": (lambda: _claimed(2**62), "damaged"),
            "no zstd": (lambda: b"no zstd at all", "damaged"),
            "nothing": (lambda: b"", "damaged"),
        },
    ),
)  # fmt: skip
