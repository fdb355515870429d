"""The quickstart's model and cases on this machine as a device, for benchmarks that need one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.staging.blob import Blob
from benchhub.model.device import DeviceProfile
from benchhub.ondevice.wire import Job, Outcome

MODEL = Path(__file__).parent.parent / "suites" / "quickstart" / "chest_xray.onnx"
INPUT = "image"
SHAPE = (1, 64, 64)


@dataclass(frozen=True, slots=True)
class Bench:
    """An open session that has the model and its cases."""

    session: DeviceSession
    model: str
    cases: str
    cases_path: Path

    def launch(self, backend: str, **changes: Any) -> Outcome:
        """Run one launch of standard effort, `changes` apart; RuntimeError if it fails."""
        settings: dict[str, Any] = {
            "cell": "benchmark", "launch": 0, "backend": backend, "scenario": "latency",
            "model": self.model, "model_format": "onnx", "inputs": {INPUT: self.cases},
        }  # fmt: skip
        outcome = self.session.launch(Job(**{**settings, **changes}))
        if outcome.failure is not None:
            raise RuntimeError(f"{backend}: {outcome.failure}")
        return outcome


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Open a session on this machine, below `folder`, and stage what the quickstart needs."""
    path = folder / "cases.npy"
    cases = np.random.default_rng(14).normal(size=(16, *SHAPE)).astype(np.float32)
    np.save(path, cases)
    profile = DeviceProfile(name="localhost", transport="local", root=str(folder / "root"))
    model, inputs = Blob.of_file(MODEL), Blob.of_file(path)
    with DeviceSession.open(profile, build_runner(), holder("benchmark")) as session:
        session.stage([model, inputs])
        yield Bench(session, model.sha256, inputs.sha256, path)
