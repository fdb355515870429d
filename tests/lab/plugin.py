"""The lab as a fixture, for tests of every folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from .lab import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Two SSH hosts, lab-x86-1 and lab-x86-2, up for the session; the second has a small disk.

    Leave them as they were found: the faults of `lab.faults` undo themselves.
    """
    # Imported here: test runs that never ask for the lab may lack what it needs.
    from .command import why_not
    from .lab import Lab

    reason = why_not()
    if reason is not None:
        give_up(reason, in_ci=bool(os.environ.get("CI")))
    with Lab({"lab-x86-1": 0, "lab-x86-2": 256}) as lab:
        yield lab


def give_up(reason: str, in_ci: bool) -> NoReturn:
    """Skip for `reason`; in CI, where everything must be there, fail instead."""
    if in_ci:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
