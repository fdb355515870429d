"""How processes ended, in words."""

import signal
import subprocess
import sys

import pytest

from benchhub.compress.trial.ended import how_ended, last_said


@pytest.mark.parametrize(
    ("status", "told"),
    [(0, "with status 0"), (3, "with status 3"), (-signal.SIGSEGV, "with SIGSEGV")],
)
def test_by_name_where_it_has_one(status, told):
    assert how_ended(status) == told


def test_a_signal_without_a_name(processes):
    number = signal.SIGRTMIN + 3
    code = f"import os; os.kill(os.getpid(), {int(number)})"
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert how_ended(done.returncode) == f"with signal {int(number)}"


def test_the_last_line_that_says_something():
    assert last_said(b"one\n\x1b[31mtwo\x1b[0m \n\n") == "two"
    assert last_said(b" \n\n") == last_said(b"") == ""
    assert last_said(b"first\n" + b"x" * 20_000) == "x" * 8192
    assert last_said(b"\xff\xfe") != ""
