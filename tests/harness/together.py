"""Keeps in one worker the tests of a module that share what is costly to make.

pytest-xdist hands out single tests. What a fixture makes for a whole module would be made again by
every worker that gets one of its tests, and each would fork a child for the module's native code.
"""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark of pytest-xdist where it is switched off, too."""
    config.addinivalue_line("markers", "xdist_group(name): run in one process with its like")


@pytest.hookimpl(trylast=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Name the module as the group of a test that shares something, unless it has a group."""
    if item.get_closest_marker("xdist_group") is None and _shares(item):
        name = f"{item.path.parent.name}.{item.path.stem}"
        item.add_marker(pytest.mark.xdist_group(name))


def _shares(item: pytest.Item) -> bool:
    if "native" in getattr(item, "fixturenames", ()):
        return True
    found = getattr(item, "_fixtureinfo", None)
    made = found.name2fixturedefs.values() if found is not None else ()
    return any(one.scope == "module" for definitions in made for one in definitions)
