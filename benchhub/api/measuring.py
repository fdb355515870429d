"""From a request to a measured run, for whoever asks: the command line or Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchhub.api.signs import executed
from benchhub.config.catalogue import check_own
from benchhub.config.request import resolve
from benchhub.errors import ConfigError, Interrupted, StoreError, StoreGone
from benchhub.model.cell import Cell, Skip
from benchhub.model.device import USUAL_QUEUEING, Queueing
from benchhub.model.launch import RunInfo
from benchhub.model.request import BenchRequest, RunKind, RunRequest
from benchhub.run.bench import make_bench
from benchhub.run.devices.healthy import Choose
from benchhub.run.devices.reserved import check_reservation
from benchhub.run.execute import Ready, make_ready, new_run, room_for
from benchhub.run.loop.ways import DIRECT, Way
from benchhub.run.loop.work import Watcher
from benchhub.run.planning.shared_launches import SPARES
from benchhub.run.same_run import check_code, check_same
from benchhub.store import Store

#: From the cells of a run, and how many launches of each are there, to who follows it.
Watching = Callable[[Sequence[Cell], Mapping[str, int]], AbstractContextManager[Watcher]]


@dataclass(frozen=True, slots=True)
class Display:
    """How a run is followed: the run and what it skips before it starts, then its launches.

    `warns` takes a line on what of this machine may be used up.
    """

    begins: Callable[[RunInfo, Sequence[Skip]], None]
    watching: Watching
    warns: Callable[[str], None]


def ready_of(
    request: RunRequest,
    cache: Path,
    progress: Callable[[str], None],
    make: bool = True,
    begun: RunInfo | None = None,
    choose: Choose | None = None,
) -> Ready:
    """Return what a located request asks for, ready to be measured; ConfigError if it cannot be.

    Not `make`: to look at the plan, of a suite's variants those that are made already. `begun` is
    the run that is resumed: code of the user's that changed since is not run, but a ConfigError.
    `choose` takes the devices where the request says how many at most: `run.devices.choosing`.
    """
    if isinstance(request, BenchRequest):
        return make_bench(request, cache, progress, choose)
    resolved = resolve(request)
    if begun is not None:
        check_code(begun, resolved)
    spares = begun is None or SPARES in begun.provenance.told
    return make_ready(resolved, cache, progress, make, spares, choose)


def begin(
    store: Store,
    ready: Ready,
    command: str,
    display: Display,
    queueing: Queueing = USUAL_QUEUEING,
    way: Way = DIRECT,
) -> RunInfo:
    """Write a new run to the store, once this machine was looked at; ConfigError: it cannot work.

    So it is where a profile is a template, or nobody knows of the reservation that is named.
    """
    _look(store, ready, display, queueing, way)
    return new_run(store, ready, command)


def measure(
    store: Store,
    info: RunInfo,
    ready: Ready,
    display: Display,
    rerun_failed: bool = False,
    resumed: bool = False,
    queueing: Queueing = USUAL_QUEUEING,
    way: Way = DIRECT,
) -> list[str]:
    """Measure what is open in a run; return a line for each device that stopped early.

    ConfigError: it is not the run that it was; Interrupted, StoreError.
    """
    if resumed:
        check_same(store, info, ready)
        _look(store, ready, display, queueing, way)
    display.begins(info, ready.plan.skips)
    so_far = store.reached(info.id)
    try:
        with display.watching(ready.plan.launched, so_far.finished) as watcher:
            errors = executed(store, info, ready, watcher, rerun_failed, queueing, so_far, way)
    except Interrupted as error:
        raise Interrupted(f"{error}; {_saved(info)}") from None
    except StoreError as error:  # full, or locked; what is damaged would be so again
        if resumed or isinstance(error, StoreGone):
            raise
        raise StoreError(f"{error}; {_saved(info)}") from error
    return [str(error) for error in errors.values() if error is not None]


def _look(store: Store, ready: Ready, display: Display, queueing: Queueing, way: Way) -> None:
    for profile in ready.resolved.devices:
        check_own(profile.name, profile.host)
    if ready.resolved.request.at_most is None:  # else it was asked for before they were chosen
        check_reservation(queueing.reservation, store, ready.resolved.devices, way)
    for line in room_for(store, ready):
        display.warns(line)


def _saved(info: RunInfo) -> str:
    return f"finished launches are saved, go on with `benchhub run --resume {info.id}`"


def resumable(info: RunInfo) -> RunInfo:
    """Return a run that can go on; ConfigError says what else to do about one that cannot."""
    if info.kind.resumable:
        return info
    if info.kind is RunKind.IMPORT:
        raise ConfigError(
            f"run {info.id} was imported: measure it where it was made, and import it again"
        )
    raise ConfigError(f"run {info.id} is started anew: {info.provenance.get('command')}")
