"""The roles of docs/how-to/stores.md, as it says them: who makes, who measures, who only reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import (
    make_answer_key,
    make_budget,
    make_cell,
    make_launch,
    make_plan,
    make_run,
    make_variant,
)
from in_process import Reading
from postgresql.cluster import Cluster
from repository import ROOT

from benchhub.errors import StoreError
from benchhub.store import Store

PAGE = (ROOT / "docs/how-to/stores.md").read_text("utf-8")
ROLES = ("bench_ann", "bench_eve", "bench_owner", "bench_writers", "bench_readers")


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Cluster]:
    """A server that is set up as the page says."""
    as_administrator, within = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    try:
        with cluster.connected("postgres") as connection:
            for statement in as_administrator.strip().splitlines():
                connection.execute(statement)
        with cluster.connected("postgres", "bench") as connection:
            connection.execute(within)
        yield cluster
    finally:
        with cluster.connected("postgres") as connection:
            connection.execute("DROP DATABASE IF EXISTS bench WITH (FORCE)")
            for role in ROLES:
                connection.execute(f"DROP ROLE IF EXISTS {role}")


def test_owners_make_writers_measure_readers_read(database: Cluster, tmp_path: Path) -> None:
    owner, writer, reader = (
        Reading(tmp_path, database.url("bench", name))
        for name in ("bench_owner", "bench_ann", "bench_eve")
    )
    refused = reader.run("runs", "list")
    assert refused.code == 2
    assert "has no tables yet, and its user may not make them" in refused.error
    assert owner.run("store", "upgrade").code == 0
    with Store.open(writer.url) as store:
        for name in ("one", "two"):
            budgets = (make_budget("edge", latency_p50_ms=20.0),)
            plan = make_plan(make_cell())
            store.create_run(make_run(id=name), plan, make_answer_key(4), [make_variant()], budgets)
            for index in range(3):
                store.add(make_launch(index=index, run=name))
            store.set_status(name, "done", None)
        store.quarantine.add("board", "hot")
        assert store.quarantine.lift("board")
    before = len(database.log.read_text())
    for words in (
        ("report", "one", "--format", "json"),
        ("gate", "one", "--format", "json"),
        ("compare", "one", "two", "--format", "json"),
        ("history", "quickstart", "--json"),
        ("runs", "list", "--json"),
        ("runs", "show", "one"),
        ("store", "check"),
    ):
        read, written = reader.run(*words), writer.run(*words)
        assert (read.out, read.code) == (written.out, written.code), (words, read.err)
        assert "benchhub: " not in read.err, words
    assert "ERROR" not in database.log.read_text()[before:]  # nothing was even tried
    with Store.open(reader.url) as store:
        assert not store.writable
        for write in (
            lambda: store.add(make_launch(index=7, run="one")),
            lambda: store.quarantine.add("board", "hot"),
            lambda: store.delete_run("one"),
        ):
            with pytest.raises(StoreError, match="does not allow its user that"):
                write()
    done = reader.run("store", "prune", "--keep", "1", "--yes")
    assert done.code == 2
    assert "does not allow" in done.error or "cannot keep" in done.error
    assert "does not allow its user that" in writer.run("store", "downgrade", "0010", "--yes").error
    assert owner.run("store", "downgrade", "0010", "--yes").code == 0
    assert "benchhub store upgrade" in reader.run("runs", "list").error
