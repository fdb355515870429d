"""A run that its parent told to ignore Ctrl-C does so, and what its tests start does not."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from waiting import PATIENCE_S, until

from harness.inner import Inner

ASKING = """
    import signal, subprocess, sys, time
    from pathlib import Path

    SAYING = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"

    def test_a_child_has_the_default(processes):
        said = subprocess.check_output([sys.executable, "-c", SAYING], text=True)
        assert said == "True\\n"

    def test_a_native_one_too(native, processes):
        test_a_child_has_the_default(None)

    def test_it_is_interrupted():
        Path("under way").touch()
        until = time.monotonic() + 60
        while not Path("interrupted").exists() and time.monotonic() < until:
            time.sleep(0.02)
"""


def ignoring() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def default() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("how", [("-p", "no:xdist"), ("-n", "1")], ids=["alone", "a worker"])
@pytest.mark.parametrize("told", [ignoring, default])
def test_children_of_tests_can_be_interrupted(
    inner: Inner, how: tuple[str], told: Callable[[], None]
) -> None:
    inner.write(ASKING)
    process = inner.start(*how, preexec=told)
    until((inner.folder / "under way").exists, "the last test")
    os.killpg(process.pid, signal.SIGINT)
    if told is ignoring:
        (inner.folder / "interrupted").touch()
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == (0 if told is ignoring else 2), said
    # Native ones come last: in the other case the interrupt is before them.
    assert ("3 passed" if told is ignoring else "1 passed") in said
    assert ("KeyboardInterrupt" in said) == (told is default)
