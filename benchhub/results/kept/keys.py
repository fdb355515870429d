"""What the row of a cell hangs on, as a key: whatever it may change, changes the key; pure."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from benchhub.model.cell import Cell, CellKind, Variant
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import RunInfo
from benchhub.results.rows.alike import artifact_of
from benchhub.results.rows.judging import is_reference
from benchhub.results.rows.rows import Terms

#: A device, a backend and a variant: what is measured of these together hangs together.
Place = tuple[str, str, str]


class Keys:
    """The keys of a run's cells. `fingerprints` are those of the launches of each, by its key.

    A row hangs on the launches of its variant on that device and backend, which may show that its
    answers vary; on those of what it is held against; on the fixed work of the device; and on all
    that is recorded of the run, its variants and the device. More than it really does, as nobody
    would think of a key when they have a row hang on something else.
    """

    def __init__(
        self,
        method: str,
        run: RunInfo,
        cells: Sequence[Cell],
        variants: Sequence[Variant],
        devices: Sequence[DeviceInfo],
        asked: Terms,
        fingerprints: Mapping[str, str],
        answers: str,
    ) -> None:
        self._cells, self._prints = cells, fingerprints
        self._devices = {device.name: _digest([repr(device)]) for device in devices}
        self._against = {variant.name: variant.against for variant in variants}
        self._baseline, self._asked = run.baseline, asked
        metrics = [metric.name if metric else "" for metric in (asked.metric, *asked.also)]
        settled = dataclasses.replace(run, status="", finished_at=None)
        told = (
            settled,
            variants,
            asked.limits,
            asked.seed,
            asked.below_chance_allowed,
            asked.budgets,
            asked.each_launch,
        )
        self._common = _digest([method, *map(repr, told), *metrics, asked.no_reference, answers])
        self._method = method
        self._places: dict[Place, list[Cell]] = {}
        for cell in cells:
            self._places.setdefault(_place(cell), []).append(cell)
        self._fixed_work: dict[str, list[Cell]] = {}
        for cell in cells:
            if cell.kind is CellKind.CANARY:
                self._fixed_work.setdefault(cell.device, []).append(cell)
        self._digests = {place: self._of(of) for place, of in self._places.items()}
        self._references = [place for place in self._places if self._refers(place)]

    def of(self, cell: Cell) -> str:
        """Return the key of a cell's row."""
        places = [_digest([self._digests[place]]) for place in self.hangs_on(cell)]
        device = self._devices.get(cell.device, "")
        return _digest([self._common, repr(cell), device, self.of_device(cell.device), *places])

    def of_device(self, device: str) -> str:
        """Return the key of what the fixed work shows of a device."""
        return _digest([self._method, device, self._of(self.fixed_work(device))])

    def fixed_work(self, device: str) -> list[Cell]:
        """Return the cells of a device's fixed work."""
        return self._fixed_work.get(device, [])

    def hangs_on(self, cell: Cell) -> tuple[Place, ...]:
        """Return the places whose cells a cell's row hangs on, its own first."""
        device, backend, variant = _place(cell)
        names = (variant, self._baseline, self._against.get(variant) or self._baseline)
        mine = [(device, backend, name) for name in names]
        found = dict.fromkeys([*mine, *self._references])
        return tuple(place for place in found if place in self._places)

    def needed(self, wanted: Iterable[Cell]) -> list[Cell]:
        """Return the cells that rows of `wanted` hang on, and these, in the plan's order."""
        places = {place for cell in wanted for place in self.hangs_on(cell)}
        return [cell for cell in self._cells if _place(cell) in places]

    def _refers(self, place: Place) -> bool:
        key = self._asked.answer_key
        return key is not None and any(
            is_reference(artifact_of(cell), key, self._baseline) for cell in self._places[place]
        )

    def _of(self, cells: Iterable[Cell]) -> str:
        return _digest(f"{cell!r} {self._prints.get(cell.key, '')}" for cell in cells)


def of_launches(method: str, cell: Cell, fingerprint: str) -> str:
    """Return the key of what hangs on nothing but a cell and the launches it takes its figures
    from."""
    return _digest([method, repr(cell), fingerprint])


def _place(cell: Cell) -> Place:
    return cell.device, cell.backend, cell.variant


def _digest(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
