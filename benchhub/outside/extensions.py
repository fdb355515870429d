"""What other distributions may register with benchhub."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class ExtensionPoint(enum.StrEnum):
    """An entry-point group that other distributions register in."""

    BACKENDS = "benchhub.backends"
    TASKS = "benchhub.tasks"
    METRICS = "benchhub.metrics"
    PREDICTIONS = "benchhub.predictions"
    RECIPES = "benchhub.recipes"


@dataclass(frozen=True, slots=True)
class Extension:
    """What an entry point adds, what its value names, and the contract that this keeps."""

    adds: str
    value: str
    contract: str


EXTENSIONS: Mapping[ExtensionPoint, Extension] = {
    ExtensionPoint.BACKENDS: Extension(
        "an inference runtime", "a `Description`", "benchhub.ondevice.backends"
    ),
    ExtensionPoint.TASKS: Extension(
        "a data set and how outputs on it are judged",
        "a module with `open_dataset`",
        "benchhub.tasks",
    ),
    ExtensionPoint.METRICS: Extension("a quality metric", "a `Metric`", "benchhub.model.quality"),
    ExtensionPoint.PREDICTIONS: Extension(
        "what a task makes of a model's first output", "a function", "benchhub.tasks.predictions"
    ),
    ExtensionPoint.RECIPES: Extension(
        "a way to make a variant", "a `RecipeEntry`", "benchhub.compress.recipe"
    ),
}
