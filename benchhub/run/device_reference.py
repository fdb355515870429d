"""The reference where a device gives it: measured first, then what all else is held against."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchhub.errors import ConfigError, DeviceError
from benchhub.model.arrays import Array
from benchhub.model.asked import Suite
from benchhub.model.cell import CHECK_CASES, Cell, Plan, Variant, no_more
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey, Cases, ReferenceLaunch
from benchhub.model.scenario import Scenario
from benchhub.results.device_reference import reference_cells
from benchhub.results.rows.agreement import spread
from benchhub.results.rows.alike import again, turned
from benchhub.run.answers import Answering, make_answer_key, own_reference
from benchhub.run.loop.engine import run_devices
from benchhub.run.loop.predicted import with_own_scores, with_predictions
from benchhub.run.loop.work import Connect, DeviceWork, Watcher
from benchhub.tasks import Dataset
from benchhub.tasks.opening import packages_explained


@dataclass(frozen=True, slots=True)
class Awaited:
    """What outputs are judged against, but for what a device has yet to answer.

    `own` are the variants that approximate none but themselves, by name.
    """

    suite: Suite
    dataset: Dataset
    cases: Cases
    answering: Answering
    own: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """What tells its cases from others: inputs, labels and grouping."""
        digest = hashlib.sha256(repr((self.cases.ids, self.cases.groups)).encode())
        for name, array in sorted({**self.cases.arrays, "": self.cases.labels}.items()):
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def answer_key(self, launches: Mapping[str, Launch]) -> AnswerKey:
        """Return it with what variants answered, by name, the baseline among them.

        ConfigError: the labels do not fit that, or it hangs on a case's place in its batch.
        """
        launch = launches[self.suite.baseline]
        cell, outputs = launch.cell, launch.outputs
        with packages_explained(self.suite):
            key = make_answer_key(
                self.suite, self.dataset, self.cases, outputs, CHECK_CASES, self.answering
            )
        spreads = key.spreads or tuple(map(spread, outputs))
        twice, moved = again(launch, spreads), turned(launch, spreads)
        boxes = any(reading.boxes for reading in key.readings.values())  # see `alike`
        varying = ""
        if twice is not None and twice.relative > twice.limit:
            varying = f"{twice.relative:.2g} of their spread"
        elif moved is not None and moved.relative > moved.limit and not boxes:
            raise ConfigError(
                f"{self.suite.path}: in another order of the same cases the answers of"
                f" {cell.variant} on {cell.device} lie {moved.text} off: cases run along another"
                " axis of its file; say which with batch_axis"
            )
        return dataclasses.replace(
            key,
            own={name: own_reference(launches[name].outputs, CHECK_CASES)
                 for name in self.own if name in launches},
            varying=varying,
            measured=ReferenceLaunch(
                cell.device, cell.backend, cell.batch, cell.precision, cell.key, launch.started_at
            ),
        )  # fmt: skip


def planned_reference(plan: Plan, suite: Suite) -> tuple[Cell, ...]:
    """Return the cells that may give the reference, one a backend; empty: the controller does.

    So it is, too, where no quality is measured. ConfigError: the device has no such cell.
    """
    judged = any(spec.scenario is Scenario.QUALITY for spec in suite.scenarios)
    if not suite.reference_device or not judged:
        return ()
    found = reference_cells(plan.cells, suite.baseline, suite.reference_device)
    if not found:
        device, baseline = suite.reference_device, suite.baseline
        told = {
            skip.reason.text
            for skip in plan.skips
            if (skip.device, skip.variant) == (device, baseline)
        }
        raise ConfigError(
            f'{suite.path}: suite.reference = "device": {device} is to measure no quality of'
            f" {baseline}, so it gives no reference: {'; '.join(sorted(told)[:3])}; name another"
            " reference_device, or a backend that runs it"
        )
    return found


def ask(
    work: DeviceWork,
    cells: Sequence[Cell],
    awaited: Awaited,
    connect: Connect,
    watcher: Watcher,
    keep: Callable[[AnswerKey], None],
    record: Callable[[Launch], None],
) -> tuple[AnswerKey | None, DeviceError | None]:
    """Have the device give the reference, by the first backend of `cells` that it has.

    `keep` gets that before `record` gets the launches. None: there is none, since the launch or the
    device failed. ConfigError: it is no reference for these cases, and nothing is kept.
    """
    for cell in cells:
        if cell.key in work.closed:
            return None, None  # it failed before, and is not to be tried again
        own = [
            one
            for name in awaited.own
            for one in reference_cells(work.cells, name, cell.device)
            if one.backend == cell.backend
        ]
        first = dataclasses.replace(
            work, cells=(cell, *own), predict=None, scoring=None, more=no_more,
            awaits_reference=True,
        )  # fmt: skip
        found: list[Launch] = []
        error = run_devices([first], connect, found.append, watcher)[cell.device]
        answered = {
            one.cell.variant: one
            for one in reversed(found)
            if one.status == "finished" and one.outputs
        }
        key = None
        if cell.variant in answered:
            key = awaited.answer_key(answered)
            keep(key)
        for launch in found:
            outputs = answered[cell.variant].outputs if key else ()
            record(_as_recorded(launch, work, outputs))
        if found or error is not None or watcher.stopping():
            return key, error
    named = ", ".join(cell.backend for cell in cells)
    device, baseline = work.device.name, awaited.suite.baseline
    why = f"{baseline} runs on {named}, which is not there"
    return None, DeviceError(f"{device}: gave no reference: {why}; install it on {device}")


def _as_recorded(launch: Launch, work: DeviceWork, reference: tuple[Array, ...]) -> Launch:
    """Return a launch with what is made of its outputs, as of any other of quality."""
    if not launch.outputs or not reference:
        return launch
    if work.scoring is not None:
        launch = with_own_scores(launch, work.scoring, reference)
    if work.predict is None:
        return launch
    return with_predictions(launch, work.predict, reference, CHECK_CASES)


def held_against(answer_key: AnswerKey) -> tuple[Array, ...]:
    """Return the reference of all cases; where the check cases are kept only, their mean for each.

    That has the shape, and is finite where those are.
    """
    if not answer_key.predict:
        return answer_key.reference
    cases = len(answer_key.ids)
    with np.errstate(invalid="ignore"):
        return tuple(
            np.broadcast_to(one.mean(axis=0), (cases, *one.shape[1:])) if len(one) else one
            for one in answer_key.reference
        )


def unjudged_until_then(work: DeviceWork) -> DeviceWork:
    """Return what a device has to do while there is no reference: all but quality."""
    cells = tuple(cell for cell in work.cells if cell.scenario is not Scenario.QUALITY)
    return dataclasses.replace(work, cells=cells, awaits_reference=True)


def own_variants(variants: Sequence[Variant]) -> tuple[str, ...]:
    """Return the variants that approximate none but themselves."""
    return tuple(one.name for one in variants if one.approximates == one.name)
