"""What a run takes of this machine: open files, memory and disks, looked at before it begins.

It is an estimate, from above: what may be too little is said, and only what cannot be enough is
refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchhub.device.events import spool
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.cell import CHECK_CASES, Cell, TensorSpec, Variant
from benchhub.model.device import DeviceProfile
from benchhub.model.scenario import Scenario
from benchhub.outside import Variable, room
from benchhub.text import number

#: What a device at work holds open here: its link or its agent's pipes, the store's files, and
#: outputs as they arrive; usually, and at least.
FILES_A_DEVICE, LEAST_FILES_A_DEVICE = 16, 6
#: Of this process itself, at least.
LEAST_OWN_FILES = 32
#: A device's own thread, and that of its link; and what else needs some.
THREADS_A_DEVICE, OWN_THREADS = 2, 64
#: Of a device's threads, its link and what it sent last (a third of that, by benchmarks/fleet);
#: outputs come on top, and are copied twice while they are packed.
MEMORY_A_DEVICE, COPIES = 1 << 20, 3
#: Of a launch in the store: its details and conditions; and of a call, packed.
LAUNCH_BYTES, CALL_BYTES = 8 << 10, 3
#: A disk with less room takes nothing worth a run.
LEAST_DISK = 1 << 20


@dataclass(frozen=True, slots=True)
class Free:
    """What there is: free bytes of the disk that a path is on, and of memory; threads, files.

    None: not known, or without a limit.
    """

    disk: Callable[[Path], int | None] = room.free_bytes
    memory: Callable[[], int | None] = room.free_memory
    threads: Callable[[], int | None] = room.free_threads
    files: Callable[[], int | None] = room.allowed_files


@dataclass(frozen=True, slots=True)
class Need:
    """What a run may take in all: bytes of outputs at once, the same by device, and of the store.

    `devices` are those at work side by side.
    """

    devices: int
    outputs_at_once: int
    store_bytes: int


def taken(
    devices: Sequence[DeviceProfile],
    cells: Sequence[Cell],
    variants: Sequence[Variant],
    reference: Sequence[Array],
    kept_whole: bool = True,
) -> Need:
    """Return what measuring `cells` may take; what nobody knows before counts as nothing.

    `kept_whole`: outputs are stored, and not only what a task makes of them.
    """
    by_name = {variant.name: variant for variant in variants}
    largest: dict[str, int] = {}
    stored = 0
    for cell in cells:
        variant = by_name.get(cell.variant) if cell.runs_model else None
        outputs = _outputs(cell, variant, reference)
        largest[cell.device] = max(largest.get(cell.device, 0), outputs)
        kept = outputs if kept_whole else 0
        calls = cell.iterations * max(1, cell.concurrency)
        stored += cell.launches * (LAUNCH_BYTES + CALL_BYTES * calls + kept)
    machines: dict[str, int] = {}
    for device in devices:
        place = device.machine or device.name
        machines[place] = max(machines.get(place, 0), largest.get(device.name, 0))
    return Need(len(machines), sum(machines.values()), stored)


def look(need: Need, store: Path | None, free: Free | None = None) -> Iterator[str]:
    """Raise what limits there are as far as may be; yield a line on each thing that may run out.

    ConfigError where the run cannot work: no room for one device, or a disk that takes nothing.
    `store` is its file, None: it is elsewhere.
    """
    free = free or Free()
    yield from room.make_files(room.OWN_FILES + FILES_A_DEVICE * need.devices)
    yield from room.make_threads(OWN_THREADS + THREADS_A_DEVICE * need.devices)
    yield from _in_turn(need.devices, free)
    yield from _memory(need, free.memory())
    if store is not None:
        yield from _disk(
            need.store_bytes, free.disk(store), f"the results database {store}",
            "use another --store",
        )  # fmt: skip
    at_once = need.outputs_at_once if need.outputs_at_once > spool.SPOOLED_BYTES else 0
    if at_once:
        folder = Path(spool.folder())
        yield from _disk(
            at_once, free.disk(folder), f"outputs that arrive, in {folder},",
            "set TMPDIR to another disk",
        )  # fmt: skip


def look_at_cache(cache: Path, wanted: int, free: Free | None = None) -> Iterator[str]:
    """Yield a line where the cache may have no room for `wanted` bytes; ConfigError: it has none.

    That is of variants and inputs, before they are made.
    """
    room_there = (free or Free()).disk(cache)
    yield from _disk(
        wanted, room_there, f"variants and inputs in {cache}", f"set {Variable.CACHE} to another"
    )


def at_once(devices: int, free: Free | None = None) -> int:
    """Return how many of `devices` can be measured at once, by open files and threads."""
    return min(devices, *(most for most, _, _ in _fit(free or Free())))


def _fit(free: Free) -> Iterator[tuple[int, str, str]]:
    """Yield how many devices fit, into what that is left here, and what raises it."""
    files, threads = free.files(), free.threads()
    if files is not None:
        fit = (files - LEAST_OWN_FILES) // LEAST_FILES_A_DEVICE
        yield max(0, fit), f"{files} open files", "`ulimit -Hn`"
    if threads is not None:
        fit = (threads - OWN_THREADS) // THREADS_A_DEVICE
        yield (
            max(0, fit),
            f"{threads} more threads",
            "`ulimit -Hu`, or pids.max of its control group",
        )
    yield 1 << 30, "", ""


def _in_turn(devices: int, free: Free) -> Iterator[str]:
    fit, what, how = min(_fit(free))
    if fit < 1:
        raise ConfigError(f"no device fits into the {what} that are allowed here: raise {how}")
    if fit < devices:
        yield (
            f"{what} are allowed here, into which {fit} of {devices} devices fit: so many are"
            f" measured at once, and each of the others when one has ended; raise {how}, to have"
            " all at once"
        )


def _memory(need: Need, free: int | None) -> Iterator[str]:
    wanted = MEMORY_A_DEVICE * need.devices + COPIES * need.outputs_at_once
    if free is not None and free < wanted:
        yield (
            f"{need.devices} devices side by side may take {_mb(wanted)} of memory, and"
            f" {_mb(free)} are free: end other programs, or measure fewer devices in one run"
        )


def _disk(wanted: int, free: int | None, what: str, otherwise: str) -> Iterator[str]:
    if free is None:
        return
    if free < LEAST_DISK:
        raise ConfigError(
            f"there is no room for {what}: {_mb(free)} are free on its disk: free some room, or"
            f" {otherwise}"
        )
    if free < wanted:
        yield (
            f"{what} may take {_mb(wanted)}, and {_mb(free)} are free on its disk: free some"
            f" room, or {otherwise}"
        )


def _outputs(cell: Cell, variant: Variant | None, reference: Sequence[Array]) -> int:
    if variant is None:
        return 0
    cases = CHECK_CASES if reference else 0
    if cell.scenario is Scenario.QUALITY:
        cases = cell.cases or (len(reference[0]) if reference else 0)
    each = [
        _case_bytes(spec, reference[at] if at < len(reference) else None)
        for at, spec in enumerate(variant.outputs)
        if not spec.left_out
    ]
    return cases * sum(each)


def _case_bytes(spec: TensorSpec, reference: Array | None) -> int:
    shape: Sequence[int | None] = spec.shape if spec.whole else spec.shape[1:]
    if None in shape and reference is not None:
        shape = reference.shape[1:]
    sizes = [size for size in shape if size is not None]
    if len(sizes) < len(shape):
        return 0
    try:
        item_bytes = np.dtype(spec.dtype).itemsize
    except TypeError:  # bfloat16, or text
        item_bytes = 4
    return math.prod(sizes) * item_bytes


def _mb(size: int) -> str:
    return f"{number(size / 1e6)} MB"
