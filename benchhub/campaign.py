"""The loop of one device: connect, check, stage, then rounds of launches. Yields the record.

A launch that a broken link cut short is yielded as interrupted, and measured again openly under
the next attempt once the device answers. Nothing is measured twice in silence.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from benchhub.errors import Unreachable
from benchhub.link import RECONNECT_PAUSES_S, Link
from benchhub.model import Array, Cell, Launch, Scenario
from benchhub.ondevice.wire import Failure, Job, Outcome
from benchhub.order import Connect, Order, Watcher
from benchhub.predicted import with_predictions
from benchhub.prepare import CHECK_CASES

#: A launch cut short this often says something about the cell, not about the link.
MOST_ATTEMPTS = 3
#: Untimed calls before the timed ones; kept apart from them in the record.
WARMUP_CALLS = 10


def has_work(order: Order) -> bool:
    """Return whether `order` still asks for a launch; the device may be off where it does not."""
    return bool(_Todo(order, {}).open_cells())


def measure(
    order: Order,
    connect: Connect,
    watcher: Watcher,
    pauses_s: Sequence[float] = RECONNECT_PAUSES_S,
) -> Iterator[Launch]:
    """Yield every launch of `order` as it ends; DeviceError when the device cannot go on.

    `pauses_s` come before the tries to reach a lost device again.
    """
    link = Link(order, connect, watcher, pauses_s)
    try:
        if not has_work(order):
            return
        todo = _Todo(order, link.open())
        for number in itertools.count(order.first_round):
            cells = todo.open_cells()
            random.Random(f"{order.run} {order.device.name} {number}").shuffle(cells)
            for cell in cells:
                if watcher.stopping():
                    return
                link.cool()
                if watcher.stopping():
                    return
                watcher.status(order.device.name, _describe(cell))
                launch = _launch(order, cell, number, todo, link)
                if launch.status != "finished" and watcher.stopping():
                    return  # cut short by the user: it never happened
                yield launch
                todo.note(launch)
                if launch.failure is not None and launch.failure.kind == "link":
                    link.reopen()
            if not cells:
                return
    finally:
        link.close()


class _Todo:
    """Which cells still want launches."""

    def __init__(self, order: Order, missing: Mapping[str, str]) -> None:
        self._more = order.more
        self._samples_ns = {key: list(samples) for key, samples in order.samples_ns.items()}
        self._cells = [cell for cell in order.cells if cell.backend not in missing]
        self._finished = dict(order.finished)
        self._attempts = dict(order.attempts)
        self._closed = set(order.closed)

    def open_cells(self) -> list[Cell]:
        more = self._more(self._samples_ns)
        return [
            cell
            for cell in self._cells
            if cell.key not in self._closed
            and (self._finished.get(cell.key, 0) < cell.launches or cell.key in more)
        ]

    def place(self, cell: Cell) -> tuple[int, int]:
        """Return the (index, attempt) of the cell's next launch."""
        index = self._finished.get(cell.key, 0)
        return index, self._attempts.get((cell.key, index), 0)

    def note(self, launch: Launch) -> None:
        key = launch.cell.key
        if launch.status == "finished":
            self._finished[key] = launch.index + 1
            self._samples_ns.setdefault(key, []).append(launch.samples_ns)
        else:
            self._attempts[key, launch.index] = launch.attempt + 1
        if launch.status == "failed":
            self._closed.add(key)


def _launch(order: Order, cell: Cell, number: int, todo: _Todo, link: Link) -> Launch:
    assert link.session is not None
    index, attempt = todo.place(cell)
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        outcome = link.session.launch(_job(order, cell, index, link))
    except Unreachable as error:
        again = attempt + 1 < MOST_ATTEMPTS
        outcome = Outcome(status="interrupted" if again else "failed")
        outcome.failure = Failure("link", "link", str(error))
    launch = _record(order, cell, (index, attempt, number), started_at, outcome)
    launch = _without_nonfinite(_without_negative(launch), order.reference)
    if order.predict is None or cell.scenario is not Scenario.QUALITY or not launch.outputs:
        return launch
    return with_predictions(launch, order.predict, order.reference[0].shape[1:], CHECK_CASES)


def _job(order: Order, cell: Cell, index: int, link: Link) -> Job:
    quality = cell.scenario is Scenario.QUALITY
    without_model = not cell.model_sha256
    return Job(
        cell=cell.key,
        launch=index,
        backend=cell.backend,
        scenario=cell.scenario.value,
        model=cell.model_sha256 or None,
        model_format=order.formats.get(cell.model_sha256, "none"),
        inputs={} if without_model else dict(order.inputs),
        batch=cell.batch,
        threads=cell.threads,
        precision=cell.precision,
        warmup=WARMUP_CALLS if cell.iterations else 0,
        iterations=cell.iterations,
        max_timed_s=cell.max_timed_s,
        output_cases=0 if without_model else -1 if quality else CHECK_CASES,
        deadline_s=order.deadline_s,
        options=json.loads(cell.options),
        python=link.python(cell.backend),
        concurrency=cell.concurrency,
        rate_per_s=cell.rate_per_s,
        arrivals=cell.arrivals or "poisson",
        seed=index,
    )


def _record(
    order: Order, cell: Cell, place: tuple[int, int, int], started_at: str, outcome: Outcome
) -> Launch:
    index, attempt, number = place
    return Launch(
        run=order.run,
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
        details=outcome.details,
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


def _without_negative(launch: Launch) -> Launch:
    """Return `launch` as failed where a call took less than no time: its clock cannot be used."""
    samples = launch.samples_ns
    if launch.status != "finished" or not samples.size or samples.min() >= 0:
        return launch
    index = int(samples.argmin())
    message = f"call {index} took {samples[index]} ns: the device's clock went back"
    failure = Failure("measure", "clock", message)
    return dataclasses.replace(launch, status="failed", failure=failure)


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
