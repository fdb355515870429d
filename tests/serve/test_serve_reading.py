"""What a page reads: of both kinds of store, while others write, and when it is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import make_cell, make_device
from recorded_runs import launches_of, stored
from waiting import until

from benchhub.errors import StoreError
from benchhub.serve.snapshot import SnapshotReader
from benchhub.serve.standing import RunStanding
from benchhub.store import Store
from benchhub.store.watched.process import ControllerProcess
from benchhub.store.watched.signs import LaneSign, Sign, StopRequest

if TYPE_CHECKING:
    from postgresql.cluster import Cluster

RUN = "20260101-120000-abcd"
LANE = LaneSign(
    device="pi", planned=20, done=3, cells=2, cells_done=0, settled=0, state="measuring",
    doing="onnxruntime fp32 latency", since="2026-01-01T12:00:00+00:00", left_s=9.5,
    temperature_c=51.0,
)  # fmt: skip


@pytest.fixture
def url(store_url: str) -> str:
    return store_url


@pytest.fixture
def write(url: str) -> Callable[..., None]:
    def put(run: str = RUN, status: str = "running", sign: Sign | None = None) -> None:
        with Store.open(url) as store:
            stored(store, run, launches_of(make_cell(), run, 2), device=make_device("localhost"))
            store.set_status(run, status, None)
            if sign is not None:
                assert store.signs.put(run, sign)

    return put


def sign(**changes: object) -> Sign:
    this = ControllerProcess.this()
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    told = {"at": now, "host": this.host, "space": this.space, "pid": this.pid,
            "began_s": this.began_s, "lanes": (LANE,)}  # fmt: skip
    return Sign(**(told | changes))  # type: ignore[arg-type]


def test_nothing_can_be_written_by_who_only_reads(url: str, write: Callable[..., None]) -> None:
    write()
    with Store.open(url, patience_s=0.0, read_only=True) as store:
        assert not store.writable
        with pytest.raises(StoreError):
            store.set_status(RUN, "done", None)
        with pytest.raises(StoreError):
            store.quarantine.add("localhost", "for fun")
        assert not store.signs.ask_to_stop(RUN, StopRequest(at="now", by="me"))
        assert store.run(RUN).status == "running"


def test_a_snapshot_is_another_one_only_where_something_is(
    url: str, write: Callable[..., None]
) -> None:
    write(sign=sign())
    with Store.open(url, patience_s=0.0, read_only=True) as store:
        reader = SnapshotReader(store)
        first = reader.read()
        assert [one.id for one in first.runs] == [RUN]
        (open_run,) = first.open
        assert open_run.told.standing is RunStanding.AT_WORK
        assert open_run.lanes == (LANE,)
        assert reader.device_runs() == {"localhost": RUN}
        write("20260102-120000-abcd", "done")
        second = reader.read()
        assert second.number > first.number
        assert [one.id for one in second.runs] == ["20260102-120000-abcd", RUN]
        with Store.open(url) as other:
            other.delete_run(RUN)
            other.quarantine.add("pi", "hot")
        third = reader.read()
        assert [one.id for one in third.runs] == ["20260102-120000-abcd"]
        assert third.open == ()
        assert list(third.quarantine) == ["pi"]


def test_who_measures_is_told_from_who_was_killed(url: str, write: Callable[..., None]) -> None:
    write("none", sign=None)
    write("gone", sign=sign(began_s=1.0))
    write("far", sign=sign(host="elsewhere", at="2026-01-01T12:00:00+00:00"))
    write("here", sign=sign())
    with Store.open(url, patience_s=0.0, read_only=True) as store:
        found = {one.run.id: one.told.standing for one in SnapshotReader(store).read().open}
    assert found == {
        "none": RunStanding.UNTOLD, "gone": RunStanding.KILLED, "far": RunStanding.SILENT,
        "here": RunStanding.AT_WORK,
    }  # fmt: skip


def test_a_request_to_stop_reaches_who_measures(url: str, write: Callable[..., None]) -> None:
    write(sign=sign())
    asked = StopRequest(at="2026-01-01T12:00:00+00:00", by="somebody")
    with Store.open(url) as store:
        assert store.signs.asked_to_stop(RUN) is None
        assert store.signs.ask_to_stop(RUN, asked)
        assert store.signs.asked_to_stop(RUN) == asked
        assert list(store.signs.of([RUN])) == [RUN]


def test_a_file_that_is_gone_or_damaged_is_told(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    url = f"sqlite:///{path}"
    with pytest.raises(StoreError, match="there is no"):
        Store.open(url, read_only=True)
    with Store.open(url) as store:
        stored(store, RUN, launches_of(make_cell(), RUN, 1))
    with Store.open(url, patience_s=0.0, read_only=True) as store:
        reader = SnapshotReader(store)
        assert reader.read().problem == ""
        kept = path.read_bytes()
        path.unlink()
        gone = reader.read()
        assert "is gone" in gone.problem
        assert [one.id for one in gone.runs] == [RUN]
        path.write_bytes(kept)
        assert reader.read().problem == ""
        path.write_bytes(b"no database" * 1000)
        assert reader.read().problem


def test_a_server_that_goes_away_is_told_and_found_again(cluster: Cluster, server_url: str) -> None:
    with Store.open(server_url) as store:
        stored(store, RUN, launches_of(make_cell(), RUN, 1))
    with Store.open(server_url, patience_s=0.0, read_only=True) as store:
        reader = SnapshotReader(store)
        assert reader.read().problem == ""
        cluster.stop()
        try:
            away = reader.read()
            assert away.problem
            assert [one.id for one in away.runs] == [RUN]
        finally:
            cluster.start()
        assert until(lambda: reader.read().problem == "", "it is there again")


def test_a_file_of_an_older_schema_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    Store.open(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("update alembic_version set version_num = '0010'")
    with pytest.raises(StoreError, match="benchhub runs list"):
        Store.open(f"sqlite:///{path}", read_only=True)


def test_variants_are_found_by_name_and_hash_and_nothing_else(
    url: str, write: Callable[..., None]
) -> None:
    write()
    with Store.open(url, read_only=True) as store:
        assert [one.name for one in store.listing.variants("FP")] == ["fp32"]
        sha256 = store.variants(RUN)[0].sha256
        assert [one.run for one in store.listing.variants(sha256[:9].upper())] == [RUN]
        assert store.listing.variants("%") == []
        assert store.listing.variants("f_32") == []
