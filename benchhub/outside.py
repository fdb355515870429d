"""What reaches benchhub from outside: environment variables, and what distributions register."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Variable(enum.StrEnum):
    """An environment variable that benchhub reads, or sets for what it starts or imports."""

    STORE = "BENCHHUB_STORE"
    CACHE = "BENCHHUB_CACHE"
    XDG_CACHE = "XDG_CACHE_HOME"
    SSH_AGENT = "SSH_AUTH_SOCK"
    PIP_PROGRESS_BAR = "PIP_PROGRESS_BAR"
    OMP_WAIT_POLICY = "OMP_WAIT_POLICY"
    TMPDIR = "TMPDIR"
    PATH = "PATH"
    CC = "CC"
    CXX = "CXX"
    TORCHINDUCTOR_CACHE_DIR = "TORCHINDUCTOR_CACHE_DIR"
    NVIDIA_TF32_OVERRIDE = "NVIDIA_TF32_OVERRIDE"


@dataclass(frozen=True, slots=True)
class VariableMeaning:
    """What a variable says; `on_device`: of the device's environment, not the controller's."""

    words: str
    on_device: bool = False


#: What runs on devices imports nothing of this, and has the names in it, too.
VARIABLES: Mapping[Variable, VariableMeaning] = {
    Variable.STORE: VariableMeaning(
        "the results database as a URL; default: `benchhub.db` in the current folder;"
        " `--store` wins"
    ),
    Variable.CACHE: VariableMeaning(
        "the folder of variants, generated data and wheels; default: `benchhub` in the user's cache"
    ),
    Variable.XDG_CACHE: VariableMeaning("the user's cache folder; default: `~/.cache`"),
    Variable.SSH_AGENT: VariableMeaning("the SSH agent's socket, where ssh's settings name none"),
    Variable.PIP_PROGRESS_BAR: VariableMeaning(
        "set to `off` for the pip that fetches wheels; pip's other variables hold as they are"
    ),
    Variable.OMP_WAIT_POLICY: VariableMeaning(
        "set to `PASSIVE`, unless it is set, in processes that make several variants at once"
    ),
    Variable.TMPDIR: VariableMeaning(
        "where large outputs are kept while a launch goes on; default: `/var/tmp`"
    ),
    Variable.PATH: VariableMeaning("where torch's mode `compile` looks for a compiler", True),
    Variable.CC: VariableMeaning("torch's mode `compile` on a GPU: the C compiler", True),
    Variable.CXX: VariableMeaning("torch's mode `compile` on a CPU: the C++ compiler", True),
    Variable.TORCHINDUCTOR_CACHE_DIR: VariableMeaning(
        "torch's compiled kernels; set to a folder below the device's `root`, unless it is set",
        True,
    ),
    Variable.NVIDIA_TF32_OVERRIDE: VariableMeaning(
        "set to `0` where onnxruntime must not compute in TF32 and has no switch of its own", True
    ),
}


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
