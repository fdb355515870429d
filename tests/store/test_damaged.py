"""A damaged column of any table: what is of it is told, in one line, and no command stumbles."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from builders import (
    make_answer_key,
    make_budget,
    make_cell,
    make_conditions,
    make_device,
    make_launch,
    make_run,
    make_skip,
    make_variant,
)
from in_process import Reading

from benchhub.errors import StoreError
from benchhub.model.cell import Plan
from benchhub.model.device import Finding, Selftest
from benchhub.model.quality import OwnReference
from benchhub.store import Store
from benchhub.store.reached import Tried, reached
from benchhub.store.upkeep.copying import copy

RUN = make_run().id
COLUMNS = [
    ("runs", "request"), ("runs", "provenance"), ("runs", "budgets"), ("runs", "skips"),
    ("runs", "started_at"), ("devices", "info"), ("variants", "info"), ("truths", "info"),
    ("truths", "also"), ("truths", "spreads"), ("truths", "readings"), ("cells", "info"),
    ("launches", "details"), ("launches", "before"), ("launches", "after"), ("launches", "tracks"),
    ("launches", "samples"), ("launches", "round"), ("launches", "started_at"),
    ("own_references", "spread"), ("selftests", "info"), ("selftests", "at"),
]  # fmt: skip
#: Cut short, and of another type: in turn, since each is read by every command.
VALUES = ('{"a": [1, ', '[{"v": 99}, "7"]')
DAMAGES = [(*column, VALUES[place % 2]) for place, column in enumerate(COLUMNS)]
COMMANDS = [
    ("runs", "list"),
    ("runs", "list", "--json"),
    ("runs", "show", RUN),
    ("report", RUN, "--format", "csv"),
    ("report", RUN, "--format", "markdown"),
    ("gate", RUN),
    ("compare", RUN, RUN),
    ("export", RUN, "--format", "pytest-benchmark", "-o", "/dev/null"),
    ("history", "quickstart"),
    ("run", "--resume", RUN),
    ("runs", "delete", RUN),
]


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    """A run of two cells with whatever a run can have."""
    reading = Reading(tmp_path)
    run = make_run()
    cells = [make_cell(launches=2, variant=name) for name in ("fp32", "int8")]
    with Store.open(reading.url) as store:
        plan = Plan(tuple(cells), (make_skip("not there"),))
        variants = [make_variant("fp32"), make_variant("int8")]
        budgets = (make_budget("edge", latency_p50_ms=20.0),)
        own = {"int8": OwnReference((np.ones((4, 2), np.float32),), (1.0,))}
        key = dataclasses.replace(make_answer_key(), spreads=(1.0,), own=own)
        store.create_run(run, plan, key, variants, budgets)
        store.put_device(run.id, make_device())
        for cell in cells:
            for index in range(2):
                store.add(make_launch(cell, index, before=make_conditions()))
        check = Finding("drift", "ok", "none")
        store.selftests.add(Selftest("localhost", "2026-01-01", True, run.id, (check,)))
        store.set_status(run.id, "done", "2026-01-01T13:00:00Z")
    return reading


def damage(reading: Reading, table: str, column: str, value: str) -> None:
    engine = sa.create_engine(reading.url)
    where = " WHERE id = (SELECT min(id) FROM launches)" if table == "launches" else ""
    given = {"value": value.encode() if column == "samples" else value}
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {table} SET {column} = :value{where}"), given)
    engine.dispose()


@pytest.mark.parametrize(
    ("table", "column", "value"), DAMAGES, ids=[".".join(one) for one in COLUMNS]
)
def test_no_command_stumbles_over_a_damaged_column(
    reading: Reading, table: str, column: str, value: str
) -> None:
    damage(reading, table, column, value)
    for command in COMMANDS:
        done = reading.run(*command)  # whatever is not explained is raised here
        assert done.code in (0, 1, 2, 3, 4), (command, done.err)
        if done.code == 2:
            assert done.error, command
        if done.code == 2 and command[0] in ("report", "gate", "export"):
            assert RUN in done.error, (command, done.err)
    assert reading.run("runs", "list", "--json").json == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("runs", "suite"), ("runs", "provenance"), ("devices", "info"), ("variants", "info"),
        ("cells", "info"), ("launches", "provider"), ("launches", "details"),
        ("launches", "failure_message"), ("selftests", "info"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_text_hides_no_other(
    reading: Reading, table: str, column: str, tmp_path: Path
) -> None:
    engine = sa.create_engine(reading.url)
    with engine.begin() as connection:
        where = " WHERE id = (SELECT min(id) FROM launches)" if table == "launches" else ""
        connection.execute(
            sa.text(f"UPDATE {table} SET {column} = CAST(x'7b22ff22' AS TEXT){where}")
        )
    engine.dispose()
    for command in COMMANDS[:-1]:
        done = reading.run(*command)
        assert done.code in (0, 1, 2, 3, 4), (command, done.err)
        assert "\udcff" not in done.out + done.err
    assert reading.run("runs", "list").code == 0
    if table == "launches":
        assert reading.run("report", RUN, "--format", "csv").code == 0
        done = reading.run("store", "check")
        assert done.code == 2
        assert f"run {RUN}: launch 0" in done.err
    if table != "selftests":
        with pytest.raises(StoreError):
            copy(reading.url, f"sqlite:///{tmp_path}/other.db", lambda _run: None)


def test_tables_that_are_no_text_are_damaged(reading: Reading) -> None:
    """SQLite quotes what it cannot read in the middle of its message."""
    path = reading.folder / "benchhub.db"
    content = path.read_bytes()
    assert content.count(b"CREATE TABLE launches")
    path.write_bytes(content.replace(b"CREATE TABLE launches", b"CREATE T\xedBLE launches"))
    for command in (("runs", "list"), ("store", "check")):
        done = reading.run(*command)
        assert (done.code, done.out) == (2, "")
        assert "is damaged: restore a copy" in done.error


def test_a_copy_blames_the_store_that_is_damaged(reading: Reading, tmp_path: Path) -> None:
    engine = sa.create_engine(reading.url)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE cells RENAME TO elsewhere"))
    engine.dispose()
    with pytest.raises(StoreError, match=r"benchhub\.db is damaged: restore a copy"):
        copy(reading.url, f"sqlite:///{tmp_path}/other.db", lambda _run: None)


@pytest.mark.parametrize("column", ["details", "before", "tracks", "samples", "load_ns"])
def test_a_damaged_launch_is_failed_wherever_it_is_counted(reading: Reading, column: str) -> None:
    damage(reading, "launches", column, '{"a": [1, ')
    with Store.open(reading.url) as store:
        launches = list(store.launches(RUN))
        so_far = reached(map(Tried.at, launches))
        assert [one.status for one in launches].count("failed") == 1
        assert len(so_far.unreadable) == 1
        if column != "samples":  # which a list does not look at
            assert store.reached(RUN) == so_far
            assert sum(store.finished(RUN).values()) == 3
    done = reading.run("report", RUN, "--format", "json")
    rows = json.loads(done.out)["rows"]
    assert sorted(row["status"] for row in rows) == ["failed", "finished"]
    assert any("start a new run" in (row["reason"] or "") for row in rows)
    assert reading.run("gate", RUN).code == 3


def test_a_deeply_nested_column_is_no_crash(reading: Reading) -> None:
    damage(reading, "launches", "details", "[" * 200_000)
    assert reading.run("report", RUN, "--format", "csv").code == 0
    damage(reading, "cells", "info", "[" * 200_000)
    done = reading.run("report", RUN, "--format", "csv")
    assert done.code == 2
    assert RUN in done.error


@pytest.mark.parametrize(
    ("table", "column", "at"),
    [
        ("runs", "provenance", "$.x"),
        ("devices", "info", "$.facts.x"),
        ("launches", "details", "$.x"),
    ],
)
def test_what_is_nested_too_deeply_to_be_shown_is_damaged(
    reading: Reading, table: str, column: str, at: str
) -> None:
    with sqlite3.connect(reading.url.removeprefix("sqlite:///")) as database:
        deep = "[" * 400 + "]" * 400
        database.execute(
            f"UPDATE {table} SET {column} = json_set({column}, ?, json(?))", (at, deep)
        )
    for form in ("json", "markdown"):  # HTML walks the same, and draws besides
        done = reading.run("report", RUN, "--format", form)  # a fault would be raised here
        assert done.code in (0, 2), (form, done.err)


def test_a_damaged_run_is_left_out_of_its_suites_history(reading: Reading) -> None:
    suite = make_run().suite
    assert reading.run("history", suite).code == 0
    damage(reading, "cells", "info", "{")
    alone = reading.run("history", suite)
    assert alone.code == 2
    assert RUN in alone.error
    with Store.open(reading.url) as store:
        other = dataclasses.replace(make_run(), id="another")
        cell = make_cell(launches=2)
        store.create_run(other, Plan((cell,), ()), None, [make_variant("fp32")], ())
        for index in range(2):
            store.add(dataclasses.replace(make_launch(cell, index), run="another"))
    done = reading.run("history", suite, "--json")
    assert done.code == 0
    assert [run["run"] for cell in done.json["cells"] for run in cell["runs"]] == ["another"]
    (told,) = done.json["left_out"]
    assert RUN in told
    assert told in done.err


def test_a_damaged_run_is_listed_and_can_be_deleted(reading: Reading) -> None:
    damage(reading, "runs", "request", "{")
    listed = reading.run("runs", "list", "--json").json
    assert [(run["id"], run["status"]) for run in listed] == [(RUN, "damaged")]
    done = reading.run("runs", "show", RUN)
    assert done.code == 2
    assert done.error.startswith(f"benchhub: run {RUN}: ")
    assert reading.run("runs", "delete", RUN).code == 0
