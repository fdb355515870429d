"""Kills a writing process without warning, again and again; nothing may be lost or doubled."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys

import pytest
from builders import make_cell, make_launch, make_plan, make_run
from repository import TESTS

from benchhub.store import Store

pytestmark = pytest.mark.usefixtures("processes")

RUN = make_run().id
WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from builders import make_launch, make_run
from benchhub.store import Store
with Store.open(sys.argv[1]) as store:
    start = sum(store.finished(make_run().id).values())
    for index in range(start, start + 1000):
        store.add(make_launch(index=index))
        print(index, flush=True)  # acknowledged: from here on it must never be lost
"""


def test_nothing_acknowledged_is_lost_and_nothing_doubled(tmp_path):
    url = f"sqlite:///{tmp_path}/results.db"
    with Store.open(url) as store:
        store.create_run(make_run(), make_plan(make_cell()), None, [], ())
    acknowledged = -1
    for loop in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(TESTS)],
            cwd=TESTS.parent,
            stdout=subprocess.PIPE,
        )
        for _ in range(3 + 4 * loop):
            acknowledged = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().split(b"\n")
        acknowledged = max([acknowledged, *(int(line) for line in rest[:-1])])
        writer.stdout.close()
        assert writer.wait() == -signal.SIGKILL
        with Store.open(url) as store:
            kept = [launch.index for launch in store.launches(RUN)]
            assert kept == list(range(len(kept)))
            assert acknowledged < len(kept) <= acknowledged + 2
    with Store.open(url) as store:
        last = list(store.launches(RUN))[-1]
    expected = make_launch(index=last.index)
    assert (last.samples_ns == expected.samples_ns).all()
    assert (last.outputs[0] == expected.outputs[0]).all()
    connection = sqlite3.connect(tmp_path / "results.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
