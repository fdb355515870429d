"""Rows that are computed over processes: the same digits, and no process is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from builders import make_cell
from repository import ROOT
from waiting import until

from benchhub.model.scenario import Scenario
from benchhub.outside import beside
from benchhub.results.kept import ahead, rows
from benchhub.results.load import load_results
from benchhub.results.rows.rows import summarized
from benchhub.store import Store
from benchmarks.kept.store_maker import make

CELLS = [
    make_cell(device=device, backend=backend, variant=variant, scenario=scenario, launches=10)
    for device in ("one", "other")
    for backend in ("onnxruntime", "openvino", "tflite")
    for variant in ("fp32", "int8", "slim")
    for scenario in (Scenario.LATENCY, Scenario.QUALITY)
]


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("stores") / "small.db"
    make(file, "small")
    return file


@pytest.fixture
def file(small, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("BENCHHUB_CACHE", str(tmp_path / "cache"))
    copy = tmp_path / "small.db"
    copy.write_bytes(small.read_bytes())
    return copy


def processes_of(count: int, monkeypatch) -> list[int]:
    """Have rows made by `count` processes; return where what is computed here is counted."""
    here: list[int] = []

    def counted(run, needed, *others):
        here.append(len(needed))
        return summarized(run, needed, *others)

    monkeypatch.setattr(rows, "summarized", counted)
    monkeypatch.setattr(ahead, "abreast", lambda missing, key: count)
    return here


def read(file: Path) -> str:
    with Store.open(f"sqlite:///{file}") as store:
        return repr(load_results(store, store.resolve("latest")))


def test_few_cells_are_not_worth_a_process():
    assert ahead.abreast(CELLS, None) == 1


def test_no_more_processes_than_processors_and_memory(monkeypatch):
    many = CELLS * 100
    monkeypatch.setattr(ahead, "processors", lambda: 3)
    monkeypatch.setattr(ahead, "free_memory", lambda: 64 << 30)
    assert ahead.abreast(many, None) == 3
    monkeypatch.setattr(ahead, "free_memory", lambda: 600 << 20)
    assert ahead.abreast(many, None) == 2
    monkeypatch.setattr(ahead, "free_memory", lambda: None)
    assert ahead.abreast(many, None) < 2


@pytest.mark.parametrize("count", [1, 2, 3, 5, 40])
def test_each_cell_is_in_one_part_with_those_of_other_devices(count):
    parts = ahead.parted(CELLS, count)
    assert 1 <= len(parts) <= count
    assert sorted(key for part in parts for key in part) == sorted(cell.key for cell in CELLS)
    for cell in CELLS:
        of = [
            one.key for one in CELLS if (one.backend, one.variant) == (cell.backend, cell.variant)
        ]
        (mine,) = (part for part in parts if cell.key in part)
        assert mine.issuperset(of)


@pytest.mark.usefixtures("processes")
def test_digits_do_not_hang_on_the_number_of_processes(file, monkeypatch):
    with monkeypatch.context() as alone:
        alone.setattr(rows, "method", lambda: None)  # nothing is kept
        expected = read(file)
    for count in (2, 3):
        with monkeypatch.context() as within:
            here = processes_of(count, within)
            copy = file.with_name(f"{count}.db")
            copy.write_bytes(file.read_bytes())
            assert read(copy) == expected
            assert here == []  # all of them were made elsewhere
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("processes")
def test_where_no_process_begins_rows_are_made_here(file, monkeypatch):
    here = processes_of(2, monkeypatch)
    before = multiprocessing.spawn.get_executable()
    multiprocessing.set_executable("/nowhere/python")
    try:
        found = read(file)
    finally:
        multiprocessing.set_executable(before)
    assert len(here) == 1
    assert read(file) == found


@pytest.mark.usefixtures("processes")
def test_ctrl_c_ends_the_processes(file, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(file=file), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, script], env=environment, stderr=subprocess.PIPE) as one:
        mine = psutil.Process(one.pid)
        found = until(lambda: _spawned(mine), "two processes beside")
        one.send_signal(signal.SIGINT)
        told = one.communicate()[1].decode()
        assert told.splitlines() == ["stopped"]
        until(lambda: not any(map(psutil.Process.is_running, found)), "their end")


SCRIPT = """\
from benchhub.results.kept import ahead
from benchhub.results.load import load_results
from benchhub.store import Store
import sys
ahead.abreast = lambda missing, key: 2
with Store.open("sqlite:///{file}") as store:
    try:
        load_results(store, store.resolve("latest"))
    except KeyboardInterrupt:
        sys.exit("stopped")
"""


def _spawned(process: psutil.Process) -> list[psutil.Process]:
    found = [one for one in process.children() if "spawn_main" in " ".join(one.cmdline())]
    return found if len(found) == 2 else []


@pytest.mark.usefixtures("processes")
def test_what_fails_beside_says_nothing(capfd):
    beside.side_by_side(divmod, [(1, 0), (1, 1)])
    assert capfd.readouterr() == ("", "")
    assert not multiprocessing.active_children()
