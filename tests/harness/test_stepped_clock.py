"""The clock under which `make test` runs the tests of pure code once more."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

from harness import stepped_clock

LOOKING = """
import datetime, json, threading, time
began, seen = time.monotonic(), []
while time.monotonic() < began + 1.5:
    before = time.monotonic()
    seen.append([time.time() - before, datetime.datetime.now().timestamp() - before])
    time.sleep(0.01)
    threading.Event().wait(0.01)
    assert 0.02 <= time.monotonic() - before
print(json.dumps(seen))
"""


def test_the_time_of_day_steps_both_ways_and_nothing_else_does(processes: None) -> None:
    argv = [sys.executable, stepped_clock.__file__, sys.executable, "-c", LOOKING]
    seen = json.loads(subprocess.check_output(argv))
    steps = [round(two[0] - one[0], 3) for one, two in itertools.pairwise(seen)]
    assert len({step for step in steps if step}) >= 10
    assert min(steps) < -1 < 1 < max(steps)
    assert sum(abs(time - now) < 0.5 for time, now in seen) > len(seen) / 2


def test_the_commands_exit_code_is_kept(processes: None) -> None:
    argv = [sys.executable, stepped_clock.__file__, sys.executable, "-c", "raise SystemExit(7)"]
    assert subprocess.call(argv) == 7
