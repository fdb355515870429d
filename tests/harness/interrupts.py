"""Ctrl-C reaches what tests start, also where this run was told to ignore it."""

from __future__ import annotations

import signal
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Go on ignoring SIGINT by a handler, which children do not inherit.

    A shell lets what it starts in the background ignore SIGINT, and so do all children of that: a
    test that interrupts a command would wait for ever. This run itself is as before.
    """
    told = getattr(config, "workerinput", {}).get("ignores_interrupts", False)
    if told or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, _nothing)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let the workers of pytest-xdist do as their controller does."""
    node.workerinput["ignores_interrupts"] = signal.getsignal(signal.SIGINT) is _nothing


def _nothing(number: int, frame: object) -> None:
    """Ignore a signal."""
