"""What asks a command to stop does not break into imports, whose native code would not bear it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import PATIENCE_S

pytestmark = pytest.mark.usefixtures("processes")

MODULE = """\
import os, signal
for _ in range({times}):
    os.kill(os.getpid(), signal.{by})
    sum(range(1000))  # where a handler runs
whole = True
"""
MAIN = """\
import signal, sys, time
from benchhub.outside import stopping
signal.signal(signal.SIGINT, {usual})
stopping.listen()
sys.path.insert(0, {folder!r})
try:
    import asked
    print("imported")
    time.sleep({rest_s})
except KeyboardInterrupt:
    print("stopped", "asked" in sys.modules)
"""


def said(
    folder: Path,
    by: str,
    times: int = 1,
    usual: str = "signal.default_int_handler",
    rest_s: float = 20,
) -> str:
    (folder / "asked.py").write_text(MODULE.format(by=by, times=times))
    main = MAIN.format(folder=str(folder), usual=usual, rest_s=rest_s)
    number = signal.Signals[by]  # which the tests themselves may have been told to ignore
    done = subprocess.run(
        [sys.executable, "-c", main], capture_output=True, text=True, timeout=PATIENCE_S,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("by", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_import_is_ended_first(tmp_path: Path, by: str) -> None:
    assert said(tmp_path, by) == "imported\nstopped True\n"


def test_who_asks_twice_does_not_wait(tmp_path: Path) -> None:
    assert said(tmp_path, "SIGTERM", times=2) == "stopped False\n"


def test_what_is_ignored_stays_so(tmp_path: Path) -> None:
    assert said(tmp_path, "SIGINT", usual="signal.SIG_IGN", rest_s=0.2) == "imported\n"
