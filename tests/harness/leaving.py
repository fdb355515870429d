"""A test run that is cut short leaves nothing: what tests start is marked, and looked after."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.command import MARK, born

from . import keeper
from .needs import is_pure


def pytest_configure(config: pytest.Config) -> None:
    """Mark what this process starts; what is beside it bears its mark already."""
    if config.getoption("beside_fd") is None:
        started = born(os.getpid())
        os.environ[MARK] = f"{os.getpid()}:{started}"
        config.pluginmanager.register(_Kept(config, started), "harness.leaving.here")


class _Kept:
    """Starts the keeper before the first test that reaches beyond this process."""

    def __init__(self, config: pytest.Config, started: int | None) -> None:
        self._config = config
        self._started = started
        self._begun = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Start it."""
        if not self._begun and not is_pure(item):
            self._begun = True
            self._start()
        return (yield)

    def _start(self) -> None:
        folder = self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        over = os.getppid() if hasattr(self._config, "workerinput") else os.getpid()
        argv = [sys.executable, str(Path(keeper.__file__)), str(os.getpid()), str(self._started)]
        reader, self._writer = os.pipe()  # not inherited, so its end is this process's end
        actions = [
            (os.POSIX_SPAWN_DUP2, reader, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(folder / "keeper.log"), os.O_WRONLY | os.O_CREAT, 0o600),
        ]
        environment = {name: value for name, value in os.environ.items() if name != MARK}
        # Not subprocess: it outlives this process, without a warning about it.
        os.posix_spawn(
            sys.executable, [*argv, str(over), str(folder)], environment,
            file_actions=actions, setsid=True,
        )  # fmt: skip
        os.close(reader)
