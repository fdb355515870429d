"""Every schema that a kept store has: up and back again, on both kinds of database."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from builders import make_cell, make_launch, make_plan, make_run
from repository import TESTS

from benchhub.errors import ConfigError, StoreError
from benchhub.store import Store
from benchhub.store.database import versions
from benchhub.store.database.address import read
from benchhub.store.schema import HEAD, metadata
from benchhub.store.upkeep.schemas import downgrade, passed, schema_of, upgrade
from benchhub.store.upkeep.tables import digest_of, plain

sys.path.insert(0, str(TESTS / "old_stores"))
from kept_runs import unpacked

#: A kept store of each schema; 0006's is small.
STORES = {"0001": "0001", "0002": "0002", "0003": "0003", "0004": "0004", "0005": "0005",
          "0006": "lab", "0007": "0007"}  # fmt: skip
Rows = dict[str, list[tuple[Any, ...]]]


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(read(url))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def contents(url: str) -> Rows:
    """Return the columns and the rows of every table as they lie there, sorted."""
    with connected(url) as connection:
        found: Rows = {}
        for name in sorted(sa.inspect(connection).get_table_names()):
            names = sorted(one["name"] for one in sa.inspect(connection).get_columns(name))
            words = ", ".join(f'"{one}"' for one in names)
            rows = connection.exec_driver_sql(f'SELECT {words} FROM "{name}"').all()
            found[name] = [
                tuple(names),
                *sorted((tuple(map(_plain, row)) for row in rows), key=repr),
            ]
        return found


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def digests(url: str) -> dict[str, str]:
    with connected(url) as connection:
        runs = connection.execute(sa.select(plain(metadata.tables["runs"]).c.id)).scalars()
        return {run: digest_of(connection, run) for run in runs.all()}


def on_a_server(old: Path, schema: str, url: str) -> None:
    """Make the tables of an old schema in an empty database, by the migrations, and fill them."""
    with connected(url) as connection, connection.begin():
        versions.stamp(connection, schema)
    with closing(sqlite3.connect(old)) as store, psycopg.connect(url) as server:
        tables = [one.name for one in metadata.sorted_tables]
        there = {name for (name,) in store.execute("SELECT name FROM sqlite_master")}
        for name in [one for one in tables if one in there]:
            found = store.execute(f"SELECT * FROM {name}")
            names = [one[0] for one in found.description]
            marks = ", ".join("%s" for _ in names)
            words = ", ".join(f'"{one}"' for one in names)
            booleans = {
                one.name for one in metadata.tables[name].c if isinstance(one.type, sa.Boolean)
            }
            rows = [
                [
                    bool(v) if n in booleans and v is not None else v
                    for n, v in zip(names, row, strict=True)
                ]
                for row in found
            ]
            with server.cursor() as cursor:
                cursor.executemany(f'INSERT INTO "{name}" ({words}) VALUES ({marks})', rows)


@pytest.mark.parametrize("schema", STORES)
def test_up_and_back_keeps_what_both_know_in_a_file(schema: str, tmp_path: Path) -> None:
    url = unpacked(STORES[schema], tmp_path)
    before = contents(url)
    assert upgrade(url) == (schema, HEAD)
    with connected(url) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    at_the_top = digests(url)
    downgrade(url, schema)
    assert contents(url) == before
    assert schema_of(url) == schema
    upgrade(url)
    assert digests(url) == at_the_top


@pytest.mark.parametrize("schema", ["0001", "0005", "0007"])
def test_up_and_back_keeps_what_both_know_on_a_server(
    schema: str, tmp_path: Path, new_database: Callable[..., str], cluster: object
) -> None:
    file, url = unpacked(STORES[schema], tmp_path), new_database()
    on_a_server(tmp_path / f"{STORES[schema]}.db", schema, url)
    before = contents(url)
    with pytest.raises(StoreError, match=f"older schema {schema}.*benchhub store upgrade"):
        Store.open(url)
    assert upgrade(url) == (schema, HEAD)
    with connected(url) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    upgrade(file)
    assert digests(url) == digests(file)  # the same as where SQLite took the same way
    downgrade(url, schema)
    assert contents(url) == before


def test_an_upgrade_of_what_is_of_today_changes_nothing(store_url: str) -> None:
    Store.open(store_url).close()
    before = contents(store_url)
    assert upgrade(store_url) == (HEAD, HEAD)
    assert contents(store_url) == before


def test_a_new_database_gets_its_tables(new_database: Callable[..., str], cluster: object) -> None:
    url = new_database()
    assert upgrade(url) == (None, HEAD)
    with Store.open(url) as store:
        assert store.runs() == []
    with connected(url) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_who_is_at_work_is_named_and_nothing_is_changed(server_url: str) -> None:
    with Store.open(server_url):
        for change in (upgrade, lambda url: downgrade(url, "0008")):
            with pytest.raises(StoreError, match=r"is in use by benchhub .* on .*: wait until"):
                change(server_url)
    downgrade(server_url, "0008")
    assert schema_of(server_url) == "0008"


@pytest.mark.parametrize("to", ["0042", HEAD, "head", "base", "", "-1"])
def test_there_has_to_be_such_an_older_schema(store_url: str, to: str) -> None:
    Store.open(store_url).close()
    with pytest.raises(ConfigError, match=f"schema {to} is none that is older than {HEAD}"):
        downgrade(store_url, to)
    assert schema_of(store_url) == HEAD


def test_what_will_be_gone_is_told() -> None:
    told = dict(passed(HEAD, "0004"))
    assert "0004" not in told
    assert told["0005"] == "Claims that a run is held against."


def test_a_pruned_run_is_no_older_schemas(store_url: str) -> None:
    with Store.open(store_url) as store:
        store.create_run(make_run(), make_plan(make_cell()), None, [], ())
        store.add(make_launch())
    with connected(store_url) as connection, connection.begin():
        connection.execute(sa.text("UPDATE runs SET pruned_at = '2026-01-01T00:00:00Z'"))
    with pytest.raises(StoreError, match=f"run {make_run().id} is pruned.*benchhub runs delete"):
        downgrade(store_url, "0008")
    assert schema_of(store_url) == HEAD
    with Store.open(store_url) as store:
        assert store.finished(make_run().id) == {make_cell().key: 1}
