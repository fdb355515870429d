from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from controller_side import Device

from benchhub.ondevice.wire import Array, Job, Outcome

pytestmark = pytest.mark.usefixtures("processes")

MakeJob = Callable[..., Job]
Cases = np.ndarray[Any, Any]
WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3)


def as_numpy(array: Array) -> Any:
    return np.frombuffer(array.data, array.dtype).reshape(array.shape)


def assert_failed(outcome: Outcome, stage: str, kind: str, words: str) -> None:
    assert outcome.status == "failed"
    assert outcome.failure is not None
    assert (outcome.failure.stage, outcome.failure.kind) == (stage, kind), outcome.failure
    assert words in outcome.failure.message
    assert "\n" not in outcome.failure.message
    assert outcome.before is not None
    assert outcome.after is not None


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_latency_launch_brings_everything_back(
    device: Device, job: MakeJob, cases: Cases, backend: str
) -> None:
    outcome = device.start().launch(job(backend=backend))
    assert outcome.failure is None
    assert outcome.status == "finished"
    assert (len(outcome.warmup_ns), len(outcome.samples_ns)) == (3, 20)
    assert min(outcome.samples_ns) > 0
    assert outcome.elapsed_ns is not None
    assert outcome.elapsed_ns >= sum(outcome.samples_ns)
    assert outcome.precision == "f32"
    assert outcome.backend_version
    for field in ("import_ns", "load_ns", "first_inference_ns", "wall_ns"):
        assert getattr(outcome, field) > 0, field
    assert outcome.imported_rss_bytes is not None
    assert outcome.peak_rss_bytes is not None
    assert outcome.peak_rss_bytes > outcome.imported_rss_bytes > 1 << 20
    assert outcome.involuntary_switches is not None
    (output,) = outcome.outputs
    assert (output.name, output.dtype) == ("y", "<f4")
    np.testing.assert_allclose(as_numpy(output), cases[:4] @ WEIGHTS, rtol=1e-5)


def test_more_iterations_than_memory_can_hold_are_refused(device: Device, job: MakeJob) -> None:
    outcome = device.start().launch(job(iterations=2_000_000_000))
    assert_failed(outcome, "first", "raised", "2000000000 iterations; at most 10000000")


def test_own_cpu_time_covers_the_child(device: Device, job: MakeJob) -> None:
    outcome = device.start().launch(job())
    before, after = outcome.before, outcome.after
    assert before is not None
    assert after is not None
    assert after.at_ns > before.at_ns
    assert before.own_cpu_ticks is not None
    assert after.own_cpu_ticks is not None
    assert after.own_cpu_ticks > before.own_cpu_ticks


@pytest.fixture
def one_core() -> Iterator[int]:
    """The first core, the only one that processes started meanwhile may use."""
    before = os.sched_getaffinity(0)
    if len(before) == 1:
        pytest.skip("there is one core only")
    os.sched_setaffinity(0, {min(before)})
    yield min(before)
    os.sched_setaffinity(0, before)


@pytest.mark.parametrize(("backend", "at_once"), [("onnxruntime", 3), ("openvino", 4)])
def test_a_launch_tells_the_cores_it_had(
    device: Device, job: MakeJob, one_core: int, backend: str, at_once: int
) -> None:
    asked = job(backend=backend, scenario="throughput", threads=2, concurrency=2)
    outcome = device.start().launch(asked)
    assert outcome.status == "finished"
    had = outcome.details["processors"]
    assert had["affinity"] == str(one_core)
    assert (had["cores"], had["limited_by"]) == (1, "affinity mask")
    assert outcome.details["threads_at_once"] == at_once


def test_a_launch_that_fails_while_it_times_tells_its_cores(device: Device, job: MakeJob) -> None:
    bad = job(backend="faulty", options={"fault": "raise", "at": "time"})
    assert device.start().launch(bad).details["processors"]["cores"] >= 0.01


@pytest.mark.parametrize("batch", [1, 3, 10])
def test_quality_launch_returns_every_case_once(
    device: Device, job: MakeJob, cases: Cases, batch: int
) -> None:
    outcome = device.start().launch(
        job(scenario="quality", batch=batch, warmup=0, iterations=0, output_cases=-1)
    )
    assert outcome.status == "finished"
    assert len(outcome.samples_ns) == 0
    np.testing.assert_allclose(as_numpy(outcome.outputs[0]), cases @ WEIGHTS, rtol=1e-5)


def test_throughput_launch_runs_whole_batches(device: Device, job: MakeJob) -> None:
    outcome = device.start().launch(job(scenario="throughput", batch=4, threads=2))
    assert outcome.status == "finished"
    assert outcome.outputs[0].shape == (4, 3)


def test_memory_and_cold_start_launches(device: Device, job: MakeJob) -> None:
    talk = device.start()
    memory = talk.launch(job(scenario="memory", warmup=0, iterations=3))
    cold = talk.launch(job(scenario="cold_start", warmup=0, iterations=0, output_cases=0))
    assert memory.peak_rss_bytes
    assert len(memory.samples_ns) == 3
    assert cold.status == "finished"
    assert cold.first_inference_ns
    assert (len(cold.samples_ns), cold.outputs, cold.elapsed_ns) == (0, [], None)


def test_null_backend_needs_no_files(device: Device, job: MakeJob) -> None:
    outcome = device.start().launch(
        job(backend="null", model=None, model_format="none", inputs={}, iterations=50)
    )
    assert outcome.status == "finished"
    assert len(outcome.samples_ns) == 50


def test_time_limit_ends_the_timed_section_early(device: Device, job: MakeJob) -> None:
    outcome = device.start().launch(job(iterations=50, min_iterations=5, max_timed_s=0.0))
    assert len(outcome.samples_ns) == 5


@pytest.mark.parametrize(
    ("fault", "at", "stage", "kind", "words"),
    [
        ("raise", "load", "load", "raised", "RuntimeError: a fault that was asked for"),
        ("raise", "time", "time", "raised", "RuntimeError"),
        ("segfault", "time", "time", "crashed", "SIGSEGV"),
        ("exit", "load", "load", "exited", "status 7"),
        ("shape", "time", "outputs", "shape", "declared as ?x3 and came as 4x2"),
    ],
)
def test_faults_are_attributed_and_the_next_launch_runs(
    device: Device, job: MakeJob, fault: str, at: str, stage: str, kind: str, words: str
) -> None:
    talk = device.start()
    bad = job(backend="faulty", batch=4, options={"fault": fault, "at": at})
    assert_failed(talk.launch(bad), stage, kind, words)
    assert talk.launch(job(backend="null", model=None, inputs={})).status == "finished"


@pytest.mark.parametrize("at", ["load", "time"])
def test_hang_is_killed_at_the_deadline(device: Device, job: MakeJob, at: str) -> None:
    bad = job(backend="faulty", options={"fault": "hang", "at": at}, deadline_s=3.0)
    assert_failed(device.start().launch(bad), at, "deadline", "3 s")


def test_nan_is_sent_back_for_the_controller_to_judge(device: Device, job: MakeJob) -> None:
    outcome = device.start().launch(job(backend="faulty", options={"fault": "nan"}))
    assert outcome.status == "finished"
    assert np.isnan(as_numpy(outcome.outputs[0])).all()


def test_blobs_that_are_absent_or_damaged_are_named(device: Device, job: MakeJob) -> None:
    talk = device.start()
    assert_failed(talk.launch(job(model="0" * 64)), "spawn", "blob", "model 000000000000")
    sound = job()
    assert sound.model is not None
    (device.root / "blobs" / sound.model).write_bytes(b"damaged")
    assert_failed(talk.launch(sound), "spawn", "blob", "stage it again")


def test_what_cannot_be_read_in_a_blobs_place_ends_the_launch_and_not_the_agent(
    device: Device, job: MakeJob
) -> None:
    talk, sound = device.start(), job()
    blob = device.root / "blobs" / str(sound.model)
    blob.unlink()
    blob.mkdir()
    assert_failed(talk.launch(sound), "spawn", "blob", "cannot be read: Is a directory")
    assert talk.launch(job(backend="null", model=None, inputs={})).status == "finished"


def test_corrupt_model_is_a_failed_launch(device: Device, job: MakeJob) -> None:
    outcome = device.start().launch(job(model=device.put(b"not a model" * 99)))
    assert_failed(outcome, "load", "raised", "")


def test_unknown_backend_is_missing(device: Device, job: MakeJob) -> None:
    outcome = device.start().launch(job(backend="nonesuch"))
    assert_failed(outcome, "import", "missing", "nonesuch")


def test_inputs_that_do_not_fit_the_model(device: Device, job: MakeJob) -> None:
    talk = device.start()
    good = job()
    other = talk.launch(job(inputs={"z": good.inputs["x"]}))
    assert_failed(other, "first", "raised", "the model takes inputs x, the job has z")


def test_other_interpreters(device: Device, job: MakeJob, old_python: Path) -> None:
    talk = device.start()
    absent = talk.launch(job(python="/nonexistent/python"))
    assert_failed(absent, "spawn", "missing", "/nonexistent/python")
    assert_failed(talk.launch(job(python=str(old_python))), "spawn", "missing", "3.6")
