from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from controller_side import Device
from track_backend import installed

from benchhub.ondevice.measure.concurrent import Crew
from benchhub.ondevice.measure.paced import SPIN_NS, Paced, schedule, time_paced, wait_until
from benchhub.ondevice.measure.streams import Streams
from benchhub.ondevice.wire import Job

S = 10**9


class Queue:
    """A world with one server: time passes in calls and in waiting, and nowhere else."""

    def __init__(self, services: Sequence[int]) -> None:
        self.now = 0
        self._services = iter(services)

    def clock(self) -> int:
        return self.now

    def call(self) -> None:
        self.now += next(self._services)

    def wait(self, due: int, clock: Callable[[], int]) -> int:
        self.now = max(self.now, due)
        return self.now

    def serve(self, due: Sequence[int], cutoff_ns: int = 10**18, at_least: int = 1) -> Paced:
        return time_paced(
            Crew(1), [self.call], due, self.clock, cutoff_ns, at_least, wait=self.wait
        )


def waits(due: Sequence[int], services: Sequence[int]) -> list[int]:
    """How long each call waits for a single server (Lindley's recursion)."""
    found = [0]
    for index in range(1, len(due)):
        gap = due[index] - due[index - 1]
        found.append(max(0, found[-1] + services[index - 1] - gap))
    return found


def test_latency_counts_from_the_arrival_as_the_exact_queue_has_it() -> None:
    rng = np.random.default_rng(5)
    services = [int(value) for value in rng.gamma(2, 4e6, 500)]
    due = schedule(100, "poisson", 3, 500, 1, 100 * S)
    done = Queue(services).serve(due)
    expected = waits(due, services)
    assert list(done.service) == services
    assert list(done.latency) == [a + b for a, b in zip(expected, services, strict=True)]
    assert done.waited == sum(wait > 0 for wait in expected) > 100
    assert list(done.late) == [0] * (500 - done.waited)
    assert done.elapsed_ns == due[-1] + done.latency[-1]
    assert (done.offered, len(done.latency)) == (500, 500)


def test_one_stall_is_charged_to_every_call_that_waited_for_its_end() -> None:
    services = [1_000_000] * 100
    services[10] = 500_000_000
    done = Queue(services).serve(schedule(100, "fixed", 0, 100, 1, 10 * S))
    assert sum(service > 2_000_000 for service in done.service) == 1
    assert sum(latency > 2_000_000 for latency in done.latency) > 50
    assert max(done.latency) == 500_000_000


def test_mean_wait_is_that_of_pollaczek_and_khinchine() -> None:
    rate, service_s, calls = 70.0, 0.01, 60_000
    due = schedule(rate, "poisson", 11, calls, 1, 10**15)
    done = Queue([round(service_s * S)] * calls).serve(due)
    load = rate * service_s
    known_s = load * service_s / (2 * (1 - load))  # M/D/1
    measured_s = float(np.mean(np.array(done.latency) - np.array(done.service))) / S
    assert measured_s == pytest.approx(known_s, rel=0.05)


def test_a_queue_that_only_grows_is_ended_and_told() -> None:
    due = schedule(1000, "fixed", 0, 1000, 1, S)  # each call takes five gaps
    done = Queue([5_000_000] * 1000).serve(due, cutoff_ns=2 * S)
    assert (done.offered, len(done.latency)) == (1000, 401)
    assert done.latency[-1] == 401 * 5_000_000 - due[400]
    assert done.details() == {
        "offered": 1000, "completed": 401, "late_starts": 400,
        "start_late_p50_ns": 0, "start_late_p99_ns": 0,
    }  # fmt: skip


def test_the_least_number_of_calls_is_made_however_late() -> None:
    done = Queue([S] * 50).serve(schedule(1000, "fixed", 0, 50, 1, S), cutoff_ns=0, at_least=7)
    assert len(done.latency) == 7


@pytest.mark.parametrize("arrivals", ["fixed", "poisson"])
def test_a_schedule_keeps_its_rate_and_its_seed(arrivals: str) -> None:
    due = schedule(250, arrivals, 7, 20_000, 1, 10**15)
    assert due == schedule(250, arrivals, 7, 20_000, 1, 10**15)
    gaps = np.diff(due)
    assert gaps.min() >= 0
    assert gaps.mean() == pytest.approx(4e6, rel=0.02)
    spread = gaps.std() / gaps.mean()
    assert spread == pytest.approx(0 if arrivals == "fixed" else 1, abs=0.03)
    if arrivals == "poisson":
        assert due != schedule(250, arrivals, 8, 20_000, 1, 10**15)


def test_a_schedule_ends_by_number_or_by_time() -> None:
    assert list(schedule(10, "fixed", 0, 3, 1, 10 * S)) == [0, S // 10, S // 5]
    assert len(schedule(10, "fixed", 0, 100, 1, S)) == 11
    assert len(schedule(10, "fixed", 0, 100, 40, S)) == 40
    assert len(schedule(0.001, "poisson", 0, 100, 1, S)) == 1


@pytest.mark.parametrize(("rate", "arrivals"), [(0, "fixed"), (-1, "poisson"), (5, "bursty")])
def test_nonsense_is_refused(rate: float, arrivals: str) -> None:
    with pytest.raises(ValueError, match=r"rate_per_s must|arrivals are"):
        schedule(rate, arrivals, 0, 10, 1, S)


def test_waiting_sleeps_first_and_then_watches_the_clock() -> None:
    now, slept, pauses = 0, array("d"), 0

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += round(seconds * S) + 60_000  # no sleep is exact

    def pause() -> None:
        nonlocal now, pauses
        pauses += 1
        now += 1_000

    due = 5_000_000
    reached = wait_until(due, lambda: now, sleep, pause)
    assert due <= reached < due + 1_000
    assert list(slept) == [(due - SPIN_NS) / S]
    assert pauses == (SPIN_NS - 60_000) // 1_000
    assert wait_until(due - 1, lambda: now, sleep, pause) == now
    assert len(slept) == 1


def test_two_workers_share_the_arrivals_in_order() -> None:
    began: list[tuple[int, int]] = []
    lock = threading.Lock()
    counter = iter(range(10**6))

    def call() -> None:
        with lock:
            began.append((threading.get_ident(), next(counter)))
        time.sleep(0.002)  # the subject

    due = schedule(600, "poisson", 2, 60, 1, 10 * S)
    done = time_paced(Crew(2), [call, call], due, time.perf_counter_ns, 60 * S)
    assert len(done.latency) == len(began) == 60
    assert {ident for ident, _ in began} >= {threading.get_ident()}
    assert len({ident for ident, _ in began}) == 2
    assert sorted(set(done.owners)) == [0, 1]
    assert all(a >= b >= 2_000_000 for a, b in zip(done.latency, done.service, strict=True))
    assert len(done.late) + done.waited == 60
    starts = [at + a - b for at, a, b in zip(due, done.latency, done.service, strict=True)]
    ends = [at + a for at, a in zip(due, done.latency, strict=True)]
    under_way = [sum(end > start for end in ends[:i]) for i, start in enumerate(starts)]
    assert max(under_way) == 1  # besides the call that starts there


def test_an_error_ends_the_others_too() -> None:
    made = 0

    def good() -> None:
        nonlocal made
        made += 1

    def bad() -> None:
        raise RuntimeError("out of order")

    due = schedule(2000, "fixed", 0, 10_000, 1, 60 * S)
    with pytest.raises(RuntimeError, match="out of order"):
        time_paced(Crew(2), [bad, good], due, time.perf_counter_ns, 60 * S)
    assert made < 10_000


def test_a_late_call_within_the_schedule_is_served_though_the_deadline_is_short() -> None:
    job = Job(
        cell="c", launch=0, backend="null", scenario="paced", model=None, model_format="none",
        inputs={}, rate_per_s=100.0, arrivals="fixed", iterations=10, max_timed_s=10.0,
        deadline_s=0.02,
    )  # fmt: skip
    streams = Streams(job, lambda: time.sleep(0.011), None, None)  # the subject
    samples, _, _ = streams.time(time.perf_counter_ns, 10 * S)
    assert len(samples) == 10, "nothing is overloaded before the last arrival"


@pytest.mark.usefixtures("processes")
def test_a_paced_launch_brings_back_both_times(device: Device, job: Callable[..., Job]) -> None:
    outcome = device.start().launch(
        job(
            backend="null", model=None, model_format="none", inputs={}, scenario="paced",
            rate_per_s=200.0, arrivals="poisson", seed=4, iterations=40, max_timed_s=5.0,
        )
    )  # fmt: skip
    assert outcome.failure is None
    assert len(outcome.samples_ns) == len(outcome.tracks_ns["service"]) == 40
    pairs = zip(outcome.samples_ns, outcome.tracks_ns["service"], strict=True)
    assert all(latency >= service > 0 for latency, service in pairs)
    assert outcome.elapsed_ns is not None
    assert outcome.elapsed_ns >= schedule(200.0, "poisson", 4, 40, 1, 5 * S)[-1]
    assert outcome.details["paced"]["offered"] == outcome.details["paced"]["completed"] == 40
    assert outcome.details["paced"]["late_starts"] < 40


@pytest.mark.usefixtures("processes")
def test_an_overloaded_launch_ends_and_tells_what_was_left(
    device: Device, job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed(tmp_path / "site")))
    outcome = device.start().launch(
        job(
            backend="tracking", model=None, model_format="none", inputs={}, scenario="paced",
            rate_per_s=2000.0, arrivals="fixed", iterations=10_000, max_timed_s=0.1, warmup=1,
            options={"pause_s": 0.01},
        )
    )  # fmt: skip
    assert outcome.failure is None
    told = outcome.details["paced"]
    assert told["offered"] == 201  # 0.1 s of arrivals, of which 0.2 s serve at most twenty
    assert 1 <= told["completed"] == len(outcome.samples_ns) <= 21
    assert told["late_starts"] >= told["completed"] - 1
    for index, latency in enumerate(outcome.samples_ns):  # a pause is never shorter than asked
        assert latency >= 10_000_000 * (index + 1) - 500_000 * index
