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
from benchhub.results.rows.quality.outputs_read import box_reading, outputs_read
from benchhub.run.answers import Answering, make_answer_key, own_reference, with_aside
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
    progress: Callable[[str], None]

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
        read, reading = outputs_read(key), box_reading(key)
        twice = again(launch, spreads, read, reading is not None)
        moved = turned(launch, spreads, read)
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
        aside = {}
        for at in set(range(len(outputs))) - read:
            apart = again(launch, spreads, {at})
            if apart is not None and apart.relative > apart.limit:
                aside[at] = f"varies from call to call by {apart.relative:.2g} of its spread"
        return dataclasses.replace(
            with_aside(key, self.answering.names, outputs, aside, self.progress),
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

    `keep` gets that before `record` gets the launches, as soon as all have answered that are to.
    None: there is none, since the launch or the device failed. ConfigError: it is no reference for
    these cases, and nothing is kept.
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
        answers = _Answers(first, awaited, keep, lambda one, reference: record(
            _as_recorded(one, work, reference)))  # fmt: skip
        error = run_devices([first], connect, answers.take, watcher)[cell.device]
        answers.end()
        if answers.taken or error is not None or watcher.stopping():
            return answers.key, error
    named = ", ".join(cell.backend for cell in cells)
    device, baseline = work.device.name, awaited.suite.baseline
    why = f"{baseline} runs on {named}, which is not there"
    return None, DeviceError(f"{device}: gave no reference: {why}; install it on {device}")


class _Answers:
    """The launches of the cells that give a reference, the baseline's first; kept once they do.

    `taken` says whether there was one. Launches are given to `record` with the reference, empty:
    there is none. What is cut short before all have answered is measured anew.
    """

    def __init__(
        self,
        work: DeviceWork,
        awaited: Awaited,
        keep: Callable[[AnswerKey], None],
        record: Callable[[Launch, tuple[Array, ...]], None],
    ) -> None:
        self._awaited, self._keep, self._record = awaited, keep, record
        self._baseline, *_ = wanted = [cell.variant for cell in work.cells]
        self._open = set(wanted)
        self._waiting: list[Launch] = []
        self._answered: dict[str, Launch] = {}
        self._refused: ConfigError | None = None
        self.key: AnswerKey | None = None
        self.taken = False

    def take(self, launch: Launch) -> None:
        """Take the next launch, in the device's thread; ConfigError: it is no reference."""
        self.taken = True
        self._waiting.append(launch)
        if launch.status == "finished" and launch.outputs:
            self._answered.setdefault(launch.cell.variant, launch)
        if launch.status in ("finished", "failed"):
            self._open.discard(launch.cell.variant)
        if not self._open:
            try:
                self._settle()
            except ConfigError as error:
                self._refused = error
                raise

    def end(self) -> None:
        """Keep what there is, since no other launch will come; ConfigError: it is no reference."""
        if self._refused is not None:
            raise self._refused
        self._settle()

    def _settle(self) -> None:
        if self.key is None and self._baseline in self._answered:
            key = self._awaited.answer_key(self._answered)
            self._keep(key)
            self.key = key
        outputs = self._answered[self._baseline].outputs if self.key else ()
        while self._waiting:
            self._record(self._waiting[0], outputs)
            del self._waiting[0]


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


def is_over(error: DeviceError | None) -> bool:
    """Return whether a device that was to give the reference is not to be tried for more.

    It was waited for, refused, or found unfit already, and every kind of that has a class of its
    own. That it gave no reference, or that benchhub stumbled, may leave it other cells.
    """
    return error is not None and type(error) is not DeviceError


def unjudged_until_then(work: DeviceWork) -> DeviceWork:
    """Return what a device has to do while there is no reference: all but quality."""
    cells = tuple(cell for cell in work.cells if cell.scenario is not Scenario.QUALITY)
    return dataclasses.replace(work, cells=cells, awaits_reference=True)


def own_variants(variants: Sequence[Variant]) -> tuple[str, ...]:
    """Return the variants that approximate none but themselves."""
    return tuple(one.name for one in variants if one.approximates == one.name)
