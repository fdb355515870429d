"""What is measured once more of a recommendation: those that may be best, in the same rounds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from benchhub.errors import ConfigError
from benchhub.model.request import RunRequest
from benchhub.model.row import Row
from benchhub.results.recommend.answer import DeviceAnswer
from benchhub.results.recommend.candidates import setting

#: Of more than so many finalists the best are taken.
MOST = 6


def finalists(of: DeviceAnswer) -> tuple[Row, ...]:
    """Return the rows of what may be best on a device: the pick, its ties and its rivals.

    A pick that stands alone is measured beside its runner-up.
    """
    found = [of.pick.row] if of.pick is not None else []
    found += [one.candidate.row for one in (*of.ties, *of.rivals)]
    if len(found) == 1 and of.runner_up is not None:
        found.append(of.runner_up.candidate.row)
    return tuple(found[:MOST])


def again(first: RunRequest, place: str, rows: Sequence[Row]) -> RunRequest:
    """Return what measures finalists of one device once more, with the most effort.

    `place` is where its profile is. ConfigError: the run has no suite that could be run again.
    """
    if not first.kind.resumable or first.kind.without_answers:
        raise ConfigError("--confirm: only a suite's run can be measured once more")
    return dataclasses.replace(
        first,
        devices=(place,),
        backends=tuple(dict.fromkeys(row.backend for row in rows)),
        variants=tuple(dict.fromkeys(row.variant for row in rows)),
        effort="rigorous",
        asked=(),
        exclude=(),
        at_most=None,
        passed_over={},
    )


def settings(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the settings of finalists, among which is chosen again."""
    return tuple(map(setting, rows))
