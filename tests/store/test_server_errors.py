"""What a server says no to is one line: what, why, and what to do."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from builders import make_cell, make_launch, make_plan, make_run
from postgresql.cluster import PASSWORD, Cluster

from benchhub.errors import BenchhubError, MissingExtra, StoreError, StoreLost
from benchhub.store import Store


def refused(url: str, *words: str, kind: type[BenchhubError] = StoreError) -> str:
    """Hold that a URL is refused in one line that has all of `words`, and no password."""
    with pytest.raises(kind) as caught:
        Store.open(url, busy_timeout_s=0.2)
    said = str(caught.value)
    assert "\n" not in said
    assert PASSWORD not in said
    assert "hunter2" not in said
    assert [word for word in words if word not in said] == [], said
    assert caught.value.exit_code == 2
    return said


@pytest.mark.parametrize("scheme", ["mysql", "postgresql+asyncpg", "redis", "http", "sqlite3"])
def test_another_kind_of_database_is_told_what_there_is(scheme: str) -> None:
    refused(f"{scheme}://ann:hunter2@h/x", "SQLite or PostgreSQL", "write sqlite:///results.db or")


def test_without_its_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    refused(
        "postgresql://ann:hunter2@h/x",
        "postgresql://ann:***@h/x needs the package psycopg",
        "pip install 'benchhub[postgresql]'",
        kind=MissingExtra,
    )


def test_nobody_answers(servers: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    refused(
        f"postgresql://ann:hunter2@127.0.0.1:{port}/x", "does not answer", "check that its server",
        kind=StoreLost,
    )  # fmt: skip
    refused("postgresql://ann:hunter2@no.such.host.invalid/x", "does not answer", kind=StoreLost)
    refused("postgresql://ann@/x?host=/no/such/folder", "does not answer", kind=StoreLost)


def test_somebody_else_answers(servers: None) -> None:
    """A port where a server listens that says nothing, as a wrong one behind a firewall does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://ann:hunter2@127.0.0.1:{port}/x?connect_timeout=2"
        refused(url, "does not answer", kind=StoreLost)


def test_wrong_users_passwords_and_databases(cluster: Cluster) -> None:
    refused(cluster.url("postgres", password="hunter2"), "refuses this user's password", "pgpass")
    refused(cluster.url("postgres", "nobody"), "does not know this user", 'role "nobody"')
    refused(cluster.url("nowhere"), "is not there", 'database "nowhere"', "createdb")
    refused(
        f"postgresql://bench@127.0.0.1:{cluster.port}/postgres", "wants a password", "PGPASSWORD"
    )
    refused(cluster.url("postgres", "bench") + "&nosuch=1", 'invalid connection option "nosuch"')


@pytest.fixture
def rights(cluster: Cluster, server_url: str) -> Callable[..., str]:
    """Make a role of the store's database that may do so much, and return its URL."""
    database = str(sa.make_url(server_url).database)
    made: list[str] = []

    def make(*grants: str) -> str:
        name = f"role_{database}_{len(made)}"
        with cluster.connected(database=database) as connection:
            with cluster.connected("postgres") as owner:
                owner.execute(f"CREATE ROLE {name} LOGIN")
            for grant in grants:
                connection.execute(f"GRANT {grant} TO {name}")
        made.append(name)
        return cluster.url(database, name)

    return make


def test_a_role_without_rights(rights: Callable[..., str]) -> None:
    refused(rights(), "does not allow its user that", "permission denied", "GRANT")


def test_a_role_that_reads_may_not_write(server_url: str, rights: Callable[..., str]) -> None:
    with Store.open(server_url) as store:
        store.create_run(make_run(), make_plan(make_cell()), None, [], ())
        store.add(make_launch())
    with Store.open(rights("SELECT ON ALL TABLES IN SCHEMA public")) as store:
        assert not store.writable
        assert store.resolve("latest") == make_run().id
        assert len(list(store.launches(make_run().id))) == 1
        with pytest.raises(StoreError, match=r"does not allow its user that: .*permission denied"):
            store.add(make_launch(index=1))
        with pytest.raises(StoreError, match="permission denied"):
            store.set_status(make_run().id, "done", None)
        with pytest.raises(StoreError, match="permission denied"):
            store.delete_run(make_run().id)


def test_a_user_of_an_empty_database_may_not_make_its_tables(
    cluster: Cluster, new_database: Callable[..., str]
) -> None:
    url = new_database()
    with cluster.connected("postgres") as connection:
        connection.execute("DROP ROLE IF EXISTS maker_of_none")
        connection.execute("CREATE ROLE maker_of_none LOGIN")
    refused(
        url.replace("bench@", "maker_of_none@"), "has no tables yet", "may not make them",
        "benchhub store upgrade",
    )  # fmt: skip


def test_another_programs_database_and_its_stamp(
    cluster: Cluster, new_database: Callable[..., str]
) -> None:
    for table in ("alembic_version (version_num text)", "runs (id text)"):
        url = new_database()
        with psycopg.connect(url) as connection:
            connection.execute(f"CREATE TABLE {table}")
        refused(url, "another program's database", table.partition(" ")[0])


@pytest.mark.parametrize(("schema", "words"), [
    ("0008", ("older schema 0008", "benchhub store upgrade", "older versions will not open it")),
    ("9999", ("newer benchhub (schema 9999", "pip install --upgrade benchhub")),
])  # fmt: skip
def test_other_schemas_are_told_and_left_alone(
    server_url: str, rights: Callable[..., str], schema: str, words: tuple[str, ...]
) -> None:
    with psycopg.connect(server_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (schema,))
    refused(server_url, *words)
    refused(rights("SELECT ON ALL TABLES IN SCHEMA public"), *words)
    with psycopg.connect(server_url) as connection:
        kept = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert kept == [(schema,)]


def test_what_a_reader_gets_is_read_without_a_trace(
    cluster: Cluster, server_url: str, rights: Callable[..., str], tmp_path: Path
) -> None:
    """Neither a table nor a temporary one is made, and no row is written."""
    url = rights("SELECT ON ALL TABLES IN SCHEMA public")
    before = len(cluster.log.read_text())
    with Store.open(url) as store:
        assert store.runs() == []
        assert store.quarantine.all() == {}
    with psycopg.connect(server_url) as connection:
        temporary = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relpersistence = 't'"
        ).fetchone()
    assert temporary == (0,)
    assert "CREATE" not in cluster.log.read_text()[before:]  # the server logs every DDL
