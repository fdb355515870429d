"""Asks a process of its own about a file that native code opens: its end is an answer, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from benchhub.compress.trial.ended import how_ended, last_said

#: What takes longer is not waited for.
_DEADLINE_S = 120.0


def answer(module: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `python -m MODULE` answers to `asked`; {"cause": why} where it does not."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", module],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=_DEADLINE_S,
            check=False,
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"cause": f"no answer within {_DEADLINE_S:.0f} s"}
    except (ValueError, RecursionError):
        said = last_said(done.stderr) or "it said nothing"
        return {"cause": f"its process ended {how_ended(done.returncode)}: {said}"}
    return found


def serve(answered: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Answer what is asked on standard input, and end: to be called by such a module's `main`."""
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not get between
    warnings.simplefilter("ignore")
    os.write(out, json.dumps(answered(json.load(sys.stdin))).encode())
    os._exit(0)  # what it does while it unloads must not undo what was answered
