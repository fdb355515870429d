from __future__ import annotations

import ast
import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from controller_side import Device
from track_backend import installed
from waiting import PATIENCE_S

from benchhub.ondevice.failed import Failed
from benchhub.ondevice.measure import stages as measure
from benchhub.ondevice.measure.concurrent import Crew, time_concurrently
from benchhub.ondevice.measure.tracks import collect
from benchhub.ondevice.wire import Job

MakeJob = Callable[..., Job]
LONG_NS = 60 * 10**9


def test_calls_really_run_at_the_same_time() -> None:
    together = threading.Barrier(4)  # nobody gets past it alone

    def call() -> None:
        together.wait(timeout=PATIENCE_S)

    timed = time_concurrently(Crew(4), [call] * 4, time.perf_counter_ns, 25, 1, LONG_NS)
    assert len(timed.samples) == 100
    assert [timed.owners.count(owner) for owner in range(4)] == [25] * 4
    assert min(timed.samples) > 0
    assert timed.elapsed_ns * 4 >= sum(timed.samples)


def test_a_fast_thread_makes_more_calls_than_a_slow_one() -> None:
    calls = [lambda: time.sleep(0.02), lambda: time.sleep(0.0005)]  # the subject
    timed = time_concurrently(Crew(2), calls, time.perf_counter_ns, 20, 1, LONG_NS)
    assert len(timed.samples) == 40
    assert timed.owners.count(1) > timed.owners.count(0) >= 1
    slow = [s for s, owner in zip(timed.samples, timed.owners, strict=True) if owner == 0]
    assert min(slow) >= 20_000_000


@pytest.mark.parametrize(("least", "most"), [(1, 3), (9, 11)])
def test_the_time_limit_ends_every_thread(least: int, most: int) -> None:
    def call() -> None:
        time.sleep(0.001)  # the subject

    timed = time_concurrently(Crew(3), [call] * 3, time.perf_counter_ns, 100, least, 0)
    assert least <= len(timed.samples) <= most
    assert -1 not in timed.owners


def test_a_crew_keeps_its_threads_and_begins_with_ones_own() -> None:
    crew = Crew(3)
    seen: list[list[int]] = [crew.run([threading.get_ident] * 3) for _ in range(5)]
    assert len({tuple(idents) for idents in seen}) == 1
    assert seen[0][0] == threading.get_ident()
    assert len(set(seen[0])) == 3


def test_an_error_is_raised_once_all_have_stopped() -> None:
    made = 0

    def good() -> None:
        nonlocal made
        made += 1
        time.sleep(0.0005)  # the subject

    def bad() -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        time_concurrently(Crew(2), [good, bad], time.perf_counter_ns, 100_000, 1, LONG_NS)
    after = made
    time.sleep(0.02)  # the subject
    assert made == after < 200_000


def test_no_calls_make_no_samples() -> None:
    timed = time_concurrently(Crew(2), [print, print], time.perf_counter_ns, 0, 1, LONG_NS)
    assert timed == (array("q"), array("i"), 0)


class Kept:
    def __init__(self, **series: list[int]) -> None:
        self._series = series

    def tracks(self) -> dict[str, list[int]]:
        return self._series


def test_tracks_of_several_callables_come_in_the_order_of_the_samples() -> None:
    calls = [Kept(device=[1, 2, 3]), Kept(device=[10, 20])]
    assert collect(calls, 5, [0, 1, 1, 0, 0]) == {"device": array("q", [1, 10, 20, 2, 3])}
    assert collect(calls[:1], 3) == {"device": array("q", [1, 2, 3])}
    assert collect([Kept()], 3) == {}


def test_a_track_that_lost_a_call_is_a_failure() -> None:
    with pytest.raises(Failed, match="track device holds 2 values of 3 calls") as caught:
        collect([Kept(device=[1, 2])], 3)
    assert caught.value.kind == "raised"


@pytest.mark.usefixtures("processes")
def test_a_launch_with_several_calls_under_way(device: Device, job: MakeJob) -> None:
    outcome = device.start().launch(job(scenario="throughput", concurrency=3, iterations=10))
    assert outcome.failure is None
    assert (len(outcome.samples_ns), len(outcome.warmup_ns)) == (30, 9)
    assert sum(outcome.details["calls_per_thread"]) == 30
    assert outcome.elapsed_ns is not None
    assert outcome.elapsed_ns * 3 >= sum(outcome.samples_ns)
    assert len(outcome.outputs) == 1


@pytest.mark.usefixtures("processes")
def test_more_samples_than_memory_can_hold_are_refused(device: Device, job: MakeJob) -> None:
    outcome = device.start().launch(job(concurrency=8, iterations=2_000_000))
    assert outcome.failure is not None
    assert "16000000 iterations; at most 10000000" in outcome.failure.message


@pytest.fixture
def tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed(tmp_path / "site")))


@pytest.mark.usefixtures("tracking")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"scenario": "throughput", "concurrency": 2},
        {"scenario": "paced", "concurrency": 2, "rate_per_s": 500.0, "arrivals": "fixed"},
    ],
)
@pytest.mark.usefixtures("processes")
def test_a_backends_own_clock_comes_back_beside_the_hosts(
    device: Device, job: MakeJob, settings: dict[str, object]
) -> None:
    outcome = device.start().launch(
        job(backend="tracking", model=None, model_format="none", inputs={}, **settings)
    )
    assert outcome.failure is None
    count = len(outcome.samples_ns)
    assert count == (40 if settings.get("scenario") == "throughput" else 20)
    assert set(outcome.tracks_ns) - {"service"} == {"device", "copy_in"}
    assert outcome.details["concurrency"] == settings.get("concurrency", 1)  # the backend's word
    # The backend counts 1000 a call from begin() on, each of its callables for itself.
    counted = sorted(outcome.tracks_ns["device"])
    assert len(counted) == count
    assert set(counted) == {1000 * (n + 1) for n in range(max(counted) // 1000)}
    assert list(outcome.tracks_ns["copy_in"]) == [7] * count
    assert (outcome.gpu_bytes, outcome.gpu_source) == (123_456_789, "tracking's own count")


@pytest.mark.usefixtures("tracking")
@pytest.mark.parametrize(
    ("fault", "stage", "kind", "words"),
    [
        ("lost", "time", "raised", "track device holds 19 values of 20 calls"),
        ("memory", "load", "memory", "MemoryError: no room for 9 GiB"),
        ("failed", "load", "unsupported", "no kernel for Foo; use another backend"),
    ],
)
@pytest.mark.usefixtures("processes")
def test_failures_of_a_known_kind_keep_it(
    device: Device, job: MakeJob, fault: str, stage: str, kind: str, words: str
) -> None:
    outcome = device.start().launch(
        job(
            backend="tracking",
            model=None,
            model_format="none",
            inputs={},
            options={"fault": fault},
        )
    )
    assert outcome.failure is not None
    assert (outcome.failure.stage, outcome.failure.kind) == (stage, kind)
    assert outcome.failure.message.startswith(words)
    assert "\n" not in outcome.failure.message


def test_a_plain_launch_does_without_the_modules_of_the_others() -> None:
    tree = ast.parse(Path(measure.__file__).read_text())
    first = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    loaded = {name for node in first for name in (node.module, *(a.name for a in node.names))}
    others = ("streams", "concurrent", "paced", "tracks", "energy", "nvml", "gpu_memory")
    assert not loaded & {*others, *(f"benchhub.ondevice.{name}" for name in others)}
