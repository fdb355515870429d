"""Several controllers at work in one store: nothing is lost, and nothing is counted twice."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np
import psycopg
import pytest
from builders import make_answer_key, make_cell, make_device, make_launch, make_plan, make_run
from postgresql.cluster import Cluster
from waiting import PATIENCE_S, until

from benchhub.errors import StoreError, StoreLost
from benchhub.model.device import Finding, Selftest
from benchhub.store import Store
from benchhub.store.upkeep.checking import check

pytestmark = pytest.mark.usefixtures("processes", "servers")

SHARED, LAUNCHES = "shared", 30
FORK = multiprocessing.get_context("fork")


def controller(url: str, name: str, told: Connection) -> None:
    """What one controller does: a run of its own, launches that all of them add, and the rest."""
    with Store.open(url) as store:
        if name not in {run.id for run in store.runs()}:
            store.create_run(make_run(id=name), make_plan(make_cell()), None, [], ())
        for index in range(LAUNCHES):
            for run in (name, SHARED):
                store.add(make_launch(index=index, run=run))
            store.quarantine.add(f"device-{index % 3}", f"said by {name}")
            store.put_device(SHARED, make_device(f"board-{index % 3}"))
            told.send(index)  # acknowledged: from here on it must never be lost
        test = Selftest(name, "2026-01-01", True, name, (Finding("drift", "ok", "none"),))
        store.selftests.add(test)
        store.selftests.add(test)
        store.set_status(name, "done", "2026-01-01T13:00:00Z")


def start(url: str, name: str) -> tuple[BaseProcess, Connection]:
    """Start a controller in a process of its own; return what it tells, too."""
    ours, theirs = FORK.Pipe(duplex=False)
    process = FORK.Process(target=controller, args=(url, name, theirs))
    process.start()
    theirs.close()
    return process, ours


def heard(told: Connection) -> list[int]:
    """Return all that a controller tells until it ends."""
    found = []
    with contextlib.suppress(EOFError):
        while True:
            found.append(told.recv())
    return found


def sound(store: Store) -> bool:
    assert check(store, lambda _run: None).damaged == ()
    return True


def test_four_controllers_and_a_killed_one(store_url: str) -> None:
    names = [f"run-{number}" for number in range(4)]
    with Store.open(store_url) as store:
        store.create_run(make_run(id=SHARED), make_plan(make_cell()), None, [], ())
    several = [start(store_url, name) for name in names]
    killed, told = start(store_url, "killed")
    acknowledged = [told.recv() for _ in range(4)]
    os.kill(killed.pid or 0, signal.SIGKILL)
    acknowledged += heard(told)
    for process, others in several:
        assert heard(others) == list(range(LAUNCHES))
        process.join()
        assert process.exitcode == 0
    with Store.open(store_url) as store:
        of_killed = [launch.index for launch in store.launches("killed")]
        assert of_killed == list(range(len(of_killed)))
        assert max(acknowledged) < len(of_killed) <= LAUNCHES
        for name in (*names, SHARED):
            assert [one.index for one in store.launches(name)] == list(range(LAUNCHES)), name
        assert sound(store)
    again, told = start(store_url, "killed")
    assert heard(told) == list(range(LAUNCHES))
    again.join()
    with Store.open(store_url) as store:
        for name in (*names, "killed", SHARED):
            assert store.finished(name) == {make_cell().key: LAUNCHES}
            if name != SHARED:
                assert store.run(name).status == "done"
                assert len(store.selftests.of(name)) == 1
        assert {one.name for one in store.devices(SHARED)} == {f"board-{n}" for n in range(3)}
        assert set(store.quarantine.all()) == {f"device-{n}" for n in range(3)}
        assert sound(store)


def test_two_results_of_one_launch_are_never_both_kept(store_url: str) -> None:
    """Controllers that ran the same launch: one is kept, and the other hears of it."""
    with Store.open(store_url) as one, Store.open(store_url) as other:
        one.create_run(make_run(), make_plan(make_cell()), None, [], ())
        added: Counter[str] = Counter()

        def add(store: Store, index: int, value: int) -> None:
            try:
                store.add(make_launch(index=index, samples_ns=np.full(5, value)))
                added["kept"] += 1
            except StoreError as error:
                added["refused" if "already, with other results" in str(error) else "?"] += 1

        with ThreadPoolExecutor(4) as pool:
            for index in range(12):
                pool.submit(add, one, index, 1).add_done_callback(_raise)
                pool.submit(add, other, index, 2).add_done_callback(_raise)
        assert added == {"kept": 12, "refused": 12}
        assert one.finished(make_run().id) == {make_cell().key: 12}


def _raise(done: object) -> None:
    done.result()  # type: ignore[attr-defined]


@pytest.fixture
def restored(cluster: Cluster, server_url: str) -> Iterator[Cluster]:
    """The cluster, which a test may stop."""
    yield cluster
    if cluster.process is None:
        cluster.start()


@pytest.mark.parametrize(("asked", "used"), [("off", "on"), ("remote_apply", "remote_apply")])
def test_what_was_committed_outlives_the_server_whatever_it_is_set_to(
    server_url: str, asked: str, used: str
) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = '{asked}'")
    with Store.open(server_url) as store, store.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == used


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_server_that_is_started_again_loses_and_doubles_nothing(
    restored: Cluster, server_url: str, how: signal.Signals
) -> None:
    with Store.open(server_url) as store:
        store.create_run(make_run(), make_plan(make_cell()), make_answer_key(20), [], ())
        reached, failed = threading.Semaphore(0), []

        def write() -> None:
            try:
                for index in range(40):
                    store.add(make_launch(index=index))
                    store.put_device(make_run().id, make_device())
                    reached.release()
                    store.finished(make_run().id)
            except BaseException as error:
                failed.append(error)
                raise

        writers = [threading.Thread(target=write) for _ in range(2)]  # the same launches, twice
        for writer in writers:
            writer.start()
        for _ in range(2):
            for _ in range(10):
                assert reached.acquire(timeout=PATIENCE_S)
            restored.stop(how)
            restored.start()
        for writer in writers:
            writer.join()
        assert failed == []
        assert [one.index for one in store.launches(make_run().id)] == list(range(40))
        assert sound(store)
        new = make_run(id="after")
        store.create_run(new, make_plan(make_cell()), None, [], ())


def test_what_was_written_twice_because_its_end_was_not_heard_is_there_once(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks right after the server committed: each write is made again."""
    selftest = Selftest("board", "2026-01-01", True, "r", (Finding("drift", "ok", "none"),))
    run, key = make_run(), make_answer_key(20)
    with Store.open(server_url) as store:
        for write in (
            lambda: store.create_run(run, make_plan(make_cell()), None, [], ()),
            lambda: store.add_answer_key(run.id, key),
            lambda: store.add(make_launch()),
            lambda: store.put_device(run.id, make_device()),
            lambda: store.quarantine.add("board", "hot"),
            lambda: store.selftests.add(selftest),
            lambda: store.set_status(run.id, "done", None),
        ):
            with _cut_after_commit(store, monkeypatch):
                write()
        assert store.runs() == [make_run(status="done")]
        assert len(list(store.launches(run.id))) == 1
        assert store.answer_key(run.id) is not None
        assert store.selftests.of("r") == (selftest,)
        assert [one.name for one in store.devices(run.id)] == [make_device().name]
        with _cut_after_commit(store, monkeypatch):
            assert store.quarantine.lift("board")
        with pytest.raises(StoreError, match="in the store already: resume it"):
            store.create_run(make_run(suite="other"), make_plan(make_cell()), None, [], ())
        with pytest.raises(StoreError, match="has its reference already"):
            store.add_answer_key(run.id, make_answer_key(21))
        with _cut_after_commit(store, monkeypatch):
            store.delete_run(run.id)
        assert store.runs() == []
        assert store.quarantine.all() == {}


@contextlib.contextmanager
def _cut_after_commit(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Break the connection of the first writing in the block, once the server committed it."""
    commit, cuts = store.engine.dialect.do_commit, []

    def do_commit(connection: Any) -> None:
        commit(connection)
        if not cuts:
            cuts.append(1)
            connection.dbapi_connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(store.engine.dialect, "do_commit", do_commit)
        yield
    assert cuts


def test_a_server_that_is_gone_for_good_is_told_and_waited_for_by_all_as_one(
    restored: Cluster, server_url: str
) -> None:
    with Store.open(server_url, patience_s=1.0) as store:
        store.create_run(make_run(), make_plan(make_cell()), None, [], ())
        store.add(make_launch())
        restored.stop()
        with ThreadPoolExecutor(8) as pool:
            waits = [pool.submit(store.add, make_launch(index=one)) for one in range(1, 9)]
            errors = [wait.exception(60) for wait in waits]
        assert all(isinstance(error, StoreLost) for error in errors), errors
        assert "does not answer" in str(errors[0])
        with pytest.raises(StoreLost):
            store.runs()
        restored.start()
        until(lambda: _reads(store), "the store is read again")
        store.add(make_launch(index=1))
        assert store.finished(make_run().id) == {make_cell().key: 2}


def _reads(store: Store) -> bool:
    try:
        return bool(store.runs())
    except StoreLost:
        return False


def test_who_is_told_to_hurry_waits_for_no_server(restored: Cluster, server_url: str) -> None:
    with Store.open(server_url, patience_s=3600) as store, ThreadPoolExecutor(1) as pool:
        restored.stop()
        waiting = pool.submit(store.runs)
        assert not waiting.done()
        store.hurry()
        assert isinstance(waiting.exception(60), StoreLost)
