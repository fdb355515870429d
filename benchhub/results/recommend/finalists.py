"""What is measured once more of a recommendation: those that may be best, in the same rounds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from benchhub.errors import ConfigError
from benchhub.model.request import RunRequest
from benchhub.model.row import Row
from benchhub.results.recommend.answer import DeviceAnswer, Unseen
from benchhub.results.recommend.candidates import setting
from benchhub.results.recommend.choose import NOT_ALL_SEEN
from benchhub.results.recommend.ratios import ranked

#: Of more than so many finalists the best are taken.
MOST = 6


def finalists(of: DeviceAnswer, objective: str) -> tuple[Row, ...]:
    """Return the rows of what may be best on a device: the pick, then ties and rivals by value.

    A pick that stands alone is measured beside its runner-up.
    """
    found = [of.pick.row] if of.pick is not None else []
    others = [one.candidate for one in (*of.ties, *of.rivals)]
    found += [one.row for one in ranked(others, objective)]
    if len(found) == 1 and of.runner_up is not None:
        found.append(of.runner_up.candidate.row)
    return tuple(found)


def with_left_out(first: DeviceAnswer, again: DeviceAnswer, objective: str) -> DeviceAnswer:
    """Return what was found by measuring finalists again, with those that were too many for it.

    They may be better still, so nothing is the best.
    """
    left = finalists(first, objective)[MOST:]
    if not left:
        return again
    why = f"of what may be best {MOST} were measured once more, and it was not among them"
    beside = tuple(Unseen(row, why, True) for row in left)
    kind = NOT_ALL_SEEN.get(again.kind, again.kind)
    return dataclasses.replace(again, kind=kind, unseen=(*again.unseen, *beside))


def check_again(first: RunRequest) -> None:
    """Raise ConfigError where a run has no suite that could be run once more."""
    if not first.kind.resumable or first.kind.without_answers:
        raise ConfigError("--confirm: only a suite's run can be measured once more")


def again(
    first: RunRequest, place: str, rows: Sequence[Row], sources: Mapping[str, str | None]
) -> RunRequest:
    """Return what measures finalists of one device once more, with the most effort.

    `place` is where its profile is, `sources` of which variant each is made: they are named, too.
    """
    return dataclasses.replace(
        first,
        devices=(place,),
        backends=tuple(dict.fromkeys(row.backend for row in rows)),
        variants=_made_of([row.variant for row in rows], sources),
        effort="rigorous",
        asked=(),
        exclude=(),
        at_most=None,
        passed_over={},
    )


def _made_of(names: Sequence[str], sources: Mapping[str, str | None]) -> tuple[str, ...]:
    found = dict[str, None]()
    left = list(names)
    while left:
        name = left.pop(0)
        found[name] = None
        source = sources.get(name)
        left += [source] if source and source not in found else []
    return tuple(found)


def settings(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the settings of finalists, among which is chosen again."""
    return tuple(map(setting, rows))
