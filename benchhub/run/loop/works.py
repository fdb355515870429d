"""What each device of a run has to do, less what the store has of it already.

Every cell is looked at once, however many devices there are.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from benchhub.backends import described
from benchhub.config.request import Resolved
from benchhub.device.staging.blob import Blob, model_blobs
from benchhub.model.cell import Cell
from benchhub.model.device import DeviceProfile
from benchhub.run.loop.work import DeviceWork
from benchhub.run.prepare import Prepared
from benchhub.store.reached import Reached


def works_of(
    common: DeviceWork,
    devices: Sequence[DeviceProfile],
    planned: Sequence[Cell],
    prepared: Prepared,
    so_far: Reached,
    closed: frozenset[str],
) -> list[DeviceWork]:
    """Return what is open by device, in the order of `devices`, as parts of what is `common`."""
    cells: dict[str, list[Cell]] = defaultdict(list)
    for cell in planned:
        cells[cell.device].append(cell)
    attempts: dict[str, dict[tuple[str, int], int]] = defaultdict(dict)
    for place, count in so_far.attempts.items():
        attempts[place[0]][place] = count
    blobs = _Blobs(prepared)
    works = []
    for device in devices:
        mine = tuple(cells[device.name])
        keys = [cell.key for cell in mine]
        works.append(
            dataclasses.replace(
                common,
                device=device,
                cells=mine,
                blobs=blobs.of(mine),
                finished={key: so_far.finished[key] for key in keys if key in so_far.finished},
                attempts={
                    k: n for key in keys if key in attempts for k, n in attempts[key].items()
                },
                closed=closed.intersection(keys),
                first_round=max((so_far.rounds.get(key, 0) for key in keys), default=0),
                inputs_of=dict(_inputs_of(mine, prepared)),
            )
        )
    return works


def common_work(run: str, resolved: Resolved, prepared: Prepared) -> DeviceWork:
    """Return what is the same for every device of a run, and so is there once."""
    return DeviceWork(
        run=run,
        device=resolved.devices[0],
        cells=(),
        blobs=(),
        inputs={name: file.sha256 for name, file in prepared.inputs.items()},
        formats={v.sha256: v.format for v in prepared.variants},
        variants={v.name: v for v in prepared.variants},
        state={
            variant: {name: file.sha256 for name, file in files.items()}
            for variant, files in prepared.state.items()
        },
        reference=prepared.reference,
        finished={},
        attempts={},
        closed=frozenset(),
        deadline_s=resolved.suite.deadline_s,
        backends=tuple(described(name) for name in resolved.suite.backends),
        by_default=resolved.request.backends_by_default,
        predict=prepared.answering.predictor,
        scoring=prepared.answering.scoring,
    )


class _Blobs:
    """What devices are to hold; those that measure the same models share one list of it."""

    def __init__(self, prepared: Prepared) -> None:
        self._variants = prepared.variants
        self._inputs = tuple(
            Blob(file.sha256, file.size, path=file.path)
            for files in (
                prepared.inputs, *prepared.inputs_of.values(), *prepared.state.values(),
            )
            for file in files.values()
        )  # fmt: skip
        self._found: dict[frozenset[str], tuple[Blob, ...]] = {}

    def of(self, cells: Sequence[Cell]) -> tuple[Blob, ...]:
        models = frozenset(cell.model_sha256 for cell in cells)
        if models not in self._found:
            own = (blob for v in self._variants if v.sha256 in models for blob in model_blobs(v))
            self._found[models] = (*own, *self._inputs)
        return self._found[models]


def _inputs_of(
    cells: Sequence[Cell], prepared: Prepared
) -> Iterator[tuple[str, Mapping[str, str]]]:
    if not prepared.inputs_of:
        return
    for cell in cells:
        files = prepared.inputs_of.get((cell.variant, cell.shapes))
        if files is not None:
            yield cell.key, {name: file.sha256 for name, file in files.items()}
