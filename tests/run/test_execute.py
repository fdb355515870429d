"""Runs that are gone on with: only where they would measure the same again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders import make_device, make_launch
from project import make_project, write_cases
from scripted import Diary

from benchhub.config.request import RunRequest, located, resolve
from benchhub.errors import ConfigError
from benchhub.ondevice.wire import Failure
from benchhub.run.execute import Ready, execute, make_ready, new_run
from benchhub.run.same_run import check_same
from benchhub.store import Store


@pytest.fixture
def made_ready(tmp_path: Path) -> Callable[[], Ready]:
    """Return what prepares the request of the same small project as its files are now."""
    make_project(tmp_path, launches=1)
    request = located(RunRequest("tiny", ("localhost",), variants=("fp32",)), tmp_path)
    return lambda: make_ready(resolve(request), tmp_path / "cache", lambda text: None)


def change(cases: Path, name: str) -> None:
    with np.load(cases) as archive:
        arrays = dict(archive)
    arrays[name] = arrays[name][::-1]
    np.savez(cases, **arrays)


@pytest.mark.usefixtures("processes")
def test_a_run_is_not_resumed_on_other_cases(
    tmp_path: Path, made_ready: Callable[[], Ready]
) -> None:
    """The rest of its outputs would be judged by the labels of cases that they do not answer."""
    (cases,) = tmp_path.rglob("cases.npz")
    ready = made_ready()
    with Store.open(f"sqlite:///{tmp_path}/results.db") as store:
        run = new_run(store, ready, "benchhub run tiny")
        check_same(store, run, made_ready())
        for name in ("x", "labels"):
            change(cases, name)
            with pytest.raises(ConfigError, match="cannot be resumed: the cases of its task npz"):
                check_same(store, run, made_ready())
            write_cases(cases)
        check_same(store, run, made_ready())


@pytest.mark.usefixtures("processes")
def test_a_device_that_has_made_all_its_launches_has_not_stopped_early(
    tmp_path: Path, made_ready: Callable[[], Ready]
) -> None:
    """A second controller of the same run waits for it in vain, and writes that down."""
    ready = made_ready()
    with Store.open(f"sqlite:///{tmp_path}/results.db") as store:
        run = new_run(store, ready, "benchhub run tiny")
        *others, last = ready.plan.cells
        for cell in others:
            for index in range(cell.launches):
                store.add(make_launch(cell, index, run=run.id))
        store.add(make_launch(last, 0, run=run.id))
        assert last.launches == 1
        busy = make_device("localhost", error="localhost: in use by ada@desk")
        store.put_device(run.id, busy)
        assert execute(store, run, ready, Diary()) == {"localhost": None}
        (kept,) = store.devices(run.id)
        assert kept == dataclasses.replace(busy, error=None)


@pytest.mark.usefixtures("processes")
def test_a_device_that_lacks_a_launch_keeps_why_it_stopped_early(
    tmp_path: Path, made_ready: Callable[[], Ready]
) -> None:
    ready = made_ready()
    with Store.open(f"sqlite:///{tmp_path}/results.db") as store:
        run = new_run(store, ready, "benchhub run tiny")
        failure = Failure("time", "crashed", "killed by SIGSEGV")
        for cell in ready.plan.cells:
            store.add(make_launch(cell, 0, run=run.id, status="failed", failure=failure))
        gone = make_device("localhost", error="localhost: no answer")
        store.put_device(run.id, gone)
        assert execute(store, run, ready, Diary()) == {"localhost": None}
        assert store.devices(run.id) == (gone,)
