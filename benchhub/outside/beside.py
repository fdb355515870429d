"""Processes of our own beside this one, which end with it: new ones, as threads survive no fork."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any


def processors() -> int:
    """Return how many processors this process may use, by its mask and by its groups."""
    from benchhub.ondevice.measure.allowance import allowance

    return max(1, int(allowance()["cores"] or 1))


def side_by_side(work: Callable[..., None], parts: Sequence[tuple[Any, ...]]) -> None:
    """Do `work(*part)` for each of `parts` in a process of its own, and wait for them.

    They leave what they make where others find it. One that cannot be started, fails or is killed
    says nothing: whoever asked looks what there is. None is left when this returns or raises.
    """
    import multiprocessing  # a hundredth of a second that most commands do without

    if multiprocessing.current_process().daemon:
        return  # which may have none
    context = multiprocessing.get_context("spawn")
    begun = [
        context.Process(target=_do, args=(os.getpid(), work, part), daemon=True) for part in parts
    ]
    try:
        with without_main(), _without_ctrl_c(), contextlib.suppress(OSError):
            for one in begun:
                one.start()
        for one in begun:
            if one.pid is not None:
                one.join()
    finally:
        for one in begun:
            if one.is_alive():
                one.terminate()
        for one in begun:
            if one.pid is not None:
                one.join()
            one.close()


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Keep processes that begin in this context from running the script that began this one.

    A spawned process imports it, and a script that calls `benchhub.run` would do so in each.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def end_with(parent: int) -> None:
    """Have this process, which is beside `parent`, leave Ctrl-C to that, and end when that does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Have processes that begin in this context never see Ctrl-C: it comes to this one after it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _do(parent: int, work: Callable[..., None], part: tuple[Any, ...]) -> None:
    end_with(parent)
    with contextlib.suppress(Exception):
        work(*part)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
