"""Products of matrices on one thread: of small ones the others only wait, and that by spinning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def one_thread() -> Iterator[None]:
    """Have numpy multiply matrices on this thread alone; others of the process do so meanwhile.

    The threads of OpenBLAS look for more work for some milliseconds, which is longer than a
    resample takes: beside a bootstrap they use a whole processor for nothing. Digits stay.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:
    """Return what sets the threads of the libraries that are loaded, numpy's among them."""
    import numpy  # noqa: F401 - only what is loaded is found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
