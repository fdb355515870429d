"""What a test reaches for beside its own process, told by its fixtures.

A test that asks for none of these fixtures, nor for one that does, is of pure code: see `pure`.
That none reaches further than it asked for is seen to by `watch`.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest

#: Fixture: what a test does that has to ask for it.
NEEDS = {
    "processes": "starts a process",
    "servers": "opens a connection",
    "torch": "imports torch",
    "native": "loads code that can end this process",
}


@pytest.fixture(scope="session")
def processes() -> None:
    """The test starts processes."""


@pytest.fixture(scope="session")
def servers() -> None:
    """The test connects to servers, of its own or of a fixture's."""


@pytest.fixture(scope="session")
def native() -> None:
    """The test runs in a process beside this one, whose end is its failure: see `apart`."""


@pytest.fixture(scope="session")
def torch(native: None) -> ModuleType:
    """Return torch; where it is not installed the test is skipped, in CI it fails."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        (pytest.fail if "CI" in os.environ else pytest.skip)(str(error))


def is_pure(item: pytest.Item) -> bool:
    """Whether a test asks for nothing beside its own process."""
    return not NEEDS.keys() & set(getattr(item, "fixturenames", ()))


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "asks(fixture..): of a parameter: such tests ask for them")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a test the fixtures that one of its parameters asks for, by the mark `asks`.

    pytest refuses its own mark, `usefixtures`, there.
    """
    names: list[str] = getattr(item, "fixturenames", [])
    asked = [name for mark in item.iter_markers("asks") for name in mark.args]
    asked = ["native", *asked] if "torch" in asked else asked
    new = [name for name in dict.fromkeys(asked) if name not in names]
    if new:  # not to the list itself, which tests with other parameters share
        item.fixturenames = [*new, *names]  # type: ignore[attr-defined]
