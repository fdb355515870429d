"""The one command that measures a row again; pure."""

from __future__ import annotations

import dataclasses
import shlex

from benchhub.model.facts import Provenance
from benchhub.model.launch import RunInfo
from benchhub.model.request import RunKind
from benchhub.model.row import Row
from benchhub.report.gate.again import again
from benchhub.results.typed import LEFT_OUT

_USUAL_EFFORT = ("", "standard")


def command(row: Row, run: RunInfo) -> str:
    """Return what to type for a row; empty where another program measured it.

    Of a suite it is narrowed down to the row's device, backend, variant and scenario; of model
    files without one it is the whole command.
    """
    if run.kind is RunKind.SUITE:
        effort = None if run.effort in _USUAL_EFFORT else run.effort
        asked = dataclasses.replace(
            run.request, devices=(row.device,), backends=(row.backend,), variants=(row.variant,),
            scenarios=(row.scenario,), effort=effort, asked=(), exclude=(), at_most=None,
        )  # fmt: skip
        return _words(again(dataclasses.replace(run, request=asked, provenance=Provenance())))
    if run.kind in (RunKind.BENCH, RunKind.AB):
        return _words(again(run))
    return ""


def _words(told: str) -> str:
    """Return a command of benchhub as words and nothing else: it is to be pasted into a shell,
    and a file may tell of any; empty where it is none."""
    try:
        words = shlex.split(told)
    except ValueError:  # cut somewhere within quotes
        return ""
    return shlex.join(words) if words[:1] == ["benchhub"] else ""


def beside(row: Row, run: RunInfo) -> str:
    """Return what else such a command needs, or why there is none; empty: nothing."""
    if run.kind is RunKind.IMPORT:
        return "Imported: another program measured it, and benchhub cannot do so again."
    said = []
    if run.kind in (RunKind.BENCH, RunKind.AB) and LEFT_OUT in command(row, run):
        said.append(f"{LEFT_OUT} is for folders left out.")
    if run.kind is RunKind.SUITE and (run.request.data or run.request.kind is not RunKind.SUITE):
        said.append("It was begun with data of its own: add --data and their folder.")
    return " ".join(said)
