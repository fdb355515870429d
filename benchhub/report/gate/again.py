"""The command that measures as a run did, anew, or with another effort; pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePath

from benchhub.config.limits import typed_again
from benchhub.model.launch import RunInfo
from benchhub.model.request import RunKind, RunRequest
from benchhub.results.typed import LEFT_OUT

#: Options of `run` that take no value.
_SWITCHES = frozenset({"--dry-run", "--json"})
#: What a run measures on where nothing names a device.
_USUAL_DEVICE = "localhost"
_EFFORT = re.compile(r"--effort(=|\s+)\S+")


def again(run: RunInfo, effort: str = "") -> str:
    """Return the command that measures as `run` did, anew; with `effort`, if it is given."""
    command = _as_before(run)
    if not effort:
        return command
    told, times = _EFFORT.subn(f"--effort {effort}", command)
    before, dashes, names = command.partition(" -- ")
    return told if times else f"{before} --effort {effort}{dashes}{names}"


def again_told(run: RunInfo, effort: str = "") -> str:
    """Return that command in words, with what stands for folders that are left out."""
    command = again(run, effort)
    return f"`{command}`" + (
        f" ({LEFT_OUT} is for folders left out)" if LEFT_OUT in command else ""
    )


def _as_before(run: RunInfo) -> str:
    command = run.provenance.get("command")
    if run.kind in (RunKind.BENCH, RunKind.AB):
        return command or f"benchhub {run.kind}"
    if _names_suite(command):
        return command
    words = [
        "benchhub run",
        shlex.quote(_suite_of(run)),
        *_chosen(run.request),
        typed_again(run.request.limits),
    ]
    return " ".join(word for word in words if word)


def _chosen(request: RunRequest) -> Iterator[str]:
    """Yield the options that chose what a run was about, for one that no command tells of."""
    names = tuple(PurePath(one).name.removesuffix(".toml") for one in request.devices)
    options = {
        "--device": request.asked or (names if names != (_USUAL_DEVICE,) else ()),
        "--exclude": request.exclude,
        "--at-most": (str(request.at_most),) if request.at_most is not None else (),
        "--backend": request.backends,
        "--variant": request.variants,
        "--scenario": request.scenarios,
        "--effort": (request.effort,) if request.effort else (),
    }
    for option, values in options.items():
        yield from (f"{option} {shlex.quote(value)}" for value in values)


def _names_suite(command: str) -> bool:
    """Whether a command is one of `benchhub run` that names a suite, and so begins a new run."""
    try:
        words = shlex.split(command)
    except ValueError:  # cut somewhere within quotes
        return False
    if words[:2] != ["benchhub", "run"]:
        return False
    return any(
        word and not word.startswith("-") and not _takes_value(before)
        for before, word in pairwise(words[1:])
    )


def _takes_value(word: str) -> bool:
    return word.startswith("--") and "=" not in word and word not in _SWITCHES


def _suite_of(run: RunInfo) -> str:
    """Return the folder of a run's suite, which it is found by; its own name may be another."""
    path = PurePath(run.request.suite)
    return path.parent.name if path.name == "suite.toml" and path.parent.name else run.suite
