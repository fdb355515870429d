"""The data set of a suite, with its mistakes and missing packages explained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.model.asked import Suite
from benchhub.tasks import Dataset, get_task
from benchhub.tasks.contract.asked import asked

#: Packages whose name is not that of their module.
_PACKAGES = {"skimage": "scikit-image", "PIL": "pillow"}


def open_data(suite: Suite, data: Path | None, cache: Path) -> Dataset:
    """Return the data set of a suite; ConfigError, naming its file where `[data]` is at fault."""
    try:
        asked(suite.data, suite.path.parent)
        return get_task(suite.task)(suite.data, suite.path.parent, data, cache)
    except ConfigError as error:
        # The tasks know the key, not the file it stands in.
        if str(error).startswith("data."):
            raise ConfigError(f"{suite.path}: {error}") from error
        raise


@contextmanager
def packages_explained(suite: Suite) -> Iterator[None]:
    """Turn a package that the task needs and that is not installed into a ConfigError."""
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "benchhub").split(".")[0]
        if module == "benchhub":
            raise
        package = _PACKAGES.get(module, module)
        raise ConfigError(
            f"{suite.path}: task {suite.task} needs {package}, which is not installed;"
            f" pip install {package}"
        ) from error
