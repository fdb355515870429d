"""What one launch costs the results database, step by step: `pytest benchmarks`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchhub.model.cell import Plan
from benchhub.store import Store, records
from benchhub.store.blobs import pack_ns, unpack_ns
from benchmarks import results_store

SIZE = results_store.Size(launches=1000, chunk=1000, per_cell=100)


@pytest.fixture(scope="module")
def launches():
    return results_store.chunks(results_store.cells(SIZE), SIZE)[0]


@pytest.mark.benchmark(group="a launch of 1,000 samples")
def bench_pack(benchmark, launches) -> None:
    assert benchmark(pack_ns, launches[0].samples_ns)


@pytest.mark.benchmark(group="a launch of 1,000 samples")
def bench_unpack(benchmark, launches) -> None:
    assert benchmark(unpack_ns, pack_ns(launches[0].samples_ns)).size == SIZE.samples


@pytest.mark.benchmark(group="a launch of 1,000 samples")
def bench_row(benchmark, launches) -> None:
    assert benchmark(records.launch_row, launches[0])


@pytest.mark.benchmark(group="a launch of 1,000 samples")
def bench_add_with_commit(benchmark, launches, tmp_path: Path) -> None:
    waiting = iter(launches)
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        store.create_run(
            results_store.run(), Plan(results_store.cells(SIZE), ()), None, (), ()
        )  # fmt: skip
        benchmark.pedantic(store.add, setup=lambda: ((next(waiting),), {}), rounds=500)
        assert sum(store.finished(results_store.RUN).values()) == 500
