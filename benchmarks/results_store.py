"""The results database: committing launches, its size, reading and reporting them."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchhub.model.cell import Cell, Plan
from benchhub.model.launch import Details, Launch, RunInfo
from benchhub.model.request import RunRequest
from benchhub.model.scenario import Scenario
from benchhub.ondevice.wire import Conditions
from benchhub.report.run import render
from benchhub.results.load import load_results
from benchhub.stats.interval import Estimate
from benchhub.store import Store
from benchhub.store.blobs import pack_array, pack_ns
from benchmarks.claim import Claim, compared, paired

RUN = "20260101-120000-cafe"
#: What an earlier measurement of the same amount gave: docs/explanation/benchmarks.md says how.
EARLIER_BYTES = 52e6
_SAME = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE launches (id INTEGER PRIMARY KEY, cell TEXT, launch INTEGER, p50 REAL,"
    " samples BLOB, warmup BLOB, UNIQUE (cell, launch));"
    "CREATE TABLE outputs (launch INTEGER, data BLOB);"
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is stored."""

    launches: int = 10_000
    samples: int = 1_000
    per_cell: int = 100
    chunk: int = 500


def measure(size: Size | None = None) -> list[Claim]:
    """Return the claims; both databases take the same launches in alternating chunks."""
    size = size or Size()
    planned = cells(size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store.open(f"sqlite:///{folder / 'ours.db'}") as store:
            store.create_run(run(), Plan(planned, ()), None, (), ())
            bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
            bare.executescript(_SAME)
            ours: list[float] = []
            peer: list[float] = []
            for launches in chunks(planned, size):
                ours.append(_timed(lambda: _add(store, launches)))  # noqa: B023
                peer.append(_timed(lambda: _add_bare(bare, launches)))  # noqa: B023
            claims = [_insert(ours, peer, size), _size(folder, bare, size)]
            claims.append(_read(store, bare, size))
            bare.close()
    return claims


def _timed(work: object) -> float:
    assert callable(work)
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _add(store: Store, launches: Sequence[Launch]) -> None:
    for launch in launches:
        store.add(launch)


def _add_bare(bare: sqlite3.Connection, launches: Sequence[Launch]) -> None:
    """Commit each launch with its two blobs and its outputs, packed alike, by plain sqlite3."""
    for launch in launches:
        middle = float(np.median(launch.samples_ns))
        row = (launch.cell.key, launch.index, middle, pack_ns(launch.samples_ns))
        bare.execute("BEGIN")
        added = bare.execute(
            "INSERT INTO launches (cell, launch, p50, samples, warmup) VALUES (?, ?, ?, ?, ?)",
            (*row, pack_ns(launch.warmup_ns)),
        )
        for output in launch.outputs:
            bare.execute("INSERT INTO outputs VALUES (?, ?)", (added.lastrowid, pack_array(output)))
        bare.execute("COMMIT")


def _insert(ours: list[float], peer: list[float], size: Size) -> Claim:
    total = sum(ours)
    return compared(
        f"insert {size.launches} launches of {size.samples} samples, a commit each",
        f"{total:.1f} s ({size.launches / total:.0f} a second)",
        f"sqlite3, the same blobs {sum(peer):.1f} s",
        paired(ours, peer),
    )


def _size(folder: Path, bare: sqlite3.Connection, size: Size) -> Claim:
    bare.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    checkpoint = sqlite3.connect(folder / "ours.db")
    checkpoint.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    checkpoint.close()
    ours, peer = ((folder / name).stat().st_size for name in ("ours.db", "bare.db"))
    count = size.launches * size.samples
    full = size.launches == Size().launches
    ratio = Estimate(ours / (EARLIER_BYTES if full else peer), None, None, 1, 0.0, "single")
    return compared(
        "size of the database, against 52 MB",
        f"{ours / 1e6:.1f} MB ({ours / count:.2f} bytes a sample, all else included)",
        f"sqlite3, blobs alone {peer / 1e6:.1f} MB",
        ratio,
        at_most=1.15 if full else float("inf"),
    )


def _read(store: Store, bare: sqlite3.Connection, size: Size) -> Claim:
    started = time.perf_counter()
    results = load_results(store, RUN)
    loaded = time.perf_counter()
    document = render("html", [results])
    done = time.perf_counter()
    rows = bare.execute("SELECT samples FROM launches").fetchall()
    from benchhub.store.blobs import unpack_ns

    pooled = [unpack_ns(blob) for (blob,) in rows]
    for start in range(0, len(pooled), size.per_cell):
        np.quantile(np.concatenate(pooled[start : start + size.per_cell]), [0.5, 0.9, 0.95, 0.99])
    peer = time.perf_counter() - done
    return compared(
        f"report of {len(results.rows)} cells from {size.launches} launches",
        f"load and summarise {loaded - started:.1f} s, html {done - loaded:.1f} s"
        f" ({len(document) / 1e6:.1f} MB)",
        f"sqlite3 + numpy.quantile, no intervals {peer:.2f} s",
        Estimate((done - started) / peer, None, None, 1, 0.0, "single"),
    )


def run() -> RunInfo:
    return RunInfo(
        id=RUN, suite="benchmark", suite_sha256="5" * 64, task="none", baseline="variant-0",
        effort="standard", started_at="2026-01-01T12:00:00Z", finished_at=None, status="running",
        request=RunRequest("benchmark", ("board",)),
    )  # fmt: skip


def cells(size: Size) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            device="board", variant=f"variant-{index}", model_sha256=f"{index:064x}",
            backend="onnxruntime", scenario=Scenario.LATENCY, batch=1, threads=1, precision="f32",
            launches=size.per_cell, iterations=size.samples, max_timed_s=10.0,
        )
        for index in range(size.launches // size.per_cell)
    )  # fmt: skip


def chunks(planned: Sequence[Cell], size: Size) -> list[list[Launch]]:
    rng = np.random.default_rng(0)
    launches = [
        launch(cell, index, number, size, rng)
        for index in range(size.per_cell)
        for number, cell in enumerate(planned)
    ]
    return [launches[start : start + size.chunk] for start in range(0, len(launches), size.chunk)]


def launch(cell: Cell, index: int, number: int, size: Size, rng: np.random.Generator) -> Launch:
    samples = (1e6 * np.exp(0.06 * rng.standard_normal(size.samples))).astype(np.int64)
    state = Conditions(at_ns=number, governor="performance", load_1m=0.1, cpu_steal_ticks=0)
    return Launch(
        run=RUN, cell=cell, index=index, attempt=0, round=index,
        started_at=f"2026-01-01T12:{index:02d}:{number % 60:02d}.000Z",
        status="finished", failure=None, samples_ns=samples, warmup_ns=samples[:10] * 2,
        outputs=(rng.standard_normal((4, 14)).astype(np.float32),),
        backend_version="1.23.0", provider="CPUExecutionProvider", precision="f32",
        clock="perf_counter_ns", details=Details({"intra_op_threads": 1}), import_ns=80_000_000,
        load_ns=20_000_000, first_inference_ns=2_000_000, elapsed_ns=int(samples.sum()),
        imported_rss_bytes=60 << 20, peak_rss_bytes=100 << 20, memory_reset=True,
        wall_ns=600_000_000, involuntary_switches=3, before=state, after=state,
    )  # fmt: skip
