"""The loop of one device: connect, check, stage, then rounds of launches. Yields the record.

A link that breaks is mended here: the launch it cut short is yielded as interrupted, and measured
again openly under the next attempt once the device answers. Nothing is measured twice in silence.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from benchhub.device.health import findings, refusal
from benchhub.device.session import DeviceSession
from benchhub.device.stage import Blob
from benchhub.errors import BackendError, DeviceError, Interrupted, Unreachable
from benchhub.model import Array, Cell, DeviceInfo, DeviceProfile, Launch, Scenario
from benchhub.ondevice.wire import Failure, Job, Outcome
from benchhub.prepare import CHECK_CASES

#: How often a lost device is tried again, and how long the pause before each try is.
RECONNECT_PAUSES_S = (1.0, 2.0, 5.0, 10.0, 20.0)
#: A launch cut short this often says something about the cell, not about the link.
MOST_ATTEMPTS = 3
#: Untimed calls before the timed ones; kept apart from them in the record.
WARMUP_CALLS = 10

Connect = Callable[[DeviceProfile], DeviceSession]


@dataclass(frozen=True, slots=True)
class Order:
    """What one device has to do in a run, less what is already in the store.

    `finished` counts finished launches by cell key, `attempts` the launches that did not finish
    by (cell key, index), `closed` names cells that failed and stay so.
    """

    run: str
    device: DeviceProfile
    cells: tuple[Cell, ...]
    blobs: tuple[Blob, ...]
    inputs: Mapping[str, str]
    formats: Mapping[str, str]
    reference: tuple[Array, ...]
    finished: Mapping[str, int]
    attempts: Mapping[tuple[str, int], int]
    closed: frozenset[str]
    deadline_s: float = 120.0
    backends: tuple[str, ...] = ()
    first_round: int = 0


class Watcher(Protocol):
    """Who follows a device at work: the progress display, and the way to stop it."""

    def stopping(self) -> bool:
        """Return whether the device should stop before its next launch."""

    def stop(self) -> None:
        """Ask every device to stop; launches under way are cut short."""

    def connected(self, device: str, session: DeviceSession | None) -> None:
        """Take the session that is now in use, or None when there is none."""

    def status(self, device: str, text: str) -> None:
        """Take a line on what the device is doing."""

    def pushed(self, device: str, count: int) -> None:
        """Take how many more bytes were pushed."""

    def launched(self, launch: Launch) -> None:
        """Take a launch that was recorded."""

    def known(self, info: DeviceInfo, missing: Mapping[str, str]) -> None:
        """Take the device's facts, and the backends it lacks with the reason."""


def measure(order: Order, connect: Connect, watcher: Watcher) -> Iterator[Launch]:
    """Yield every launch of `order` as it ends; DeviceError when the device cannot go on."""
    link = _Link(order, connect, watcher)
    try:
        if not _Todo(order, {}).open_cells():
            return  # resumed, and nothing is left: the device may be off by now
        todo = _Todo(order, link.open())
        for number in itertools.count(order.first_round):
            cells = todo.open_cells()
            random.Random(f"{order.run} {order.device.name} {number}").shuffle(cells)
            for cell in cells:
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
        self._cells = [cell for cell in order.cells if cell.backend not in missing]
        self._finished = dict(order.finished)
        self._attempts = dict(order.attempts)
        self._closed = set(order.closed)

    def open_cells(self) -> list[Cell]:
        return [
            cell
            for cell in self._cells
            if cell.key not in self._closed and self._finished.get(cell.key, 0) < cell.launches
        ]

    def place(self, cell: Cell) -> tuple[int, int]:
        """Return the (index, attempt) of the cell's next launch."""
        index = self._finished.get(cell.key, 0)
        return index, self._attempts.get((cell.key, index), 0)

    def note(self, launch: Launch) -> None:
        key = launch.cell.key
        if launch.status == "finished":
            self._finished[key] = launch.index + 1
        else:
            self._attempts[key, launch.index] = launch.attempt + 1
        if launch.status == "failed":
            self._closed.add(key)


class _Link:
    """A session that can be had again."""

    def __init__(self, order: Order, connect: Connect, watcher: Watcher) -> None:
        self._order, self._connect, self._watcher = order, connect, watcher
        self.session: DeviceSession | None = None
        self._was_ready = False
        self._missing: Mapping[str, str] = {}
        self._moved: dict[str, int] = {"moved_bytes": 0, "moved_blobs": 0}

    def open(self) -> Mapping[str, str]:
        """Return the backends that are missing; Unreachable at once if the device never answers."""
        self._say_hello()
        try:
            self._make_ready()
        except Unreachable:
            self.reopen()
        return self._missing

    def reopen(self) -> None:
        """Connect again, as often as RECONNECT_PAUSES_S has it since the last byte got through."""
        pauses = list(RECONNECT_PAUSES_S)
        size = sum(blob.size_bytes for blob in self._order.blobs)
        while True:
            self.close()
            self._pause(pauses.pop(0))
            before = self._moved["moved_bytes"]
            try:
                self._say_hello()
                self._make_ready()
                return
            except Unreachable:
                # Where a push cannot go on from its middle it must not begin again for ever.
                if before < self._moved["moved_bytes"] < 3 * size:
                    pauses = list(RECONNECT_PAUSES_S)
                elif not pauses:
                    raise

    def _pause(self, pause_s: float) -> None:
        self._watcher.status(self._order.device.name, f"link lost, again in {pause_s:.0f} s")
        until = time.monotonic() + pause_s
        while not self._watcher.stopping() and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(0.2, left_s))

    def _say_hello(self) -> None:
        name = self._order.device.name
        if self._watcher.stopping():
            raise Interrupted(f"{name}: stopped")
        self._watcher.status(name, "connecting")
        self.session = self._connect(self._order.device)
        self._watcher.connected(name, self.session)
        if self._watcher.stopping():
            raise Interrupted(f"{name}: stopped")  # while connecting, so nobody closed this session

    def _make_ready(self) -> None:
        info = None if self._was_ready else self._preflight()
        self._watcher.status(self._order.device.name, "pushing models")
        self._stage()
        if info is not None:
            info = dataclasses.replace(info, staged=dict(self._moved))
            self._watcher.known(info, self._missing)
            self._was_ready = True

    def close(self) -> None:
        if self.session is not None:
            self._watcher.connected(self._order.device.name, None)
            self.session.close()
            self.session = None

    def _preflight(self) -> DeviceInfo:
        assert self.session is not None
        device = self._order.device
        facts, conditions = self.session.facts(), self.session.conditions()
        checks = findings(device, facts, conditions, self._order.backends)
        info = DeviceInfo(
            device.name, device.transport, device.emulated, facts, checks, labels=device.labels
        )
        missing = {
            check.check.removeprefix("backend "): f"{check.found} on {device.name}; {check.fix}"
            for check in checks
            if check.check.startswith("backend ") and check.level != "ok"
        }
        error: DeviceError | None = None
        if (reason := refusal(checks)) is not None:
            error = DeviceError(f"{device.name}: not fit to measure: {reason}")
        elif missing and len(missing) == len(self._order.backends):
            reason = "; ".join(missing.values())
            error = BackendError(f"{device.name}: has none of the suite's backends: {reason}")
        if error is not None:
            self._watcher.known(dataclasses.replace(info, error=str(error)), {})
            raise error
        self._missing = missing
        return info

    def _stage(self) -> None:
        assert self.session is not None
        device = self._order.device.name

        def pushed(count: int) -> None:
            self._moved["moved_bytes"] += count
            self._watcher.pushed(device, count)

        report = self.session.stage(self._order.blobs, pushed)
        self._moved["moved_blobs"] += report.moved_blobs


def _launch(order: Order, cell: Cell, number: int, todo: _Todo, link: _Link) -> Launch:
    assert link.session is not None
    index, attempt = todo.place(cell)
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        outcome = link.session.launch(_job(order, cell, index))
    except Unreachable as error:
        again = attempt + 1 < MOST_ATTEMPTS
        outcome = Outcome(status="interrupted" if again else "failed")
        outcome.failure = Failure("link", "link", str(error))
    launch = _record(order, cell, (index, attempt, number), started_at, outcome)
    return _without_nonfinite(launch, order.reference)


def _job(order: Order, cell: Cell, index: int) -> Job:
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
