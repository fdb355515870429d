"""A store copied into another: the same to the last byte, whole runs only, and again."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from builders import (
    make_answer_key,
    make_budget,
    make_cell,
    make_launch,
    make_run,
    make_skip,
    make_variant,
)
from in_process import Reading

from benchhub.errors import StoreError
from benchhub.model.cell import Plan
from benchhub.model.device import Finding, Selftest
from benchhub.store import Store, schema
from benchhub.store.summaries import Summary
from benchhub.store.upkeep.checking import check
from benchhub.store.upkeep.copying import Copied, copy
from benchhub.store.upkeep.tables import BESIDE_RUNS, DERIVED, digest_of, of_runs

ON_SERVER = pytest.mark.asks("processes", "servers", "cluster")


@pytest.fixture(params=[
    pytest.param(("sqlite", "postgresql"), marks=ON_SERVER),
    pytest.param(("postgresql", "sqlite"), marks=ON_SERVER),
    ("sqlite", "sqlite"),
], ids="-".join)  # fmt: skip
def ways(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A store to copy, and one to copy into."""
    urls = []
    for number, kind in enumerate(request.param):
        if kind == "postgresql":
            urls.append(str(request.getfixturevalue("server_url")))
        else:
            urls.append(f"sqlite:///{tmp_path}/{number}.db")
    return urls[0], urls[1]


def fill(url: str, *runs: str) -> None:
    """Put runs with whatever a run can have into a store, and what is beside them."""
    with Store.open(url) as store:
        for run in runs:
            cells = [make_cell(), make_cell(variant="int8")]
            key = dataclasses.replace(
                make_answer_key(20), predictions=np.arange(20), sketch=np.eye(3)
            )
            plan = Plan(tuple(cells), (make_skip("ä skip of \u6c34"),))
            variants = [make_variant(), make_variant("int8")]
            store.create_run(
                make_run(id=run), plan, key, variants, (make_budget("edge", latency_p50_ms=20.0),)
            )
            for cell in cells:
                for index in range(3):
                    told = {"repeated": {"cases": 2, "again": [float("inf"), 0.5]}, "é": "ü\x07"}
                    store.add(make_launch(
                        cell, index, run=run, details=told, attempt=index % 2,
                        predictions=np.arange(5), tracks_ns={"device": np.arange(3)},
                    ))  # fmt: skip
            store.selftests.add(Selftest("board", "2026-01-01", True, run, (
                Finding("drift", "ok", "none"),)))  # fmt: skip
            store.summaries.keep(run, "row", {"a": Summary("k", b"data")})
        store.quarantine.add("board", "too hot")


def digests(url: str) -> dict[str, str]:
    with Store.open(url) as store, store.engine.connect() as connection:
        return {run.id: digest_of(connection, run.id) for run in store.runs()}


def count(url: str, table: str) -> int:
    with Store.open(url) as store, store.engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def test_all_of_it_is_copied_and_again_nothing(ways: tuple[str, str]) -> None:
    source, target = ways
    fill(source, "one", "two")
    done: list[str] = []
    assert copy(source, target, done.append) == Copied(("one", "two"), 12, ())
    assert done == ["one", "two"]
    assert digests(target) == digests(source)
    for table in schema.metadata.tables:
        assert count(target, table) == count(source, table), table
    with Store.open(source) as one, Store.open(target) as other:
        assert other.quarantine.all() == one.quarantine.all()
        assert other.selftests.of("one") == one.selftests.of("one")
        assert other.summaries.of("one", "row") == one.summaries.of("one", "row")
        assert check(other, lambda _run: None).damaged == ()
        again = make_launch(run="one", index=7)
        other.add(again)  # it goes on as any store does
        one.add(again)
    assert copy(source, target, done.append) == Copied((), 0, ("one", "two"))
    assert count(target, "selftests") == 2


def test_a_run_with_other_content_is_named_and_nothing_is_copied(ways: tuple[str, str]) -> None:
    source, target = ways
    fill(source, "one", "two")
    fill(target, "two")
    with Store.open(target) as store:
        store.set_status("two", "done", "2026-01-01T13:00:00Z")
    before = digests(target)
    with pytest.raises(StoreError, match=r"holds two with other content: nothing was copied"):
        copy(source, target, lambda _run: None)
    assert digests(target) == before


def test_a_device_in_quarantine_for_another_reason_is_named(ways: tuple[str, str]) -> None:
    source, target = ways
    fill(source, "one")
    with Store.open(target) as store:
        store.quarantine.add("board", "no disk")
    with pytest.raises(StoreError, match="holds board in quarantine with other content"):
        copy(source, target, lambda _run: None)
    assert digests(target) == {}


def test_a_copy_that_is_cut_short_has_whole_runs_and_goes_on(
    ways: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = ways
    fill(source, "a", "b", "c")

    def cut(run: str) -> None:
        if run == "b":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(source, target, cut)
    from benchhub.store.upkeep import copying

    insert = copying._insert
    with monkeypatch.context() as patch:

        def failing(writing: sa.Connection, table: sa.Table, rows: list[object]) -> None:
            insert(writing, table, rows)  # type: ignore[arg-type]
            if table is schema.outputs:  # in the middle of the third run
                raise StoreError("the disk is full")

        patch.setattr(copying, "_insert", failing)
        with pytest.raises(StoreError, match="the disk is full"):
            copy(source, target, lambda _run: None)
    assert set(digests(target)) == {"a", "b"}
    assert copy(source, target, lambda _run: None).runs == ("c",)
    assert digests(target) == digests(source)


def test_what_does_not_come_out_as_it_went_in_is_not_kept(
    ways: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = ways
    fill(source, "one")
    from benchhub.store.upkeep import copying

    insert = copying._insert

    def forgetting(writing: sa.Connection, table: sa.Table, rows: list[object]) -> None:
        insert(writing, table, rows[: -1 if table is schema.outputs else None])  # type: ignore[arg-type]

    monkeypatch.setattr(copying, "_insert", forgetting)
    with pytest.raises(StoreError, match=r"run one does not come out of .* as it went in"):
        copy(source, target, lambda _run: None)
    assert digests(target) == {}


def test_one_store_is_not_two(ways: tuple[str, str]) -> None:
    fill(ways[0], "one")
    with pytest.raises(StoreError, match=r"is both: name another"):
        copy(ways[0], ways[0], lambda _run: None)


def test_every_table_is_of_a_run_or_beside_them() -> None:
    """Who adds a table says what it is: copies, checks and pruning go by that."""
    known = {table.name for table in of_runs()} | set(BESIDE_RUNS) | {schema.outputs.name}
    assert known == set(schema.metadata.tables)
    assert all("run" in table.c or table is schema.runs for table in of_runs())
    assert {table.name for table in of_runs()} >= DERIVED


def test_a_damaged_value_is_no_reason_to_make_up_another(tmp_path: Path, server_url: str) -> None:
    """A column of SQLite takes any kind of value; a server's does not."""
    source = f"sqlite:///{tmp_path}/source.db"
    fill(source, "one")
    with contextlib.closing(sqlite3.connect(tmp_path / "source.db")) as database, database:
        database.execute("UPDATE launches SET wall_ns = 'soon' WHERE launch = 0")
    with pytest.raises(StoreError) as caught:
        copy(source, server_url, lambda _run: None)
    assert "\n" not in str(caught.value)
    assert digests(server_url) == {}


def test_reports_of_both_are_the_same_bytes(
    tmp_path: Path, new_database: Callable[..., str], template: str
) -> None:
    """There and back again, whatever is shown of it as data."""
    first = f"sqlite:///{tmp_path}/first.db"
    fill(first, "one", "two")
    server, back = new_database(template), f"sqlite:///{tmp_path}/back.db"
    copy(first, server, lambda _run: None)
    copy(server, back, lambda _run: None)
    readers = [Reading(tmp_path, url) for url in (first, server, back)]
    for words in (
        *(("report", "one", "--format", name) for name in ("json", "csv")),
        ("gate", "one", "--format", "json"),
        ("compare", "one", "two", "--format", "json"),
        ("history", "quickstart", "--json"),
        ("runs", "list", "--json"),
        ("runs", "show", "one"),
    ):
        said = [reader.run(*words) for reader in readers]
        assert (said[0].out, said[0].code) == (said[1].out, said[1].code), words
        assert (said[0].out, said[0].code) == (said[2].out, said[2].code), words
        assert said[0].out
