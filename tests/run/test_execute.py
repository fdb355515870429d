"""Runs that are gone on with: only where they would measure the same again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from project import make_project, write_cases

from benchhub.config.request import RunRequest, located, resolve
from benchhub.errors import ConfigError
from benchhub.run.execute import Ready, check_same, make_ready, new_run
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
