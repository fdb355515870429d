"""The stores of the benchmark are stores like any other."""

from __future__ import annotations

import pytest

from benchhub.results.load import load_results
from benchhub.store import Store
from benchmarks.kept import reading, store_maker


def test_a_large_store_in_small(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHUB_CACHE", str(tmp_path / "cache"))
    made = store_maker.make(tmp_path / "small.db", "small")
    assert made == {"cells": 144, "launches": 288, "runs": 2}
    with Store.open(f"sqlite:///{tmp_path / 'small.db'}") as store:
        found = load_results(store, store.runs()[0].id)
    assert len(found.rows) == 72
    assert {row.status for row in found.rows} == {"finished"}
    assert all(row.quality for row in found.rows if row.scenario == "quality")


def test_the_amounts_are_those_of_the_table():
    of = store_maker.Types()
    cells = store_maker.cells(of, store_maker.AMOUNTS["cells"])
    assert len(cells) == 3480
    assert sum(cell.scenario == "latency" for cell in cells) == 1160
    launches = store_maker.AMOUNTS["launches"]
    assert len(store_maker.cells(of, launches)) * launches.launches == 100_000
    assert store_maker.AMOUNTS["runs"].runs == 1000


@pytest.mark.parametrize("what", reading.COMMANDS)
def test_a_command_is_of_an_amount(what):
    assert what in store_maker.AMOUNTS
