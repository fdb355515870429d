"""The lab as fixtures, for tests of every folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .command import why_not
from .lab import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Two SSH hosts, lab-x86-1 and lab-x86-2, up for the session; the second has a small disk.

    Leave them as they were found: the faults of `lab.faults` undo themselves.
    """
    reason = why_not()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with Lab({"lab-x86-1": 0, "lab-x86-2": 256}) as lab:
        yield lab
