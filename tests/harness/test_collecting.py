"""Garbage is not looked for while tests are collected, and is while they run."""

from __future__ import annotations

import gc

WHILE_COLLECTING = gc.isenabled()


def test_garbage_is_looked_for_again() -> None:
    assert not WHILE_COLLECTING
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
