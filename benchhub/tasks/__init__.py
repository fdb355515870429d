"""Tasks: a data set and how outputs on it are judged. A table of name -> module.

A task module has `open_dataset(settings, base, data, cache) -> Dataset`: `settings` is the suite's
`[data]` table, `base` the suite's folder, `data` the folder given with --data, `cache` a folder to
keep generated data in. Other distributions add tasks through the entry point group
`benchhub.tasks`, whose values name such modules.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from benchhub.errors import ConfigError, nearest
from benchhub.model import Array, Cases, Metric, Settings

TASKS: dict[str, str] = {
    "chest_xray": "benchhub.tasks.chest_xray.dataset",
    "npz": "benchhub.tasks.npz.dataset",
}


class Dataset(Protocol):
    """An opened data set: test cases to judge by, and training inputs to calibrate with."""

    @property
    def description(self) -> str:
        """One line for people: what it is and how large."""

    @property
    def provenance(self) -> Mapping[str, str]:
        """What a reader needs to get the same data: origin, versions, seeds, digests."""

    @property
    def metric(self) -> Metric:
        """How outputs on it are judged."""

    def cases(self, count: int | None) -> Cases:
        """Return `count` test cases (None: all), the same ones every time."""

    def calibration(self, count: int) -> Mapping[str, Array]:
        """Return `count` inputs by model input name, none of them from the test cases."""


Open = Callable[[Settings, Path, Path | None, Path], Dataset]


def task_names() -> tuple[str, ...]:
    """Return every task that can be asked for, plugins included."""
    return tuple(sorted({*TASKS, *entry_points(group="benchhub.tasks").names}))


def get_task(name: str) -> Open:
    """Return the `open_dataset` of a task; ConfigError naming the nearest if there is none."""
    if name in TASKS:
        module = importlib.import_module(TASKS[name])
    else:
        plugins = entry_points(group="benchhub.tasks", name=name)
        if not plugins:
            raise ConfigError(f"task {name!r} is unknown{nearest(name, task_names())}")
        module = next(iter(plugins)).load()
    opener: Open = module.open_dataset
    return opener
