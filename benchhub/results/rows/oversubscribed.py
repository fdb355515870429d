"""The doubt about threads that outnumber the cores which a cell's launches really had; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from benchhub.model.flag import Flag, FlagKind
from benchhub.model.launch import Launch
from benchhub.model.scenario import Scenario


def oversubscribed(launches: Sequence[Launch]) -> Iterator[Flag]:
    """Yield that launches had fewer cores than threads, with how many had how few.

    It caps where a call got fewer cores than the row says, or a launch fewer than the device has.
    Where only calls at once outnumber all cores they take turns, as they would in service.
    """
    counts: Counter[str] = Counter()
    caps = False
    for launch in launches:
        had = launch.details.processors
        threads = threads_at_once(launch)
        if had is None or launch.cell.scenario is Scenario.QUALITY or threads <= had.cores:
            continue
        by = f" ({had.limited_by})" if had.limited_by else ""
        counts[f"{_counted(threads, 'thread')} on {_counted(had.cores, 'core')}{by}"] += 1
        caps = caps or bool(had.limited_by) or launch.cell.threads > had.cores
    if counts:
        several = len(counts) > 1 or sum(counts.values()) < len(launches)
        told = [
            f"{text} in {count} of {len(launches)} launches" if several else text
            for text, count in counts.items()
        ]
        yield Flag(FlagKind.OVERSUBSCRIBED, "; ".join(told), caps)


def threads_at_once(launch: Launch) -> int:
    """Return how many threads may compute at one time: as the session tells, or at the least.

    Callers at once share a pool of threads, of which each is one, unless the backend says more.
    """
    told = launch.details.threads_at_once
    return told if told is not None else launch.cell.threads + launch.cell.concurrency - 1


def _counted(number: float, what: str) -> str:
    return f"{number:g} {what}{'' if number == 1 else 's'}"
