"""What recipes are given, for tests."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from repository import TESTS

from benchhub.compress import Ingredients
from benchhub.model.arrays import Array
from benchhub.tasks import get_task

# a task and recipes, registered as another distribution's
sys.path.insert(0, str(TESTS / "compress" / "plugin"))


def calibrating(calibration: Callable[[int], Mapping[str, Array]]) -> Ingredients:
    """Ingredients of a task that cannot be trained."""
    return Ingredients(calibration, None, "npz", Path("/nowhere"), lambda line: None)


def trainable(
    folder: Path, progress: Callable[[str], None] = lambda line: None, **settings: float
) -> Ingredients:
    """Ingredients of the task `blobs`, which tests/compress/plugin registers."""
    data = get_task("blobs")(settings, folder, None, folder)
    training = functools.cache(data.training)
    return Ingredients(data.calibration, training, "blobs", folder, progress, data=data.provenance)
