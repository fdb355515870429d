"""The lab as a fixture, for tests of every folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from .lab import Lab


@pytest.fixture(scope="session")
def lab(processes: None, servers: None) -> Iterator[Lab]:
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


@pytest.fixture(scope="session")
def arm_lab(processes: None, servers: None) -> Iterator[Lab]:
    """ARM devices: lab-arm64 and lab-armhf, translated, and lab-arm64-vm, a virtual machine.

    Tests that ask for it are run by one process of pytest-xdist, one after another. Where the
    machine cannot be had, it is not among the hosts; in CI that is a failure.
    """
    from . import arm
    from .command import why_not
    from .lab import Lab

    in_ci = bool(os.environ.get("CI"))
    reasons = {name: why_not() or arm.why_not(name) for name in arm.DEVICES}
    for reason in filter(None, reasons.values()):
        if in_ci or None not in reasons.values():
            give_up(reason, in_ci)
    with Lab({name: 0 for name, reason in reasons.items() if reason is None}) as lab:
        lab.missing = {name: reason for name, reason in reasons.items() if reason is not None}
        yield lab


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep every test of the ARM devices in one process: there is one set of them."""
    if "arm_lab" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.xdist_group("arm"))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Take the ARM devices down after the last test that wants them.

    An idle virtual machine takes a quarter of a core. Whoever asks later has it started again.
    """
    if nextitem is None or not _is_of_arm(item) or _is_of_arm(nextitem):
        return
    for one in item.session._fixturemanager.getfixturedefs("arm_lab", item) or ():
        one.finish(item._request)  # type: ignore[attr-defined]


def _is_of_arm(item: pytest.Item) -> bool:
    marks = item.iter_markers("xdist_group")
    return any("arm" in (*mark.args, *mark.kwargs.values()) for mark in marks)


def give_up(reason: str, in_ci: bool) -> NoReturn:
    """Skip for `reason`; in CI, where everything must be there, fail instead."""
    if in_ci:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
