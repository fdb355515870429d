"""Tasks: a data set and how outputs on it are judged. A table of name -> module.

A task module has `open_dataset(settings, base, data, cache) -> Dataset`: `settings` is the suite's
`[data]` table, `base` the suite's folder, `data` the folder given with --data, `cache` a folder to
keep generated data in. A task that can be trained names its model module in `MODEL`, as a dotted
name ("benchhub.tasks.cardiac.model"); what such a module holds says `Trainable`. Other
distributions add tasks through the entry point group `benchhub.tasks`, whose values name such
modules.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Array, Settings
from benchhub.model.quality import Cases, Metric
from benchhub.outside import ExtensionPoint

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

TASKS: dict[str, str] = {
    "cardiac": "benchhub.tasks.cardiac.dataset",
    "chest_xray": "benchhub.tasks.chest_xray.dataset",
    "npz": "benchhub.tasks.npz",
    "pathology": "benchhub.tasks.pathology.dataset",
    "tissue": "benchhub.tasks.tissue.dataset",
    "nuclei": "benchhub.tasks.nuclei.dataset",
}


class Dataset(Protocol):
    """An opened data set: test cases to judge by, and training inputs to calibrate with.

    It may have `also`, further metrics (a tuple of `Metric`), and `predict`, the name of a function
    in `benchhub.tasks.predictions`: what metrics see is then what that makes of the first output.
    """

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

    def training(self, count: int | None) -> Cases:
        """Return the first `count` training cases (None: all), the same ones every time.

        Only of tasks that have a `MODEL`.
        """


class Trainable(Protocol):
    """A model module: the task's networks and how they are fitted. It imports torch.

    A network takes one input tensor and returns one; it is built from keyword options that JSON
    can hold, and has `heads`: names of the submodules whose output is the model's, never pruned.
    Its forward must not depend on how many channels a layer has. `loss` is the mean over a batch.
    """

    NETS: Mapping[str, Callable[..., nn.Module]]
    LEARNING_RATE: float
    BATCH: int
    INPUT: str
    OUTPUT: str

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return what is minimised."""

    def augment(
        self, images: Tensor, labels: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return one batch as another one that could have been drawn."""


Open = Callable[[Settings, Path, Path | None, Path], Dataset]


def task_names() -> tuple[str, ...]:
    """Return every task that can be asked for, plugins included."""
    return tuple(sorted({*TASKS, *entry_points(group=ExtensionPoint.TASKS).names}))


def get_task(name: str) -> Open:
    """Return the `open_dataset` of a task; ConfigError naming the nearest if there is none."""
    opener: Open = _module(name).open_dataset
    return opener


def is_trainable(name: str) -> bool:
    """Return whether a task has a model module."""
    return bool(getattr(_module(name), "MODEL", None))


def get_model(name: str) -> Trainable:
    """Return a task's model module, which imports torch; ConfigError if the task has none."""
    return cast(Trainable, importlib.import_module(_model_name(name)))


def model_digest(name: str) -> str:
    """Return a SHA-256 of how a task's model is made: the sources beside it that use torch."""
    spec = importlib.util.find_spec(_model_name(name))
    if spec is None or spec.origin is None:
        raise ConfigError(f"task {name}: its model module {_model_name(name)} cannot be found")
    digest = hashlib.sha256()
    for path in sorted(Path(spec.origin).parent.glob("*.py")):
        source = path.read_bytes()
        if b"torch" in source:
            digest.update(source)
    return digest.hexdigest()


def _model_name(name: str) -> str:
    found = getattr(_module(name), "MODEL", None)
    if not found:
        raise ConfigError(
            f"task {name} has no model that can be trained;"
            " use a model file, and recipes that do not train"
        )
    return str(found)


def _module(name: str) -> Any:
    if name in TASKS:
        return importlib.import_module(TASKS[name])
    plugins = entry_points(group=ExtensionPoint.TASKS, name=name)
    if not plugins:
        raise ConfigError(f"task {name!r} is unknown{nearest(name, task_names())}")
    return next(iter(plugins)).load()
