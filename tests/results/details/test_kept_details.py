"""Details are computed once, while rows are, and again where their launches changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from builders import make_cell, make_launch, make_launches, make_plan, make_run, make_variant

from benchhub.model.row import CellDetails
from benchhub.model.scenario import Scenario
from benchhub.results.details import kept, with_details
from benchhub.results.details.of_cell import details_of
from benchhub.results.kept import ahead, rows
from benchhub.results.load import decide, load_results
from benchhub.store import Store
from benchhub.store.upkeep.pruning import fingerprint, prune
from benchmarks.kept.store_maker import make

RUN = make_run().id
OTHER = make_cell(variant="int8", model_sha256="b" * 64, launches=3)
CELLS = [
    make_cell(launches=3),
    OTHER,
    make_cell(scenario=Scenario.MEMORY, launches=3),
    make_cell(scenario=Scenario.COLD_START, launches=3, launches_of=make_cell(launches=3).key),
    make_cell(threads=4),  # is not launched
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def store(path):
    with Store.open(f"sqlite:///{path}") as opened:
        variants = (make_variant(), make_variant("int8", sha256="b" * 64))
        opened.create_run(make_run(status="done"), make_plan(*CELLS), None, variants, ())
        for cell in CELLS[:3]:
            for launch in make_launches(cell, 3):
                opened.add(launch)
        yield opened


@pytest.fixture
def computed(monkeypatch):
    """Return the cells whose details were computed since this was last asked."""
    found = []

    def counted(cell, launches, dropped):
        found.append(cell.key)
        return details_of(cell, launches, dropped)

    monkeypatch.setattr(kept, "details_of", counted)

    def since():
        told = sorted(found)
        found.clear()
        return told

    return since


def keys(cells):
    return sorted(cell.key for cell in cells)


def fresh(store, monkeypatch):
    with monkeypatch.context() as without:
        without.setattr(rows, "method", lambda: None)
        without.setattr(kept, "method", lambda: None)
        return repr(load_results(store, RUN, details=True))


def test_nobody_who_does_not_ask_pays(store, computed):
    assert load_results(store, RUN).details == {}
    assert computed() == []


def test_a_second_reading_computes_nothing(store, computed, monkeypatch):
    first = load_results(store, RUN, details=True)
    assert computed() == keys(CELLS[:4])
    assert list(first.details) == [row.cell for row in first.rows if row.provenance.statuses]
    again = load_results(store, RUN, details=True)
    assert computed() == []
    assert repr(first) == repr(again) == fresh(store, monkeypatch)
    assert first.details[CELLS[3].key].measures == ("load_ms", "first_inference_ms")


def test_launches_are_read_once_for_rows_and_details(store, monkeypatch):
    asked = []
    real = Store.launches

    def launches(self, run, cell=None, until=None):
        asked.append(cell)
        return real(self, run, cell, until)

    monkeypatch.setattr(Store, "launches", launches)
    load_results(store, RUN)
    alone = len(asked)
    asked.clear()
    store.summaries.keep(RUN, "row", {cell.key: kept.Summary("", b"") for cell in CELLS})
    load_results(store, RUN, details=True)
    assert None not in asked
    assert len(asked) == alone


def test_rows_that_are_kept_already_have_their_launches_read(store, computed, monkeypatch):
    told = load_results(store, RUN)
    added = with_details(store, told)
    assert computed() == keys(CELLS[:4])
    assert repr(added) == repr(load_results(store, RUN, details=True)) == fresh(store, monkeypatch)


def test_one_launch_more_computes_its_cells_alone(store, computed, monkeypatch):
    load_results(store, RUN, details=True)
    computed()
    store.add(make_launch(CELLS[0], 3))
    found = load_results(store, RUN, details=True)
    assert computed() == keys([CELLS[0], CELLS[3]])
    assert repr(found) == fresh(store, monkeypatch)
    assert len(found.details[CELLS[3].key].launches) == 4


@pytest.mark.parametrize("change", ["data = x'00'", "key = ''", "digest = ''", "name = 'other'"])
def test_what_was_damaged_is_computed_anew(store, path, computed, monkeypatch, change):
    load_results(store, RUN, details=True)
    computed()
    with closing(sqlite3.connect(path)) as other, other:
        said = f"update summaries set {change} where kind = 'details' and name = ?"
        assert other.execute(said, [OTHER.key]).rowcount == 1
    found = load_results(store, RUN, details=True)
    assert computed() == [OTHER.key]
    assert repr(found) == fresh(store, monkeypatch)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'[["p50_ms"],[[1]],null,""]'])
def test_what_is_no_detail_is_computed_anew(store, computed, monkeypatch, data):
    load_results(store, RUN, details=True)
    computed()
    (there,) = (
        one
        for name, one in store.summaries.of(RUN, kept.DETAILS).items()
        if name == OTHER.key
    )  # fmt: skip
    assert store.summaries.keep(RUN, kept.DETAILS, {OTHER.key: kept.Summary(there.key, data)})
    found = load_results(store, RUN, details=True)
    assert computed() == [OTHER.key]
    assert repr(found) == fresh(store, monkeypatch)


def test_another_method_computes_anew(store, computed, monkeypatch):
    load_results(store, RUN, details=True)
    computed()
    monkeypatch.setattr(kept, "method", lambda: "another")
    load_results(store, RUN, details=True)
    assert computed() == keys(CELLS[:4])


def test_a_store_that_cannot_be_written_is_read(store, path, computed, monkeypatch):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        for _ in range(2):
            found = load_results(store, RUN, details=True)
            assert computed() == keys(CELLS[:4])
    assert repr(found) == fresh(store, monkeypatch)


def test_of_a_pruned_run_it_is_told_that_the_samples_are_gone(store):
    before = load_results(store, RUN, details=True)
    prune(store, RUN, decide(store, RUN), fingerprint(store, RUN))
    found = load_results(store, RUN, details=True)
    gone = CellDetails(gone=store.pruned_at(RUN))
    assert gone.gone
    assert found.details == {row.cell: gone for row in before.rows}
    assert load_results(store, RUN).details == {}


@pytest.mark.usefixtures("processes")
def test_processes_that_make_rows_make_details(tmp_path, computed, monkeypatch):
    file = tmp_path / "small.db"
    make(file, "small")
    with Store.open(f"sqlite:///{file}") as store:
        run = store.resolve("latest")
        with monkeypatch.context() as alone:
            alone.setattr(rows, "method", lambda: None)
            alone.setattr(kept, "method", lambda: None)
            expected = repr(load_results(store, run, details=True))
        computed()
        monkeypatch.setattr(ahead, "abreast", lambda missing, key: 2)
        assert repr(load_results(store, run, details=True)) == expected
        assert computed() == []  # all of them were made elsewhere
