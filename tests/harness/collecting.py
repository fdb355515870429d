"""Collecting makes objects by the million and no garbage, which is not looked for meanwhile.

That took a fifth of the time, in each of the processes that collect. What was collected stays to
the end, so that it is not gone through later either, nor copied in children that are forked.
"""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for garbage again once it is done."""
    was = gc.isenabled()
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        if was:
            gc.enable()
