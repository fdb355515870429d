"""The samples of old runs go; what was decided of them is shown as before, to the last digit."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import sqlalchemy as sa
from builders import (
    make_answer_key,
    make_budget,
    make_cell,
    make_device,
    make_launch,
    make_plan,
    make_run,
    make_skip,
    make_variant,
)
from in_process import Reading
from test_schemas_both_ways import connected

from benchhub.errors import ConfigError, StoreError
from benchhub.model.cell import Plan
from benchhub.results.decided import Decided, decoded, encoded
from benchhub.results.load import decide, load_results
from benchhub.store import Store
from benchhub.store.upkeep.checking import check
from benchhub.store.upkeep.copying import copy
from benchhub.store.upkeep.pruning import fingerprint, prune

SHOWN = [
    ("report", "old", "--format", "json"),
    ("report", "old", "--format", "csv"),
    ("report", "old", "--format", "markdown"),
    ("gate", "old", "--format", "json"),
    ("gate", "old"),
    ("gate", "old", "--budget", "latency_p50_ms=10.5"),
    ("runs", "show", "old"),
    ("runs", "list", "--json"),
    ("history", "quickstart", "--json"),
]
ASK_AGAIN = [
    ("compare", "old", "new"),
    ("export", "old", "--format", "pytest-benchmark", "-o", "/dev/null"),
]


@pytest.fixture
def runs(store_url: str) -> Reading:
    """Two runs of a suite that are over, an old one and a new one."""
    with Store.open(store_url) as store:
        for name, began in (("old", "2006-01-01T12:00:00Z"), ("new", "2026-02-01T12:00:00Z")):
            cells = [make_cell(), make_cell(variant="int8"), make_cell(scenario="quality")]
            budgets = (make_budget("edge", latency_p50_ms=10.0, latency_p95_ms=30.0),)
            plan = Plan(tuple(cells), (make_skip("not there"),))
            variants = [make_variant(), make_variant("int8")]
            run = make_run(id=name, started_at=began)
            store.create_run(run, plan, make_answer_key(4), variants, budgets)
            store.put_device(name, make_device())
            for cell in cells:
                for index in range(3):
                    store.add(make_launch(cell, index, run=name))
            store.set_status(name, "done", began)
    return Reading(Path(), store_url)


def test_everything_that_was_decided_is_shown_as_before(runs: Reading) -> None:
    before = [runs.run(*words) for words in SHOWN]
    assert all(done.out for done in before)
    done = runs.run("store", "prune", "--keep", "1", "--yes")
    assert done.code == 0, done.err
    assert "pruned run old" in done.err
    assert "pruned run new" not in done.err
    with Store.open(runs.url) as store:
        assert store.pruned_at("old") is not None
        assert store.pruned_at("new") is None
        for table in ("truths", "truth_references"):
            with store.engine.connect() as connection:
                rows = connection.exec_driver_sql(f"SELECT run FROM {table}").scalars().all()
            assert set(rows) == {"new"}
        assert check(store, lambda _run: None).damaged == ()
    assert [runs.run(*words) for words in SHOWN] == before


def test_what_needs_samples_says_that_they_are_gone(runs: Reading) -> None:
    assert runs.run("store", "prune", "--keep", "1", "--yes").code == 0
    for words in ASK_AGAIN:
        done = runs.run(*words)
        assert done.code == 2, words
        assert "run old was pruned (" in done.error
    with Store.open(runs.url) as store, pytest.raises(ConfigError, match="run old was pruned"):
        load_results(store, "old", claims=())


def test_which_runs_go_is_said_first(runs: Reading) -> None:
    for words, names in (
        (("--keep", "0"), ["old", "new"]),
        (("--keep", "1"), ["old"]),
        (("--keep", "2"), []),
        (("--older-than", "1d"), ["old", "new"]),
        (("--older-than", "5000d"), ["old"]),  # years away from both, whatever steps a clock makes
        (("--older-than", "1d", "--keep", "1"), ["old"]),
    ):
        done = runs.run("store", "prune", "--dry-run", *words)
        assert done.code == 0
        assert [line.split(" ")[0] for line in done.out.splitlines()] == names, words
        assert ("would prune" in done.err) == bool(names)
    with Store.open(runs.url) as store:
        assert store.pruned_at("old") is None


@pytest.mark.parametrize("words", [(), ("--keep", "-1"), ("--older-than", "soon")])
def test_it_has_to_be_said_which(runs: Reading, words: tuple[str, ...]) -> None:
    assert runs.run("store", "prune", *words).code == 2


def test_runs_that_can_be_gone_on_with_are_left_alone(runs: Reading) -> None:
    with Store.open(runs.url) as store:
        store.set_status("old", "interrupted", None)
    done = runs.run("store", "prune", "--keep", "0", "--yes")
    assert "pruned run new" in done.err
    assert "old" not in done.out
    again = runs.run("store", "prune", "--keep", "0", "--yes")
    assert "nothing to prune" in again.err


def test_a_run_that_changed_meanwhile_is_left_whole(runs: Reading) -> None:
    with Store.open(runs.url) as store:
        decided, seen = decide(store, "old"), fingerprint(store, "old")
        store.add(make_launch(index=7, run="old"))
        with pytest.raises(StoreError, match="run old changed meanwhile"):
            prune(store, "old", decided, seen)
        store.set_status("new", "running", None)
        with pytest.raises(StoreError, match="run new changed meanwhile"):
            prune(store, "new", decide(store, "new"), fingerprint(store, "new"))
        assert store.pruned_at("old") is None
        assert len(list(store.launches("old"))) == 10


def test_its_room_is_given_back(runs: Reading) -> None:
    with Store.open(runs.url) as store:
        cell = make_cell(iterations=5000)
        store.create_run(make_run(id="large"), make_plan(cell), None, [make_variant()], ())
        for index in range(40):
            store.add(make_launch(cell, index, run="large"))
        store.set_status("large", "done", None)
    done = runs.run("store", "prune", "--keep", "1", "--yes")
    assert done.code == 0, done.err
    last = done.err.splitlines()[-1]
    took, takes = map(float, _figures(last))
    assert takes < took - 0.3, last


def _figures(line: str) -> list[str]:
    said = line.partition("the store took ")[2]
    return [part.strip().removeprefix("takes ").removesuffix(" MB") for part in said.split(",")]


def test_a_pruned_run_is_copied_checked_and_damage_to_it_is_found(
    runs: Reading, tmp_path: Path
) -> None:
    before = runs.run("report", "old", "--format", "json").out
    runs.run("store", "prune", "--keep", "1", "--yes")
    other = Reading(tmp_path, f"sqlite:///{tmp_path}/copied.db")
    copy(runs.url, other.url, lambda _run: None)
    assert other.run("report", "old", "--format", "json").out == before
    assert "9 of them pruned" in other.run("store", "check").err
    with connected(other.url) as connection, connection.begin():
        connection.execute(sa.text("UPDATE launches SET p50_ns = 1 WHERE run = 'old'"))
    done = other.run("store", "check")
    assert done.code == 2
    assert done.err.count("what is kept of it is not what was kept") == 9
    with connected(other.url) as connection, connection.begin():
        connection.execute(sa.text("UPDATE summaries SET key = '2' WHERE kind = 'decided'"))
    assert "what was decided before it was pruned cannot be read" in other.run("store", "check").err
    done = other.run("report", "old")
    assert done.code == 2
    assert "what was decided of it is damaged or not there" in done.error


def test_what_was_decided_comes_back_by_name(runs: Reading) -> None:
    with Store.open(runs.url) as store:
        found = decoded(decide(store, "old"))
    assert decoded(encoded(found)) == found
    whole = dataclasses.replace(found.verdicts[0], limit=5, value=math.inf)
    odd = dataclasses.replace(found, verdicts=(whole,))
    back = decoded(encoded(odd)).verdicts[0]
    assert type(back.limit) is int  # as reports show it
    assert back.value == math.inf
    without = b'{"v": 1, "decided": {"rows": [], "verdicts": [], "skips": [], "unjudged": [],'
    without += b' "unapplied": [], "claims": [], "races": []}}'
    assert decoded(without) == Decided((), (), (), (), (), (), ())  # an older version's
    for data, words in (
        (b'{"v": 2, "decided": {}}', "newer benchhub"),
        (without.replace(b'"rows": []', b'"rows": [7]'), "damaged"),
        (without.replace(b'"rows": []', b'"rows": [], "new": 1'), "new is unknown"),
        (without.replace(b'"unjudged": []', b'"unjudged": [1]'), "an? int for a str"),
        (b"[" * 100_000, "damaged"),
        (b"\xff", "damaged"),
        (b"7", "damaged"),
    ):
        with pytest.raises(StoreError, match=words):
            decoded(data)
