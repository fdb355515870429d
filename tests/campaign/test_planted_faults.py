"""The checks of the campaign can fail: what must not be is planted, and told in its words."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_cell, make_launch, make_plan, make_run

from benchhub.model.cell import Cell
from benchhub.ondevice.wire import Failure
from benchhub.store import Store
from campaign import checks, database, evidence
from campaign.answer import WORDS, Answer, encode
from campaign.journal import Line
from campaign.scene import End

LAUNCHES = 2
CELLS = [
    make_cell(device=device, batch=batch, launches=LAUNCHES, iterations=WORDS)
    for device in ("struck", "healthy") for batch in (1, 2)
]  # fmt: skip
REAL = make_cell(
    device="real", backend="null", launches=1, iterations=WORDS, options='{"hash_bytes": 1001}'
)
DONE = [End(0, "")]


@dataclass
class Record:
    """A run in a database, and the journal of its devices; `server`: it is copied from there."""

    path: Path
    journal: list[Line] = field(default_factory=list)
    server: str = ""

    @property
    def url(self) -> str:
        return self.server or f"sqlite:///{self.path}"

    def add(self, cell: Cell, index: int, answer: Answer | None = None, **changes: Any) -> None:
        """Store a launch, with the answer that is its own or another."""
        nonce = 1 + len(self.journal)
        if answer is None:
            answer = Answer(cell.key, index, nonce)
            self.journal += [Line(what, cell.device, *answer, 7) for what in ("begun", "answered")]
        values = {"samples_ns": np.array(encode(answer, WORDS)), "outputs": (), **changes}
        with Store.open(self.url) as store:
            store.add(make_launch(cell, index, **values))

    def sql(self, query: str, *values: Any) -> None:
        """Change it as nobody should."""
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            database.execute(query, values)
            database.commit()

    def findings(self, ends: list[End] = DONE) -> list[str]:
        """Return what every check of a record says, in words."""
        if self.server:
            assert database.copied(self.server, self.path) == ""
        found = evidence.tables(self.path)
        return [
            *checks.kept(found, self.journal, ends),
            *checks.over(found),
            *checks.untouched(found, self.journal, {"healthy"}, strictly=True),
        ]

    def kinds(self, ends: list[End] = DONE) -> set[str]:
        """Return the kinds of what they say."""
        return {one.partition(":")[0] for one in self.findings(ends)}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A run that is as it must be."""
    return _sound(Record(tmp_path_factory.mktemp("sound") / "results.db"))


def _sound(made: Record) -> Record:
    with Store.open(made.url) as store:
        store.create_run(make_run(), make_plan(*CELLS, REAL), None, [], ())
        store.set_status(make_run().id, "done", "2026-01-01T12:10:00Z")
    for cell in CELLS:
        for index in range(LAUNCHES):
            made.add(cell, index)
    made.add(REAL, 0, Answer("0" * 16, 0, 0), details={"hash_bytes": 1001})
    return made


@pytest.fixture
def record(sound: Record, tmp_path: Path) -> Record:
    """The same, to be spoilt."""
    return Record(Path(shutil.copy(sound.path, tmp_path / "results.db")), list(sound.journal))


def test_what_is_as_it_must_be_has_no_findings(record: Record) -> None:
    assert record.findings() == []
    found = evidence.tables(record.path)
    counted = checks.counts(found, record.journal, DONE)
    assert counted == checks.Counts(planned=9, done=9)
    assert list(checks.finished(found)) == []


def test_a_launch_that_finished_twice_is_told(record: Record) -> None:
    record.add(CELLS[0], 1, attempt=1)
    (told,) = record.findings()
    assert told == f"doubled: launch 1 of {CELLS[0].key} on struck finished 2 times"
    assert checks.counts(evidence.tables(record.path), record.journal, DONE).doubled == 1


def test_what_a_server_keeps_is_held_to_the_same(server_url: str, tmp_path: Path) -> None:
    record = _sound(Record(tmp_path / "copy.db", server=server_url))
    assert record.findings() == []
    found = evidence.tables(record.path)
    assert checks.counts(found, record.journal, DONE) == checks.Counts(planned=9, done=9)
    record.add(CELLS[0], 1, attempt=1)
    assert record.findings() == [f"doubled: launch 1 of {CELLS[0].key} on struck finished 2 times"]


def test_what_a_server_lost_is_told(server_url: str, tmp_path: Path) -> None:
    import psycopg

    record = _sound(Record(tmp_path / "copy.db", server=server_url))
    with psycopg.connect(server_url) as connection:
        connection.execute("DELETE FROM launches WHERE cell = %s AND launch = 1", [CELLS[0].key])
    assert record.findings() == [f"lost: launch 1 of {CELLS[0].key} on struck"]
    with psycopg.connect(server_url) as connection:
        connection.execute("ALTER TABLE launches ALTER samples DROP NOT NULL")
        connection.execute("UPDATE launches SET samples = NULL WHERE cell = %s", [CELLS[1].key])
    assert database.copied(server_url, record.path).startswith("cannot be copied: ")


def test_who_is_left_in_a_servers_database_is_told(server_url: str) -> None:
    import psycopg

    assert database.held(server_url, within_s=60) == ()
    with psycopg.connect(server_url, application_name="left") as connection:
        connection.execute("LOCK TABLE launches IN EXCLUSIVE MODE")
        (told,) = database.held(server_url, within_s=0)
    assert " by left (idle in transaction, " in told


def test_an_answer_under_another_cell_is_told_wherever_it_stands(record: Record) -> None:
    own = "select samples from launches where cell = ? and launch = 0"
    record.sql(f"update launches set samples = ({own}) where cell = ? and launch = 0",
               CELLS[1].key, CELLS[0].key)  # fmt: skip
    assert record.kinds() == {"wrong cell", "doubled"}  # one answer stands under two cells
    (told,) = (one for one in record.findings() if one.startswith("wrong cell"))
    assert f"launch 0 of {CELLS[0].key} on struck holds the answer of" in told
    assert CELLS[1].key in told


def test_an_answer_of_another_launch_of_the_cell_is_told(record: Record) -> None:
    record.sql("delete from launches where cell = ? and launch = 1", CELLS[0].key)
    record.add(CELLS[0], 1, Answer(CELLS[0].key, 0, 99))
    assert record.kinds() == {"wrong cell"}


def test_an_answer_that_nobody_gave_is_told(record: Record) -> None:
    record.journal[:] = [one for one in record.journal if one.nonce != 1]
    (told,) = (one for one in record.findings() if one.startswith("wrong cell"))
    assert told.endswith("holds an answer that its device did not give")


def test_a_real_launch_of_other_work_is_told(record: Record) -> None:
    record.sql("update launches set details = ? where cell = ?", '{"hash_bytes": 1002}', REAL.key)
    (told,) = record.findings()
    assert told.startswith("wrong cell: launch 0")
    assert told.endswith("hashed 1002 bytes, its cell says 1001")


def test_a_launch_that_is_not_there_is_lost_unless_something_says_why(record: Record) -> None:
    record.sql("delete from launches where cell = ? and launch = 1", CELLS[0].key)
    assert record.findings() == [f"lost: launch 1 of {CELLS[0].key} on struck"]
    (told,) = checks.finished(evidence.tables(record.path))
    assert told == f"not mended: launch 1 of {CELLS[0].key} on struck: not made"
    # what the controller said at its end is a reason, and a code without a word is none
    assert record.kinds([End(2, "benchhub: results.db is locked by another program")]) == set()
    assert record.kinds([End(2, "")]) == {"lost"}
    # so is what the device stopped for
    record.sql("insert into devices values (?, 'struck', 0, ?)", make_run().id,
               json.dumps({"error": "struck: no answer"}))  # fmt: skip
    assert record.findings() == []


def test_a_failure_with_a_name_is_none_of_the_campaigns(record: Record) -> None:
    record.sql("delete from launches where cell = ? and launch = 1", CELLS[0].key)
    failure = Failure("time", "crashed", "killed by SIGKILL (out of memory?)")
    record.add(CELLS[0], 1, status="failed", failure=failure)
    assert record.findings() == []
    counted = checks.counts(evidence.tables(record.path), record.journal, DONE)
    assert (counted.done, counted.named) == (8, 1)


@pytest.mark.parametrize("column", ["failure_stage", "failure_kind", "failure_message"])
def test_a_failure_without_a_name_is_told(record: Record, column: str) -> None:
    record.sql("delete from launches where cell = ? and launch = 1", CELLS[0].key)
    record.add(CELLS[0], 1, status="failed", failure=Failure("time", "crashed", "killed"))
    record.sql(f"update launches set {column} = '' where status = 'failed'")
    assert "unnamed" in record.kinds()


def test_a_launch_that_failed_for_want_of_a_blob_is_told(record: Record) -> None:
    record.sql("delete from launches where cell = ? and launch = 1", CELLS[0].key)
    failure = Failure("spawn", "blob", "model is not whole on the device; stage it again")
    record.add(CELLS[0], 1, status="failed", failure=failure)
    assert record.kinds() == {"not pushed again"}


def test_a_launch_that_nobody_planned_is_told(record: Record) -> None:
    record.add(CELLS[0], LAUNCHES)
    assert record.findings() == [f"unplanned: launch {LAUNCHES} of {CELLS[0].key} on struck"]


def test_a_healthy_device_whose_launch_was_made_again_is_told(record: Record) -> None:
    again = dataclasses.replace(
        make_launch(CELLS[2], 1), attempt=1, status="interrupted",
        failure=Failure("link", "link", "healthy: the link broke"),
    )  # fmt: skip
    with Store.open(record.url) as store:
        store.add(again)
    (told,) = record.findings()
    assert told.startswith(f"healthy touched: launch 1 of {CELLS[2].key} on healthy")
    found = evidence.tables(record.path)
    assert list(checks.untouched(found, record.journal, {"healthy"}, strictly=False)) == []


def test_a_healthy_device_that_began_a_launch_twice_is_told(record: Record) -> None:
    begun = next(one for one in record.journal if one.device == "healthy" and one.what == "begun")
    record.journal.append(begun)
    (told,) = record.findings()
    assert told.endswith("was begun 2 times")


def test_a_run_that_counts_as_running_is_told(record: Record) -> None:
    record.sql("update runs set status = 'running'")
    assert record.findings() == ["damaged store: the run is over, and counts as running"]


def test_a_database_that_is_not_whole_is_told(record: Record) -> None:
    size = record.path.stat().st_size
    with record.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    assert record.kinds() == {"damaged store"}


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (End(1, ""), "ended badly"),
        (End(-9, ""), "ended badly"),
        (End(70, "benchhub: a fault of benchhub's own"), "ended badly"),
        (End(2, "", expected=True), "ended badly"),
        (End(0, "Traceback (most recent call last):\n  ..."), "ended badly"),
        (End(-9, "", hung=True), "never over"),
    ],
    ids=["a verdict", "a signal", "a fault", "no word", "a traceback", "no end"],
)
def test_a_controller_that_ends_otherwise_than_it_may_is_told(end: End, kind: str) -> None:
    (told,) = checks.ended([end])
    assert told.startswith(f"{kind}: ")


def test_a_controller_that_ends_as_it_may_is_none() -> None:
    locked = "benchhub: results.db is locked by another program"
    fine = [End(0, ""), End(3, "benchhub: x: no answer"), End(2, locked, expected=True)]
    assert list(checks.ended([*fine, End(-9, "", expected=True)])) == []


@pytest.fixture
def left(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that works in the folder, and does not end by itself."""
    code = "print('here', flush=True); input()"
    argv = [sys.executable, "-c", code, str(tmp_path / "roots" / "struck")]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        # before its first word its command line may not be in /proc yet
        assert process.stdout.readline() == "here\n"
        yield process
        process.kill()


@pytest.mark.usefixtures("processes")
def test_a_process_that_is_left_is_told(tmp_path: Path, left: subprocess.Popen[str]) -> None:
    for folder in (tmp_path, tmp_path / "roots", tmp_path / "roots" / "struck"):
        (told,) = evidence.left_running([str(folder)], within_s=0)
        assert told.startswith(f"{left.pid} ")
    assert evidence.left_running([str(tmp_path / "roots" / "struc")], within_s=0) == ()
    assert list(checks.remains([told], [])) == [f"left running: {told}"]


def test_a_lease_and_a_database_that_are_held_are_told(tmp_path: Path, record: Record) -> None:
    (tmp_path / "lease").touch()
    nothing = evidence.left_locked({"struck": tmp_path}, [record.path])
    assert nothing == ()
    lease = os.open(tmp_path / "lease", os.O_RDWR)
    database = sqlite3.connect(record.path, isolation_level=None)
    try:
        fcntl.flock(lease, fcntl.LOCK_EX)
        database.execute("BEGIN IMMEDIATE")
        held = evidence.left_locked({"struck": tmp_path}, [record.path])
    finally:
        os.close(lease)
        database.close()
    assert held == ("the lease of struck", str(record.path))
    assert {one.partition(":")[0] for one in checks.remains([], held)} == {"left locked"}


@pytest.mark.parametrize("end", [End(70, "# a"), End(0, ""), End(-9, "# a", hung=True)],
                         ids=["a fault", "nothing", "no end"])  # fmt: skip
def test_a_report_that_cannot_be_made_is_told(end: End) -> None:
    (told,) = checks.shown(end)
    assert told.startswith("no report: ")
    assert list(checks.shown(End(0, "# campaign\n"))) == []
