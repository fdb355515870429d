"""The backends' contract as a controller sees it: here, and on ARM devices over SSH."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from subjects import SUBJECTS, Subject, expected_scores, images

from benchhub.device.provision.install import provision
from benchhub.device.provision.lock import shipped
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.staging.blob import Blob
from benchhub.model.device import DeviceProfile
from benchhub.ondevice.wire import Job, Outcome

if TYPE_CHECKING:
    from lab.lab import Lab

CASES = 4
#: What each device can have: all of them here, and on ARM what has wheels for it.
BACKENDS = {
    "localhost": ("null", "onnxruntime", "openvino", "tflite", "torch"),
    "lab-arm64": ("null", "onnxruntime", "openvino", "tflite"),
    "lab-arm64-vm": ("null", "onnxruntime", "openvino", "tflite"),
}


class Device:
    """A session on one device, with the environments it needs and the models that were pushed."""

    def __init__(self, session: DeviceSession, cases: Blob, arrays: Any) -> None:
        self.session, self.cases, self.arrays = session, cases, arrays
        self.pythons: dict[str, str | None] = {}

    def launch(self, subject: Subject, model: Blob, **changes: Any) -> Outcome:
        settings: dict[str, Any] = {
            "cell": "contract", "launch": 0, "backend": subject.name, "scenario": "latency",
            "model": model.sha256 if subject.computes else None, "model_format": subject.format,
            "inputs": {"image": self.cases.sha256} if subject.computes else {},
            "warmup": 1, "iterations": 3, "output_cases": CASES, "deadline_s": 240.0,
            "python": self.pythons.get(subject.name),
        }  # fmt: skip
        return self.session.launch(Job(**{**settings, **changes}))


@pytest.fixture(scope="module")
def device(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    processes: None,
    servers: None,
) -> Iterator[Device]:
    folder = tmp_path_factory.mktemp("contract")
    name = request.param
    if name == "localhost":
        profile = DeviceProfile(name=name, transport="local", root=str(folder / "root"))
    else:
        lab: Lab = request.getfixturevalue("arm_lab")
        if name in lab.missing:
            pytest.skip(lab.missing[name])
        profile = lab.profile(name)
    arrays = images(CASES, seed=3)
    np.save(folder / "cases.npy", arrays["image"])
    cases = Blob.of_file(folder / "cases.npy")
    with DeviceSession.open(profile, build_runner(), holder("contract")) as session:
        session.stage([cases])
        found = Device(session, cases, arrays)
        if name != "localhost":
            wheels = Path.home() / ".cache" / "benchhub-tests" / "wheels"
            for backend in BACKENDS[name][1:]:
                made = provision(session, shipped(backend), wheels)
                found.pythons[backend] = made.environment.python
        yield found


def staged(device: Device, subject: Subject, tmp_path: Path) -> Blob:
    blob = Blob.of_file(subject.write(tmp_path / "model"))
    device.session.stage([blob])
    return blob


PAIRS = [
    pytest.param(
        device,
        subject,
        id=f"{device}-{subject.label}",
        marks=[pytest.mark.asks(*subject.needs)] * (subject.name == "torch")
        if device == "localhost"
        else [pytest.mark.lab, pytest.mark.xdist_group("arm")],
    )
    for device, backends in BACKENDS.items()
    for subject in SUBJECTS
    if subject.name in backends
]
READING = [pair for pair in PAIRS if pair.values[1].computes]


@pytest.mark.parametrize(("device", "subject"), PAIRS, indirect=["device"])
def test_keeps_the_contract(device: Device, subject: Subject, tmp_path: Path) -> None:
    model = staged(device, subject, tmp_path)
    expected = expected_scores(device.arrays) if subject.computes else None
    for settings in ({"batch": 1, "threads": 1}, {"batch": 3, "threads": 2}):
        outcome = device.launch(subject, model, **settings)
        assert outcome.failure is None
        assert len(outcome.samples_ns) == 3
        assert all(sample > 0 for sample in outcome.samples_ns)
        assert outcome.backend_version
        assert outcome.provider
        assert outcome.precision == subject.precision
        assert outcome.clock == "perf_counter_ns"
        json.dumps(outcome.details)
        assert outcome.peak_rss_bytes is None or outcome.peak_rss_bytes > 0
        if expected is not None:
            (scores,) = outcome.outputs
            found = np.frombuffer(scores.data, scores.dtype).reshape(scores.shape)
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("device", "subject"), READING, indirect=["device"])
def test_a_model_of_another_format_fails_in_one_line(
    device: Device, subject: Subject, tmp_path: Path
) -> None:
    model = staged(device, subject, tmp_path)
    outcome = device.launch(subject, model, model_format="gguf")
    assert outcome.failure is not None
    assert (outcome.failure.stage, outcome.failure.kind) == ("load", "raised")
    assert "gguf" in outcome.failure.message
    assert "\n" not in outcome.failure.message
