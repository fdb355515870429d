"""Whatever is damaged in a store is named, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from builders import make_answer_key, make_cell, make_launch, make_plan, make_run, make_variant
from in_process import Reading
from test_schemas_both_ways import connected

from benchhub.model.device import Finding, Selftest
from benchhub.store import Store
from benchhub.store.blobs import pack_ns
from benchhub.store.schema import HEAD

RUN = make_run().id
SAMPLES = pack_ns(make_launch().samples_ns + 1)
#: What is done to a store, and words of the line that has to name it.
DAMAGES = {
    "a sample": ("UPDATE launches SET samples = :blob WHERE launch = 1", "launch 1 attempt 0 of"),
    "a blob cut": ("UPDATE launches SET warmup = :cut WHERE launch = 2", "launch 2 attempt 0"),
    "a time": ("UPDATE launches SET load_ns = load_ns + 1 WHERE launch = 0", "its digest differs"),
    "a detail": ("UPDATE launches SET details = '{}' WHERE launch = 0", "its digest differs"),
    "no JSON": ("UPDATE launches SET details = '{' WHERE launch = 0", "it cannot be read"),
    "an output": ("UPDATE outputs SET data = :blob WHERE position = 0", "its digest differs"),
    "an output less": ("DELETE FROM outputs WHERE position = 0", "its digest differs"),
    "a label": ("UPDATE truths SET labels = :cut", "what outputs are judged against of run"),
    "a plan": ("UPDATE cells SET info = '{}'", "a cell in the store"),
    "another cell": ("UPDATE cells SET threads = 64", "is not what its record says: threads"),
    "a request": ("UPDATE runs SET request = '[]'", "in the store"),
    "a variant": ("UPDATE variants SET info = '7'", "in the store"),
    "a device": ("UPDATE devices SET info = '[]'", "start a new run"),
    "another scenario": ("UPDATE cells SET scenario = 'memory'", "record says: scenario"),
    "a state": ("UPDATE runs SET status = 'well'", "a run in the store cannot be read, status"),
    "a moment": ("UPDATE runs SET started_at = 'once'", "hold no moment as started_at"),
    "a self-test": ("UPDATE selftests SET info = '[]'", "a self-test"),
}  # fmt: skip


@pytest.fixture
def filled(store_url: str) -> Reading:
    """A store of one run, and commands that read it."""
    from builders import make_device

    with Store.open(store_url) as store:
        plan = make_plan(make_cell())
        store.create_run(make_run(), plan, make_answer_key(20), [make_variant()], ())
        store.put_device(RUN, make_device())
        for index in range(3):
            store.add(make_launch(index=index))
        finding = Finding("drift", "ok", "none")
        store.selftests.add(Selftest("localhost", "2026-01-01", True, RUN, (finding,)))
    return Reading(Path(), store_url)


def test_a_sound_store_is_said_to_be(filled: Reading) -> None:
    done = filled.run("store", "check")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"sound: 1 run, 3 launches, schema {HEAD}\n"


@pytest.mark.parametrize("what", DAMAGES)
def test_what_is_damaged_is_named(filled: Reading, what: str) -> None:
    words, told = DAMAGES[what]
    with connected(filled.url) as connection, connection.begin():
        values = {"blob": SAMPLES, "cut": SAMPLES[:9]}
        used = {name: value for name, value in values.items() if f":{name}" in words}
        statement = sa.text(words)
        if used:
            statement = statement.bindparams(
                *(sa.bindparam(name, type_=sa.LargeBinary) for name in used)
            )
        connection.execute(statement, used)
    done = filled.run("store", "check")
    lines = [line for line in done.err.splitlines() if line.startswith("benchhub: ")]
    assert done.code == 2
    assert any(told in line for line in lines), done.err
    assert f"{len(lines)} thing" in done.err.splitlines()[-1]
    assert done.err.count("\n") == len(lines) + 1


def test_rows_that_belong_to_nothing_are_counted(tmp_path: Path) -> None:
    reading = Reading(tmp_path)
    with Store.open(reading.url) as store:
        store.create_run(make_run(), make_plan(make_cell()), None, [make_variant()], ())
        store.add(make_launch())
    with connected(reading.url) as connection, connection.begin():  # as another program might
        connection.execute(sa.text("DELETE FROM launches"))
    done = reading.run("store", "check")
    assert done.code == 2
    assert "1 rows of outputs belong to nothing in launches" in done.err


def test_a_file_that_is_torn_is_told(tmp_path: Path) -> None:
    reading = Reading(tmp_path)
    with Store.open(reading.url) as store:
        store.create_run(make_run(), make_plan(make_cell()), None, [make_variant()], ())
        for index in range(200):
            store.add(make_launch(index=index))
    path = tmp_path / "benchhub.db"
    torn = bytearray(path.read_bytes())
    middle = len(torn) // 2
    torn[middle : middle + 8192] = b"\xaa" * 8192
    path.write_bytes(torn)
    done = reading.run("store", "check")
    assert done.code == 2
    assert "Traceback" not in done.err


def test_a_table_or_a_column_that_is_gone_is_named(tmp_path: Path) -> None:
    reading = Reading(tmp_path)
    Store.open(reading.url).close()
    with connected(reading.url) as connection, connection.begin():
        connection.execute(sa.text("DROP TABLE quarantine"))
        connection.execute(sa.text("ALTER TABLE launches DROP COLUMN gpu_source"))
    done = reading.run("store", "check")
    assert done.code == 2
    assert "the table quarantine is not there" in done.err
    assert "the column gpu_source of launches is not there" in done.err


def test_an_older_schema_is_told_and_left_alone(filled: Reading) -> None:
    with connected(filled.url) as connection, connection.begin():
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0008'"))
    done = filled.run("store", "check")
    assert done.code == 2
    assert f"of schema 0008, this benchhub's is {HEAD}: run `benchhub store upgrade`" in done.error
    with connected(filled.url) as connection:
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    assert found == "0008"


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    reading = Reading(tmp_path)
    for verb in (("check",), ("downgrade", "0008"), ("copy", reading.url, reading.url + ".copy")):
        words = ("store", *verb)
        done = reading.bare(*words) if verb[0] == "copy" else reading.run(*words)
        assert done.code == 2
        assert "is not there: name a store that is" in done.error
    assert list(tmp_path.iterdir()) == []


def test_another_store_may_be_named(filled: Reading, tmp_path: Path) -> None:
    done = Reading(tmp_path).run("store", "check", filled.url)
    assert done.code == 0
    assert json.loads(filled.run("runs", "list", "--json").out)[0]["id"] == RUN


def test_values_of_another_kind_are_named_in_a_file_that_takes_any(tmp_path: Path) -> None:
    reading = Reading(tmp_path)
    with Store.open(reading.url) as store:
        store.create_run(
            make_run(), make_plan(make_cell()), make_answer_key(20), [make_variant()], ()
        )
        store.quarantine.add("localhost", "hot")
    with connected(reading.url) as connection, connection.begin():
        for words in (
            "UPDATE cells SET position = 'first'",
            "UPDATE variants SET params = X'00ff'",
            "UPDATE quarantine SET reason = X'00ff'",
            "UPDATE truths SET labels = 'none'",
        ):
            connection.execute(sa.text(words))
    done = reading.run("store", "check")
    assert done.code == 2
    for told in (
        "1 of the rows of cells hold no integer as position",
        "1 of the rows of variants hold no integer as params",
        "1 of the rows of quarantine hold no text as reason",
        "1 of the rows of truths hold no bytes as labels",
    ):
        assert told in done.err
