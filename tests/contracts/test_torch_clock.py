"""The device clock and the order of a CUDA call, with stand-ins: no GPU is used."""

from __future__ import annotations

import time
from array import array
from typing import Any

import numpy as np
import pytest
import torch
from models_torch import Tiny
from subjects import expected_scores, images

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.backends.torch.compute import Compute, prepared
from benchhub.ondevice.backends.torch.cuda import Cuda, CudaSession
from benchhub.ondevice.backends.torch.event_clock import EventClock
from benchhub.ondevice.backends.torch.nvidia import parse_driver

pytestmark = pytest.mark.usefixtures("torch")


class Ticks:
    """A device clock that moves one tick a mark."""

    def __init__(self) -> None:
        self.made = self.now = 0

    def create(self) -> list[int]:
        self.made += 1
        return [0]

    def record(self, mark: list[int], ticks: int) -> None:
        self.now += ticks
        mark[0] = self.now


@pytest.mark.parametrize("most", [2, 100])
def test_event_clock_reads_every_call_and_reuses_its_marks(most: int) -> None:
    ticks = Ticks()
    clock = EventClock(ticks.create, lambda first, last: float(last[0] - first[0]), most=most)
    assert clock.next() is None
    for _ in range(2):
        clock.begin(5)
        for call in range(5):
            marks = clock.next()
            assert marks is not None
            for mark, step in zip(marks, (10, 1, call + 1, 3), strict=True):
                ticks.record(mark, step)
        tracks = clock.tracks()
        assert tracks["copy_in"] == array("q", [1_000_000] * 5)
        assert tracks["device"] == array("q", [(call + 1) * 1_000_000 for call in range(5)])
        assert tracks["copy_out"] == array("q", [3_000_000] * 5)
        assert clock.next() is None
    assert ticks.made == 4 * min(most, 5)


class HostEvent:
    """Stands in for a CUDA event: the host's clock when it was recorded."""

    def __init__(self) -> None:
        self.at_ns = 0

    def record(self, stream: object) -> None:
        self.at_ns = time.perf_counter_ns()

    def elapsed_time(self, other: HostEvent) -> float:
        return (other.at_ns - self.at_ns) / 1e6


class HostStream:
    """Stands in for a CUDA stream: everything has happened already."""

    def synchronize(self) -> None:
        return


class HostCuda(Cuda):
    """Stands in for torch.cuda, on the CPU: what a GPU would do at once, in order."""

    device = "cpu"

    def __init__(self) -> None:
        self.captures = 0

    def stream(self) -> HostStream:
        return HostStream()

    def enter(self, stream: object) -> None:
        return

    def event(self, stream: object) -> HostEvent:
        return HostEvent()

    def synchronize(self) -> None:
        return

    def pinned(self, shape: Any, dtype: Any) -> Any:
        return torch.empty(tuple(shape), dtype=dtype)

    def captured(self, stream: object, compute: Any) -> Any:
        self.captures += 1
        outputs = compute()

        def replay() -> None:
            for target, fresh in zip(outputs, compute(), strict=True):
                target.copy_(fresh)

        return replay, outputs


@pytest.mark.parametrize("graphs", [False, True])
@pytest.mark.parametrize("precision", ["f32", "f16"])
def test_order_of_a_cuda_call_with_a_stand_in_for_the_gpu(graphs: bool, precision: str) -> None:
    """Buffers, marks, capture and reuse; not one CUDA call is made, so it shows nothing more."""
    cuda = HostCuda()
    image = TensorInfo("image", "float32", (None, 3, 12, 12))
    scores = TensorInfo("scores", "float32", (None, 5))
    compute = Compute(prepared(Tiny(), precision, False), precision, False)
    session = CudaSession(compute, [image], [scores], precision, {}, graphs, cuda)
    call: Any = session.bind(images(2))
    np.testing.assert_allclose(call()[0], expected_scores(images(2)), atol=1e-2)
    call.begin(3)
    for _ in range(3):
        assert call()[0].dtype == np.float32
    tracks = call.tracks()
    assert sorted(tracks) == ["copy_in", "copy_out", "device"]
    assert all(len(series) == 3 and min(series) > 0 for series in tracks.values())
    for seed in range(2):
        (found,) = session.run(images(2, seed))
        np.testing.assert_allclose(found, expected_scores(images(2, seed)), atol=1e-2)
    assert len(session.run(images(4))[0]) == 4
    assert cuda.captures == (3 if graphs else 0)  # bound, run, run with another batch


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC"
            " 2023\nGCC version:  gcc version 12.2.0\n",
            "535.104.05",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build"
            "  (dvs-builder@U16)\n",
            "570.86.15",
        ),
        ("", None),
    ],
)
def test_driver_version_is_read_from_the_kernel_module(text: str, version: str | None) -> None:
    assert parse_driver(text) == version
