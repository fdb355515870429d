"""The loop of one device: connect, check, stage, then rounds of launches. Yields the record.

A launch that a broken link cut short, or that found its model or inputs gone or damaged on the
device, is yielded as interrupted, and measured again openly under the next attempt once the device
answers and holds them. Nothing is measured twice in silence.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from benchhub.compress.files.arranged import forms, output_names
from benchhub.errors import ProtocolFault, Unreachable
from benchhub.model.arrays import Array
from benchhub.model.cell import CHECK_CASES, Cell, CellKind
from benchhub.model.launch import Details, Launch
from benchhub.model.scenario import Scenario
from benchhub.ondevice.wire import Failure, Job, Outcome
from benchhub.run.loop.expected import most_of
from benchhub.run.loop.predicted import with_own_scores, with_predictions
from benchhub.run.loop.reconnecting import RECONNECT_PAUSES_S, ReconnectingSession
from benchhub.run.loop.work import Connect, DeviceWork, Watcher

#: A launch cut short this often says something about the cell, not about the link.
MOST_ATTEMPTS = 3
#: The kind of a launch that found a staged file gone or damaged.
_BLOB = "blob"
#: Untimed calls before the timed ones; kept apart from them in the record.
WARMUP_CALLS = 10


def has_work(work: DeviceWork) -> bool:
    """Return whether `work` still asks for a launch; the device may be off where it does not."""
    return bool(_Todo(work, {}).open_cells())


def measure(
    work: DeviceWork,
    connect: Connect,
    watcher: Watcher,
    pauses_s: Sequence[float] = RECONNECT_PAUSES_S,
) -> Iterator[Launch]:
    """Yield every launch of `work` as it ends; DeviceError when the device cannot go on.

    `pauses_s` come before the tries to reach a lost device again.
    """
    reconnecting = ReconnectingSession(work, connect, watcher, pauses_s)
    try:
        if not has_work(work):
            return
        todo = _Todo(work, reconnecting.open())
        rate = _Rate()
        for number in itertools.count(work.first_round):
            cells = todo.open_cells()
            watcher.spared(work.device.name, todo.spared(cells))
            random.Random(f"{work.run} {work.device.name} {number}").shuffle(cells)
            for cell in cells:
                if watcher.stopping():
                    return
                reconnecting.cool()
                if watcher.stopping():
                    return
                if (left_s := rate.left_s(todo.open_launches())) is not None:
                    reconnecting.expects(left_s)
                watcher.status(work.device.name, _describe(cell))
                launch, fault = _launch(work, cell, number, todo, reconnecting)
                if launch.status != "finished" and watcher.stopping():
                    return  # cut short by the user: it never happened
                yield launch
                todo.note(launch)
                rate.one()
                if fault is not None:
                    raise fault
                _mend(launch, reconnecting)
            if not cells:
                return
    finally:
        reconnecting.close()


class _Rate:
    """How fast launches are made, cooling and mending included: a round has every cell once."""

    def __init__(self) -> None:
        self._began, self._made = time.monotonic(), 0

    def one(self) -> None:
        self._made += 1

    def left_s(self, launches: int) -> float | None:
        """Return about how long so many launches take; None before there was one."""
        if not self._made:
            return None
        return launches * (time.monotonic() - self._began) / self._made


class _Todo:
    """Which cells still want launches."""

    def __init__(self, work: DeviceWork, missing: Mapping[str, str]) -> None:
        self._more, self._enough, self._samples_of = work.more, work.enough, work.samples_of
        self._cells = [cell for cell in work.cells if cell.backend not in missing]
        self._finished = dict(work.finished)
        self._attempts = dict(work.attempts)
        self._closed = set(work.closed)
        self._left = sum(self._planned(c) for c in self._cells if c.key not in self._closed)

    def _planned(self, cell: Cell) -> int:
        return max(0, cell.launches - self._finished.get(cell.key, 0))

    def open_cells(self) -> list[Cell]:
        more = self._more(self._finished, self._samples_of)
        enough = self._enough(self._finished, self._samples_of)
        found = [
            cell
            for cell in self._cells
            if cell.key not in self._closed
            and cell.key not in enough
            and (self._finished.get(cell.key, 0) < cell.launches or cell.key in more)
        ]
        # Where cells ended early, fixed work alone would show nothing of what it was made beside.
        alone = bool(enough) and all(cell.kind is CellKind.CANARY for cell in found)
        return [] if alone else found

    def spared(self, open_cells: Sequence[Cell]) -> Collection[str]:
        """Return the keys of the cells that end before their launches, from now on as planned."""
        going_on = {cell.key for cell in open_cells} | self._closed
        found = [cell for cell in self._cells if cell.key not in going_on and self._planned(cell)]
        self._left -= sum(self._planned(cell) for cell in found)
        self._closed.update(cell.key for cell in found)
        return [cell.key for cell in found]

    def open_launches(self) -> int:
        """Return how many launches are planned still; of cells that go on there may be more."""
        return max(1, self._left)

    def place(self, cell: Cell) -> tuple[int, int]:
        """Return the (index, attempt) of the cell's next launch."""
        index = self._finished.get(cell.key, 0)
        return index, self._attempts.get((cell.key, index), 0)

    def note(self, launch: Launch) -> None:
        key = launch.cell.key
        if launch.status == "finished":
            self._left -= min(1, self._planned(launch.cell))
            self._finished[key] = launch.index + 1
        else:
            self._attempts[key, launch.index] = launch.attempt + 1
        if launch.status == "failed":
            self._left -= self._planned(launch.cell)
            self._closed.add(key)


def _launch(
    work: DeviceWork, cell: Cell, number: int, todo: _Todo, reconnecting: ReconnectingSession
) -> tuple[Launch, ProtocolFault | None]:
    """Return the launch to be recorded, and what it says of the device that no other may follow."""
    assert reconnecting.session is not None
    fault: ProtocolFault | None = None
    index, attempt = todo.place(cell)
    job = _job(work, cell, index, reconnecting)
    expected = most_of(work, cell, job)
    job = job._replace(most_output_bytes=expected.most_bytes(job))
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        outcome = reconnecting.session.launch(job, expected=expected)
    except Unreachable as error:
        outcome = Outcome(status="interrupted")
        outcome.failure = Failure("link", "link", str(error))
    except ProtocolFault as error:
        fault = error
        outcome = Outcome(status="failed")
        outcome.failure = Failure("link", "protocol", error.reason)
    if outcome.status == "failed" and _lacks_a_blob(outcome.failure):
        outcome.status = "interrupted"  # pushed again, it may do
    if outcome.status == "interrupted" and attempt + 1 >= MOST_ATTEMPTS:
        outcome.status = "failed"
    return _recorded(work, cell, (index, attempt, number), started_at, outcome), fault


def _mend(launch: Launch, reconnecting: ReconnectingSession) -> None:
    """Make the device fit for its next launch again, where this one says that it is not."""
    if launch.failure is not None and launch.failure.kind == "link":
        reconnecting.reopen()
    elif launch.status == "interrupted" and _lacks_a_blob(launch.failure):
        reconnecting.stage_again()


def _lacks_a_blob(failure: Failure | None) -> bool:
    return failure is not None and failure.kind == _BLOB


def _recorded(
    work: DeviceWork, cell: Cell, place: tuple[int, int, int], started_at: str, outcome: Outcome
) -> Launch:
    launch = _record(work, cell, place, started_at, outcome)
    reference = () if cell.shapes else work.reference  # which is of the task's own cases
    launch = _without_nonfinite(launch, reference)
    if cell.scenario is not Scenario.QUALITY or not launch.outputs:
        return launch
    if work.scoring is not None:
        launch = with_own_scores(launch, work.scoring, work.reference)
    if work.predict is None:
        return launch
    return with_predictions(launch, work.predict, work.reference, CHECK_CASES)


def _job(work: DeviceWork, cell: Cell, index: int, reconnecting: ReconnectingSession) -> Job:
    variant = work.variants.get(cell.variant) if cell.runs_model else None
    given: Mapping[str, str] = {}
    if cell.runs_model:
        inputs = work.inputs_of.get(cell.key, work.inputs)
        given = {**inputs, **work.state.get(cell.variant, {})}
    return Job(
        cell=cell.key,
        launch=index,
        backend=cell.backend,
        scenario=cell.scenario.value,
        model=cell.model_sha256 or None,
        model_format=work.formats.get(cell.model_sha256, "none"),
        inputs=given
        if variant is None
        else {spec.in_file: given[spec.name] for spec in variant.inputs},
        batch=cell.batch,
        threads=cell.threads,
        precision=cell.precision,
        warmup=WARMUP_CALLS if cell.iterations else 0,
        iterations=cell.iterations,
        max_timed_s=cell.max_timed_s,
        output_cases=_output_cases(work, cell),
        deadline_s=work.deadline_s,
        options=json.loads(cell.options),
        python=reconnecting.python(cell.backend),
        concurrency=cell.concurrency,
        rate_per_s=cell.rate_per_s,
        arrivals=cell.arrivals or "poisson",
        seed=index,
        files=[[one.name, one.sha256] for one in variant.files] if variant else (),
        forms={name: form._asdict() for name, form in forms(variant).items()} if variant else {},
        outputs=output_names(variant) if variant else (),
    )


def _output_cases(work: DeviceWork, cell: Cell) -> int:
    """Return for how many cases outputs are asked: none where there is nothing to hold them to."""
    models = {one.variant for one in work.cells if one.runs_model}
    each_other = len(models) > 1 and not work.inputs_of  # `ab`: on the same inputs, no reference
    if not cell.runs_model or not (work.reference or each_other or work.awaits_reference):
        return 0
    return -1 if cell.scenario is Scenario.QUALITY else CHECK_CASES


def _record(
    work: DeviceWork, cell: Cell, place: tuple[int, int, int], started_at: str, outcome: Outcome
) -> Launch:
    index, attempt, number = place
    return Launch(
        run=work.run,
        cell=cell,
        index=index,
        attempt=attempt,
        round=number,
        started_at=started_at,
        status=outcome.status,
        failure=outcome.failure,
        samples_ns=np.array(outcome.samples_ns, dtype=np.int64),
        warmup_ns=np.array(outcome.warmup_ns, dtype=np.int64),
        outputs=tuple(
            np.frombuffer(a.data, dtype=a.dtype).reshape(a.shape) for a in outcome.outputs
        ),
        backend_version=outcome.backend_version,
        provider=outcome.provider,
        precision=outcome.precision,
        clock=outcome.clock,
        details=Details(outcome.details),
        import_ns=outcome.import_ns,
        load_ns=outcome.load_ns,
        first_inference_ns=outcome.first_inference_ns,
        elapsed_ns=outcome.elapsed_ns,
        imported_rss_bytes=outcome.imported_rss_bytes,
        peak_rss_bytes=outcome.peak_rss_bytes,
        memory_reset=outcome.memory_reset,
        wall_ns=outcome.wall_ns,
        involuntary_switches=outcome.involuntary_switches,
        before=outcome.before,
        after=outcome.after,
        tracks_ns={
            name: np.array(series, dtype=np.int64) for name, series in outcome.tracks_ns.items()
        },
        energy_uj=outcome.energy_uj,
        energy_elapsed_ns=outcome.energy_elapsed_ns,
        energy_source=outcome.energy_source,
        gpu_bytes=outcome.gpu_bytes,
        gpu_source=outcome.gpu_source,
    )


def _without_nonfinite(launch: Launch, reference: tuple[Array, ...]) -> Launch:
    """Return `launch` as failed where it answers NaN or inf and the baseline does not."""
    if launch.status != "finished":
        return launch
    for index, (output, expected) in enumerate(zip(launch.outputs, reference, strict=False)):
        expected = expected[: len(output)]
        if output.shape == expected.shape and np.any(np.isfinite(expected) > np.isfinite(output)):
            cases = int(np.sum(~np.isfinite(output).reshape(len(output), -1).all(axis=1)))
            message = (
                f"output {index} is NaN or infinite in {cases} of {len(output)} cases"
                " where the baseline's is finite"
            )
            failure = Failure("outputs", "nonfinite", message)
            return dataclasses.replace(launch, status="failed", failure=failure)
    return launch


def _describe(cell: Cell) -> str:
    return (
        f"{cell.backend} {cell.variant} {cell.scenario} batch {cell.batch} threads {cell.threads}"
    )
