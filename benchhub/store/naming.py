"""Which run people mean."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.errors import ConfigError, nearest
from benchhub.model.launch import RunInfo
from benchhub.model.request import RunKind


def named(run: str, runs: Sequence[RunInfo]) -> str:
    """Return the id of the one of `runs`, oldest first, that is meant; ConfigError: none, or many.

    By its id, a suite, `latest`, or a unique prefix of an id, in that order.
    """
    known = [info.id for info in runs]
    if run in known:
        return run
    if not known:
        raise ConfigError(f"no run {run}: the store is empty; start one with benchhub run")
    if mine := [info.id for info in runs if info.suite == run]:
        return mine[-1]
    if run == "latest":
        models = [info.id for info in runs if info.kind is not RunKind.SELFTEST]
        return (models or known)[-1]
    matches = [name for name in known if run and name.startswith(run)]
    if len(matches) == 1:
        return matches[0]
    newest = ", ".join(reversed((matches or known)[-5:]))
    if matches:
        raise ConfigError(f"run {run} is ambiguous: {newest}; give more of the id")
    meant = nearest(run, ["latest", *{info.suite for info in runs}])
    near = meant if "did you mean" in meant else ""
    raise ConfigError(f"no run {run}{near or ';'} the newest are {newest}; see benchhub runs list")
