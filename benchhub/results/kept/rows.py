"""The rows of a run from its store: those that are kept, and the others anew from raw launches."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchhub.errors import StoreError
from benchhub.model.cell import Cell, CellKind, Variant
from benchhub.model.device import DeviceInfo, Finding
from benchhub.model.launch import Launch, RunInfo
from benchhub.model.row import Row
from benchhub.outside.one_thread import one_thread
from benchhub.results.kept.codec import decoded, encoded
from benchhub.results.kept.keys import Keys
from benchhub.results.kept.method import method, ours
from benchhub.results.rows.fixed_work import findings
from benchhub.results.rows.rows import Seen, Terms, summarized
from benchhub.store import Store
from benchhub.store.fingerprints import Recorded
from benchhub.store.summaries import Summary, named

T = TypeVar("T")
#: The kinds of summaries in a store.
ROW, DEVICE = "row", "device"
#: So long a process waits for others that keep rows.
PATIENCE_S = 30.0
#: Launches of so many cells are held: several cells in a row may take theirs from one.
_HELD = 2


class Raw:
    """The raw launches of a run as they were when it was opened, read cell by cell.

    `recorded` is how they were when another process opened it. All are read at once where they are
    stored under other keys than those of the run's `cells` as they are read: earlier versions kept
    texts with characters that are made visible now.
    """

    def __init__(
        self, store: Store, run: str, cells: Sequence[Cell], recorded: Recorded | None = None
    ) -> None:
        self._store, self.run = store, run
        self.recorded: Recorded | None
        try:
            self.recorded = recorded or store.fingerprints.launches(run)
        except StoreError:
            self.recorded = None  # whoever reads these launches is told what is wrong with them
        if self.recorded and not self.recorded.cells.keys() <= {cell.key for cell in cells}:
            self.recorded = None
        self._whole: dict[str, list[Launch]] = {}
        if self.recorded is None:
            for launch in self.every():
                self._whole.setdefault(launch.cell.key, []).append(launch)
        self._measured = frozenset(self.recorded.cells if self.recorded else self._whole)
        self._held: OrderedDict[str, list[Launch]] = OrderedDict()

    def measured(self, cells: Sequence[Cell]) -> frozenset[str]:
        """Return the keys of the cells that have launches, be they another one's."""
        others = {cell.key for cell in cells if cell.launches_of in self._measured}
        return self._measured | others

    def source(self, cell: Cell) -> str | None:
        """Return the key of the cell whose launches a cell takes its figures from; None: nobody
        has any."""
        key = cell.launches_of if cell.launches_of in self._measured else cell.key
        return key if key in self._measured else None

    def launches(self, cell: Cell) -> Sequence[Launch]:
        """Return the launches that a cell takes its figures from, in order of their start."""
        if (key := self.source(cell)) is None:
            return ()
        if key in self._held:
            self._held.move_to_end(key)
        else:
            self._held[key] = list(self.of(key))
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        return self._held[key]

    def of(self, key: str) -> Iterator[Launch]:
        """Yield the launches of the cell with this key itself, in order of their start."""
        if self.recorded is None:
            return iter(self._whole.get(key, ()))
        return self._store.launches(self.run, key, self.recorded.until)

    def every(self) -> Sequence[Launch]:
        """Return all launches, in order of their start."""
        return list(self._store.launches(self.run))


@dataclass(frozen=True, slots=True)
class Summarized:
    """The rows of a run, and what the fixed work shows of its devices, by name."""

    rows: tuple[Row, ...]
    fixed_work: Mapping[str, Finding]


def summarized_once(
    store: Store,
    raw: Raw,
    run: RunInfo,
    cells: Sequence[Cell],
    variants: Sequence[Variant],
    devices: Sequence[DeviceInfo],
    asked: Terms,
    ahead: Callable[[Collection[Cell]], bool],
    seen: Seen | None = None,
) -> Summarized:
    """Return the rows of all `cells`, computed where they were not yet, and keep them.

    What is kept and what is computed are the same to the last digit. `ahead` may have many rows of
    missing cells made and kept by other processes, and says whether it did. `seen` is shown the
    launches of cells whose rows are computed here.
    """
    keys = _keys(store, raw, run, cells, variants, devices, asked)
    kept = _Kept(store, run.id) if keys else _Nothing()
    fixed_work = _fixed_work(raw, cells, keys, kept)
    modelled = [cell for cell in cells if cell.kind is not CellKind.CANARY]
    key_of = {cell: keys.of(cell) if keys else "" for cell in modelled}
    found = _known(kept, key_of)
    missing = {cell for cell in modelled if cell not in found}
    if keys and ahead(missing):
        kept.read()
        found |= _known(kept, {cell: key_of[cell] for cell in missing})
        missing.difference_update(found)
    if missing:
        needed = keys.needed(missing) if keys else list(cells)
        wanted = None if len(missing) == len(modelled) else missing
        made = _made(raw, run, needed, variants, devices, fixed_work, asked, wanted, seen)
        for cell, row in made:
            if cell in missing:
                found[cell] = kept.put(ROW, cell.key, key_of[cell], row)
    kept.write()
    return Summarized(tuple(found[cell] for cell in modelled), fixed_work)


def keep_some(
    store: Store,
    raw: Raw,
    run: RunInfo,
    cells: Sequence[Cell],
    variants: Sequence[Variant],
    devices: Sequence[DeviceInfo],
    asked: Terms,
    only: Collection[str],
    seen: Seen | None = None,
) -> None:
    """Compute the rows of the cells with these keys, and keep them for `summarized_once`."""
    keys = _keys(store, raw, run, cells, variants, devices, asked)
    if keys is None:
        return
    kept = _Kept(store, run.id)
    fixed_work = _fixed_work(raw, cells, keys, kept)
    missing = {cell for cell in cells if cell.key in only}
    needed = keys.needed(missing)
    made = _made(raw, run, needed, variants, devices, fixed_work, asked, missing, seen)
    for cell, row in made:
        if cell in missing:
            kept.put(ROW, cell.key, keys.of(cell), row)
    kept.write(PATIENCE_S)


def _made(
    raw: Raw,
    run: RunInfo,
    needed: Sequence[Cell],
    variants: Sequence[Variant],
    devices: Sequence[DeviceInfo],
    fixed_work: Mapping[str, Finding],
    asked: Terms,
    wanted: Collection[Cell] | None,
    seen: Seen | None,
) -> Iterator[tuple[Cell, Row]]:
    """Compute the rows of cells in which a model runs; each comes with its cell."""
    with one_thread():
        made = summarized(
            run, needed, raw.launches, variants, devices, fixed_work, asked, wanted, seen
        )
    return zip((cell for cell in needed if cell.kind is not CellKind.CANARY), made, strict=True)


def _fixed_work(
    raw: Raw, cells: Sequence[Cell], keys: Keys | None, kept: _Nothing
) -> dict[str, Finding]:
    """Return what the fixed work shows of devices, by name."""
    canaries: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.kind is CellKind.CANARY:
            canaries.setdefault(cell.device, []).append(cell)
    found: dict[str, Finding] = {}
    for device, of in canaries.items():
        key = keys.of_device(device) if keys else ""
        known = kept.get(DEVICE, named(device), key, Finding)
        if known is None:
            shown = findings([launch for cell in of for launch in raw.launches(cell)])
            if device not in shown:
                continue
            known = kept.put(DEVICE, named(device), key, shown[device])
        found[device] = known
    return found


def _known(kept: _Nothing, key_of: Mapping[Cell, str]) -> dict[Cell, Row]:
    return {
        cell: row
        for cell, key in key_of.items()
        if (row := kept.get(ROW, cell.key, key, Row)) is not None
    }


def _keys(
    store: Store,
    raw: Raw,
    run: RunInfo,
    cells: Sequence[Cell],
    variants: Sequence[Variant],
    devices: Sequence[DeviceInfo],
    asked: Terms,
) -> Keys | None:
    """Return the keys of what can be kept; None: nothing would tell that it is another one's."""
    version, recorded = method(), raw.recorded
    metrics = [metric for metric in (asked.metric, *asked.also) if metric is not None]
    if version is None or recorded is None or not all(map(ours, metrics)):
        return None
    try:
        answers = store.fingerprints.answers(run.id)
    except StoreError:
        return None
    return Keys(version, run, cells, variants, devices, asked, recorded.cells, answers)


class _Nothing:
    """Where nothing is kept."""

    def get(self, _kind: str, _name: str, _key: str, _of: type[T]) -> T | None:
        return None

    def put(self, _kind: str, _name: str, _key: str, value: T) -> T:
        return value

    def read(self) -> None:
        pass

    def write(self, _patience_s: float = 0.0) -> None:
        pass


class _Kept(_Nothing):
    """What is kept of a run, as it was when it was last read, and what is to be."""

    def __init__(self, store: Store, run: str) -> None:
        self._store, self._run = store, run
        self.read()
        self._new: dict[str, dict[str, Summary]] = {ROW: {}, DEVICE: {}}

    def get(self, kind: str, name: str, key: str, of: type[T]) -> T | None:
        known = self._there[kind].get(name)
        if known is None or known.key != key:
            return None
        try:
            return decoded(of, known.data)
        except ValueError:
            return None

    def put(self, kind: str, name: str, key: str, value: T) -> T:
        """Return `value` as it will be read, or as it is where it cannot be kept exactly."""
        try:
            data = encoded(value)
            again = decoded(type(value), data)
        except (TypeError, ValueError):
            return value
        self._new[kind][name] = Summary(key, data)
        return again

    def read(self) -> None:
        self._there = {kind: self._store.summaries.of(self._run, kind) for kind in (ROW, DEVICE)}

    def write(self, patience_s: float = 0.0) -> None:
        """Keep what is new; for others who write is waited so long."""
        until = time.monotonic() + patience_s
        for kind, found in self._new.items():
            while found and not self._store.summaries.keep(self._run, kind, found):
                if time.monotonic() >= until:
                    break
