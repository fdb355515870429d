"""NVML as a stub library has it: layouts and versions, not the behaviour of a GPU."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import nvml_stub
import pytest

from benchhub.ondevice.counters.gpu_memory import GpuMemory, measure, of_process
from benchhub.ondevice.counters.nvml import Nvml, NvmlError, ProcessInfo1, ProcessInfo2, gpu_of

BYTES = 1_234_567_890_123


class Session:
    """A session that counts for itself."""

    def __init__(self, held: int | None) -> None:
        self._held = held

    def gpu_bytes(self) -> int | None:
        return self._held


@pytest.fixture(params=list(nvml_stub.GENERATIONS))
def stub(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: None
) -> str:
    monkeypatch.setenv("STUB_PID", str(os.getpid()))
    return nvml_stub.build(tmp_path, request.param)


def test_layouts_are_those_of_the_header() -> None:
    assert ctypes.sizeof(ProcessInfo1) == 16
    assert ctypes.sizeof(ProcessInfo2) == 24
    assert (ProcessInfo2.used_bytes.offset, ProcessInfo2.gpu_instance.offset) == (8, 16)
    assert ProcessInfo2.compute_instance.offset == 20


def test_the_process_is_found_among_others(stub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUB_OTHERS", "3")
    expected = GpuMemory(BYTES, "nvml, process on gpu 1")
    assert measure(object(), "onnxruntime", True, stub) == expected


def test_more_processes_than_expected_need_more_room(
    stub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_OTHERS", "200")
    nvml = Nvml(stub)
    found = nvml.processes(1)
    assert len(found) == 201
    assert found[-1] == (os.getpid(), BYTES)
    assert len({process.pid for process in found}) == 201
    nvml.close()


def test_what_the_driver_does_not_say_is_not_measured(
    stub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_BYTES", "-1")  # NVML_VALUE_NOT_AVAILABLE: all bits set
    held = measure(object(), "onnxruntime", True, stub)
    assert (held.gpu_bytes, held.source) == (None, None)
    assert "does not say" in str(held.unavailable)


def test_a_process_that_is_not_listed(stub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUB_PID", "1")
    nvml = Nvml(stub)
    assert "container" in str(of_process(nvml, os.getpid()).unavailable)
    with pytest.raises(NvmlError, match="listed on 0 of 2 GPUs"):
        gpu_of(nvml, os.getpid())
    monkeypatch.setenv("STUB_GPUS", "1")
    assert gpu_of(nvml, os.getpid()) == 0
    nvml.close()


def test_an_error_names_the_call_and_the_cause(stub: str) -> None:
    nvml = Nvml(stub)
    with pytest.raises(NvmlError, match="nvmlDeviceGetHandleByIndex_v2: an invalid argument"):
        nvml.energy_mj(9)
    nvml.close()
    with pytest.raises(NvmlError, match="nvmlShutdown: not initialised"):
        nvml.close()


def test_the_runtimes_own_count_comes_first() -> None:
    assert measure(Session(99), "torch", True) == (99, "torch's own count", None)
    assert measure(Session(None), "torch", False) == (None, None, None)
    assert measure(object(), "onnxruntime", False) == (None, None, None)


def test_no_library_is_a_reason(tmp_path: Path) -> None:
    held = measure(object(), "onnxruntime", True, str(tmp_path / "libnvidia-ml.so.1"))
    assert held.gpu_bytes is None
    assert str(held.unavailable).startswith("NVML is not there: ")
