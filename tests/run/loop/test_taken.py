"""What a run takes of this machine is told before it begins, and refused where it cannot be had."""

from __future__ import annotations

import dataclasses
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import make_cell, make_variant

from benchhub.errors import ConfigError
from benchhub.model.cell import CHECK_CASES, TensorSpec
from benchhub.model.device import DeviceProfile
from benchhub.model.scenario import Scenario
from benchhub.outside import room
from benchhub.run.loop.room import (
    CALL_BYTES,
    COPIES,
    LAUNCH_BYTES,
    LEAST_FILES_A_DEVICE,
    LEAST_OWN_FILES,
    MEMORY_A_DEVICE,
    OWN_THREADS,
    THREADS_A_DEVICE,
    Free,
    Need,
    at_once,
    look,
    look_at_cache,
    taken,
)

PLENTY = Free(lambda path: 1 << 50, lambda: 1 << 50, lambda: 1 << 50, lambda: 1 << 50)


def devices(*names: str, machine: str = "") -> list[DeviceProfile]:
    return [DeviceProfile(name, "local", machine=machine) for name in names]


def test_outputs_count_once_a_machine_and_in_the_store_for_every_launch() -> None:
    spec = TensorSpec("masks", "float32", (None, 2, 100, 100))
    open_ = TensorSpec("boxes", "float32", (None, None, 6))
    variant = make_variant("fp32", outputs=(spec, open_))
    reference = (np.zeros((40, 2, 100, 100), np.float32), np.zeros((40, 10, 6), np.float32))
    of_case = 2 * 100 * 100 * 4 + 10 * 6 * 4
    usual = {"iterations": 0, "launches": 3, "scenario": Scenario.QUALITY}
    cells = [make_cell(device=name, **usual) for name in ("a", "b", "c")]
    cells += [make_cell(device="a", iterations=200, launches=10)]
    found = taken([*devices("a"), *devices("b", "c", machine="one")], cells, [variant], reference)
    assert found.devices == 2
    assert found.outputs_at_once == 2 * 40 * of_case
    assert found.store_bytes == 9 * (LAUNCH_BYTES + 40 * of_case) + 10 * (
        LAUNCH_BYTES + 200 * CALL_BYTES + CHECK_CASES * of_case
    )


def test_what_nobody_knows_before_counts_as_nothing() -> None:
    variant = make_variant(outputs=(TensorSpec("boxes", "float32", (None, None, 6)),))
    found = taken(devices("a"), [make_cell(device="a", scenario=Scenario.QUALITY)], [variant], ())
    assert found.outputs_at_once == 0


def test_where_there_is_enough_nothing_is_said() -> None:
    assert list(look(Need(2, 1 << 30, 1 << 30), Path("/x/benchhub.db"), PLENTY)) == []
    assert list(look(Need(2, 1 << 30, 1 << 30), None, Free(lambda path: None, lambda: None))) == []
    assert list(look_at_cache(Path("/x"), 1 << 30, PLENTY)) == []


def test_what_may_run_out_is_said_a_line_each() -> None:
    need = Need(2, 100 << 20, 500 << 20)
    short = Free(lambda path: 50 << 20, lambda: MEMORY_A_DEVICE)
    lines = list(look(need, Path("/x/benchhub.db"), short))
    memory, store, outputs = lines
    wanted = 2 * MEMORY_A_DEVICE + COPIES * (100 << 20)
    assert f"{wanted / 1e6:.0f} MB of memory, and 1.05 MB are free" in memory
    assert store.startswith("the results database /x/benchhub.db may take 524 MB, and 52.4 MB are")
    assert store.endswith("use another --store")
    assert outputs.startswith("outputs that arrive, in ")
    assert outputs.endswith("set TMPDIR to another disk")
    (line,) = look_at_cache(Path("/x"), 100 << 20, short)
    assert line.endswith("set BENCHHUB_CACHE to another")


def test_a_disk_that_takes_nothing_is_refused() -> None:
    full = Free(lambda path: 1000, lambda: None)
    with pytest.raises(ConfigError, match=r"no room for the results database /x/b.db: 0.001"):
        list(look(Need(1, 0, 0), Path("/x/b.db"), full))
    with pytest.raises(ConfigError, match="BENCHHUB_CACHE"):
        list(look_at_cache(Path("/x"), 0, full))


@pytest.fixture
def limits() -> Iterator[None]:
    """The limit of open files is as before when the test is over."""
    kept = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, kept)


def test_open_files_are_raised_for_the_devices(limits: None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    wanted = room.OWN_FILES + 16 * 20
    (line,) = look(Need(20, 0, 0), None, PLENTY)
    assert line == f"the limit of open files was 256: raised to {wanted}"
    assert room.allowed_files() == wanted


def free(files: int | None = None, threads: int | None = None) -> Free:
    return dataclasses.replace(PLENTY, files=lambda: files, threads=lambda: threads)


def test_more_devices_than_files_or_threads_take_turns(limits: None) -> None:
    files = LEAST_OWN_FILES + 7 * LEAST_FILES_A_DEVICE + 1
    threads = OWN_THREADS + 5 * THREADS_A_DEVICE + 1
    assert at_once(9, free(files)) == 7
    assert at_once(9, free(files, threads)) == 5
    assert at_once(4, free(files, threads)) == 4
    assert at_once(9, free()) == 9
    (line,) = look(Need(9, 0, 0), None, free(files, threads))
    assert line.startswith(f"{threads} more threads are allowed here, into which 5 of 9 devices")
    (line,) = look(Need(9, 0, 0), None, free(files))
    assert "`ulimit -Hn`" in line
    assert list(look(Need(5, 0, 0), None, free(files, threads))) == []


@pytest.mark.parametrize("short", [{"files": LEAST_OWN_FILES}, {"threads": OWN_THREADS}])
def test_where_not_one_device_fits_a_run_is_refused(limits: None, short: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="no device fits into the"):
        list(look(Need(2, 0, 0), None, free(**short)))


def test_threads_that_may_be_are_counted_down_by_those_that_are() -> None:
    before = room.free_threads()
    if before is None:
        pytest.skip("this system does not tell")
    over = threading.Event()
    more = [threading.Thread(target=over.wait) for _ in range(50)]
    for one in more:
        one.start()
    try:
        after = room.free_threads()
        assert after is not None
        assert after <= before - 10  # others come and go meanwhile
    finally:
        over.set()


def test_the_room_of_a_file_that_is_not_there_is_that_of_its_folder(tmp_path: Path) -> None:
    there = room.free_bytes(tmp_path)
    assert there is not None
    found = room.free_bytes(tmp_path / "not" / "there.db")
    assert found is not None
    assert abs(found - there) < 1 << 30
    memory = room.free_memory()
    assert memory is None or memory > 0
