"""The TensorRT backend with stand-ins: neither TensorRT nor a GPU takes part.

libcuda is compiled from stub_cuda.c, TensorRT is the hand-written fake_tensorrt. They prove the
order of calls, the buffers and the use of the engine cache, not that an engine computes.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_tensorrt import FakeTensorRT
from models_tensorrt import images, tiny_model
from onnx.reference import ReferenceEvaluator
from stub_libraries import HERE, compile_library, compiler

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.backends.tensorrt.build import EngineLog, EngineRequest, typing_for
from benchhub.ondevice.backends.tensorrt.cuda_driver import Buffer, CudaDriver, CudaError
from benchhub.ondevice.backends.tensorrt.loading import open_engine
from benchhub.ondevice.backends.torch.nvidia import asked_size, is_exhausted
from benchhub.ondevice.failed import Failed

pytestmark = pytest.mark.skipif(
    compiler() is None and "CI" not in os.environ, reason="no C compiler for the stubs"
)


@pytest.fixture(scope="session")
def cuda_library(tmp_path_factory: pytest.TempPathFactory, processes: None) -> Path:
    return compile_library(HERE / "stub_cuda.c", tmp_path_factory.mktemp("cuda") / "libcuda.so.1")


@pytest.fixture
def cuda(cuda_library: Path) -> CudaDriver:
    return CudaDriver(library=str(cuda_library))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    draft = tiny_model(tmp_path / "draft.onnx")
    path = tmp_path / "root" / "blobs" / hashlib.sha256(draft.read_bytes()).hexdigest()
    path.parent.mkdir(parents=True)
    return draft.rename(path)


REQUEST = EngineRequest("f32", 2, 0)


def test_session_computes_through_buffers_with_stand_ins(cuda: CudaDriver, model: Path) -> None:
    session = open_engine(FakeTensorRT(), cuda, str(model), REQUEST)
    assert session.inputs == [TensorInfo("image", "float32", (None, 3, 4, 4))]
    assert session.outputs == [TensorInfo("maps", "float32", (None, 2, 4, 4))]
    reference = ReferenceEvaluator(str(model))
    for seed in range(3):
        feeds = images(2, seed)
        (found,) = session.run(feeds)
        np.testing.assert_allclose(found, reference.run(None, feeds)[0], rtol=1e-4, atol=1e-5)
    call: Any = session.bind(images(2))
    call.begin(4)
    for _ in range(4):
        np.testing.assert_allclose(
            call()[0], reference.run(None, images(2))[0], rtol=1e-4, atol=1e-5
        )
    tracks = call.tracks()
    assert {name: len(series) for name, series in tracks.items()} == {
        "copy_in": 4,
        "device": 4,
        "copy_out": 4,
    }
    with pytest.raises(Failed, match="input image as 3x3x4x4"):
        session.run(images(3))  # the profile is for two


def test_details_tell_the_engine_with_stand_ins(cuda: CudaDriver, model: Path) -> None:
    trt = FakeTensorRT("11.4.0")
    details = open_engine(trt, cuda, str(model), EngineRequest("tf32", 1, 64)).details
    (engine,) = (model.parents[1] / "engines").glob("*.engine")
    assert details["engine_sha256"] == engine.stem == _sha256(engine)
    assert details["engine_bytes"] == engine.stat().st_size
    assert details["build_s"] >= 0
    assert details["precision"] == "tf32"
    assert (details["gpu"], details["compute_capability"]) == ("Stand-in GPU", "9.0")
    assert (details["cuda_driver"], details["tensorrt"]) == ("12.4", "11.4.0")
    plan = json.loads(engine.read_text("utf-8"))
    assert plan["flags"] == ["TF32"]
    assert (plan["profile"], plan["workspace"]) == ({"image": [1, 3, 4, 4]}, 64 << 20)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("version", "precision", "flags", "network"),
    [
        ("10.0.0", "f32", [], 2),
        ("10.0.0", "tf32", ["TF32"], 2),
        ("10.0.0", "f16", ["FP16"], 0),
        ("11.0.0", "f32", [], 0),
        ("11.0.0", "tf32", ["TF32"], 0),
    ],
)
def test_flags_reach_the_builder_with_stand_ins(
    cuda: CudaDriver, model: Path, version: str, precision: str, flags: list[str], network: int
) -> None:
    session = open_engine(FakeTensorRT(version), cuda, str(model), EngineRequest(precision, 1, 0))
    (engine,) = (model.parents[1] / "engines").glob("*.engine")
    plan = json.loads(engine.read_text("utf-8"))
    assert (plan["flags"], plan["network"]) == (flags, network)
    assert session.precision == precision


def test_an_engine_is_kept_and_rebuilt_for_another_tensorrt(cuda: CudaDriver, model: Path) -> None:
    first = open_engine(FakeTensorRT("10.3.0"), cuda, str(model), REQUEST).details
    assert first["engine"] == "built"
    trt = FakeTensorRT("10.3.0")
    again = open_engine(trt, cuda, str(model), REQUEST).details
    assert (trt.built, again["engine"]) == (0, "kept from an earlier launch")
    assert again["engine_sha256"] == first["engine_sha256"]
    assert again["build_s"] == first["build_s"]
    trt = FakeTensorRT("10.4.0")
    other = open_engine(trt, cuda, str(model), REQUEST).details
    assert trt.built == 1
    assert other["engine"] == "built again: of the kept engine, tensorrt was 10.3.0"
    assert len(list((model.parents[1] / "engines").glob("*.json"))) == 1  # 10.3's is of no use
    for request in (
        EngineRequest("f32", 3, 0),
        EngineRequest("tf32", 2, 0),
        EngineRequest("f32", 2, 64),
    ):
        trt = FakeTensorRT("10.4.0")
        assert open_engine(trt, cuda, str(model), request).details["engine"] == "built"
        assert trt.built == 1


@pytest.mark.parametrize(
    ("version", "precision", "flags"),
    [("10.3.0", "f16", "FP16 no TF32"), ("10.3.0", "f32", "STRONGLY_TYPED no TF32")],
)
def test_an_engine_is_kept_under_the_flags_it_was_built_with(
    cuda: CudaDriver, model: Path, version: str, precision: str, flags: str
) -> None:
    """What a precision asks of TensorRT may change from one benchhub to the next."""
    open_engine(FakeTensorRT(version), cuda, str(model), EngineRequest(precision, 1, 0))
    (record,) = (model.parents[1] / "engines").glob("*.json")
    assert json.loads(record.read_text())["environment"]["flags"] == flags


@pytest.mark.parametrize("damage", ["engine", "engine gone", "record", "refused"])
def test_a_corrupt_engine_is_rebuilt(cuda: CudaDriver, model: Path, damage: str) -> None:
    open_engine(FakeTensorRT(), cuda, str(model), REQUEST)
    folder = model.parents[1] / "engines"
    (engine,), (record,) = folder.glob("*.engine"), folder.glob("*.json")
    if damage == "engine":
        engine.write_bytes(engine.read_bytes()[:-1])
    elif damage == "engine gone":
        engine.unlink()
    elif damage == "record":
        record.write_text("{", "utf-8")
    else:
        blob = b"of a build that TensorRT does not take"
        digest = hashlib.sha256(blob).hexdigest()
        (folder / f"{digest}.engine").write_bytes(blob)
        record.write_text(json.dumps({**json.loads(record.read_text()), "sha256": digest}))
    trt = FakeTensorRT()
    session = open_engine(trt, cuda, str(model), REQUEST)
    assert trt.built == 1
    assert session.details["engine"].startswith("built again: ")
    assert len(session.run(images(2))[0]) == 2
    trt = FakeTensorRT()
    assert open_engine(trt, cuda, str(model), REQUEST).details["engine"].startswith("kept")


def test_outside_a_root_nothing_is_kept(cuda: CudaDriver, tmp_path: Path) -> None:
    path = tiny_model(tmp_path / "elsewhere" / "model.onnx")
    details = open_engine(FakeTensorRT(), cuda, str(path), REQUEST).details
    assert details["engine"].startswith("built; not kept")
    assert [one.name for one in tmp_path.iterdir()] == ["elsewhere"]


def test_what_cannot_be_built_says_why(cuda: CudaDriver, tmp_path: Path) -> None:
    foreign = tiny_model(tmp_path / "foreign.onnx", "Einsum")
    with pytest.raises(Failed, match=r"Einsum \(node product\): no importer.*; export") as caught:
        open_engine(FakeTensorRT(), cuda, str(foreign), REQUEST)
    assert caught.value.kind == "unsupported"
    fixed = tiny_model(tmp_path / "fixed.onnx", batch=4)
    with pytest.raises(ValueError, match="fixed at batch 4, not 2"):
        open_engine(FakeTensorRT(), cuda, str(fixed), REQUEST)
    said = (
        "Requested amount of GPU memory (15485030400 bytes) could not be allocated. There may not"
        " be enough free memory for allocation to succeed."
    )
    small = tiny_model(tmp_path / "model.onnx")
    with pytest.raises(Failed, match="asked for 15485030400 bytes") as caught:
        open_engine(FakeTensorRT(says=said), cuda, str(small), REQUEST)
    assert caught.value.kind == "memory"
    trt = FakeTensorRT(says="Could not find any implementation for node X")
    with pytest.raises(Failed, match="Could not find any implementation") as caught:
        open_engine(trt, cuda, str(small), REQUEST)
    assert caught.value.kind == "raised"


def test_a_release_that_is_too_old_is_refused() -> None:
    with pytest.raises(Failed, match=r"TensorRT 8\.5\.2 is too old; install 10") as caught:
        typing_for(FakeTensorRT("8.5.2"), "f32")
    assert caught.value.kind == "unsupported"


def test_memory_messages_of_tensorrt() -> None:
    """As printed by TensorRT 10.3 and 8 (NVIDIA/TensorRT issue 4258, and users' logs)."""
    text = (
        "[defaultAllocator.cpp::allocate::31] Error Code 1: Cuda Runtime (out of memory)\n"
        "autotuning: User allocator error allocating 15485030400-byte buffer"
    )
    assert is_exhausted(text)
    assert asked_size(text) == "15485030400 bytes"
    assert is_exhausted("[virtualMemoryBuffer.cpp::resizePhysical::145] Error Code 2: OutOfMemory")
    assert not is_exhausted("Could not find any implementation for node X")


def test_driver_calls_with_the_stand_in(
    cuda: CudaDriver, cuda_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = Buffer(cuda, (3, 2), "float16")
    assert (buffer.array.shape, buffer.size) == ((3, 2), 12)
    buffer.close()
    with pytest.raises(Failed, match="2147483648 bytes of GPU memory do not suffice") as caught:
        Buffer(cuda, (1 << 29,), "float32")
    assert caught.value.kind == "memory"
    with pytest.raises(CudaError, match=r"cuMemcpyHtoDAsync_v2: CUDA_ERROR_INVALID_HANDLE \(400\)"):
        cuda.copy_in(1, 1, 1, stream=0)
    with pytest.raises(ValueError, match="there is no GPU 3, but 1"):
        CudaDriver(3, library=str(cuda_library))
    monkeypatch.setenv("STUB_CUDA_INIT", "100")
    with pytest.raises(Failed, match="finds no GPU"):
        CudaDriver(library=str(cuda_library))


def test_the_log_keeps_only_what_matters() -> None:
    trt = FakeTensorRT()
    log = EngineLog(trt)
    log.logger.log(trt.ILogger.Severity.INFO, "chatter")
    log.logger.log(trt.ILogger.Severity.ERROR, "Operator X is not supported")
    assert log.lines == ["Operator X is not supported"]
    assert log.failure("no engine could be built").kind == "unsupported"
    assert typing_for(trt, "f32").strong
