"""PyTorch on the CPU, for real; of the CUDA path its refusals and messages."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models_torch import MANIFEST, Tiny, build_tiny_exported, build_tiny_torchscript

from benchhub.ondevice import backends
from benchhub.ondevice.backends import LoadOptions, TensorInfo
from benchhub.ondevice.backends.torch.compute import check_compiler, explained, in_force, prepared
from benchhub.ondevice.backends.torch.cpu import CpuSession
from benchhub.ondevice.backends.torch.nvidia import asked_size, exhausted_text
from benchhub.ondevice.failed import Failed

pytestmark = pytest.mark.usefixtures("torch")

FORMATS = ("torchscript", "exported")
each_format = pytest.mark.parametrize("kind", FORMATS)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("torch")
    return {
        "torchscript": str(build_tiny_torchscript(folder / "script")),
        "exported": str(build_tiny_exported(folder / "program")),
    }


def images(batch: int, seed: int = 0) -> dict[str, Any]:
    return {"image": np.random.default_rng(seed).normal(size=(batch, 3, 12, 12)).astype(np.float32)}


def expected(feeds: dict[str, Any]) -> Any:
    with torch.inference_mode():
        return Tiny()(torch.from_numpy(feeds["image"])).numpy()


def load(path: str, kind: str, batch: int = 2, **given: Any) -> Any:
    return backends.find("torch").load(path, LoadOptions(kind, batch=batch, **given))


@each_format
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
def test_eager_computes_what_the_module_computes(
    models: dict[str, str], kind: str, channels_last: bool, batch: int
) -> None:
    session = load(models[kind], kind, batch, options={"channels_last": channels_last})
    (found,) = session.run(images(batch))
    np.testing.assert_allclose(found, expected(images(batch)), rtol=1e-4, atol=1e-5)
    assert session.details["channels_last"] is channels_last
    assert (session.provider, session.precision) == ("cpu", "f32")
    assert session.inputs == [TensorInfo("image", "float32", (None, 3, 12, 12))]
    assert session.outputs == [TensorInfo("scores", "float32", (None, 5))]


@pytest.mark.usefixtures("processes")
def test_compiled_computes_the_same_and_is_compiled(models: dict[str, str]) -> None:
    try:
        check_compiler("cpu")
    except Failed as failed:
        pytest.skip(str(failed))
    from torch._dynamo.utils import counters

    counters.clear()
    session = load(models["exported"], "exported", options={"mode": "compile"})
    call = session.bind(images(2))
    np.testing.assert_allclose(call()[0], expected(images(2)), rtol=1e-4, atol=1e-5)
    assert counters["stats"]["unique_graphs"] >= 1
    assert session.details["compiler"].startswith("inductor")


def test_compile_without_a_compiler_is_refused_before_it_is_tried(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"needs a C\+\+ compiler.*install g\+\+") as caught:
        check_compiler("cpu", {"PATH": str(tmp_path)})
    assert caught.value.kind == "missing"
    with pytest.raises(Failed, match="needs a C compiler"):
        check_compiler("cuda", {"PATH": str(tmp_path)})


@each_format
@pytest.mark.parametrize(("precision", "atol"), [("bf16", 0.05), ("f16", 0.005)])
def test_half_precisions_are_in_force_and_come_back_as_float32(
    models: dict[str, str], kind: str, precision: str, atol: float
) -> None:
    session = load(models[kind], kind, precision=precision)
    assert session.precision == precision
    (found,) = session.run(images(2))
    assert found.dtype == np.float32
    exact = expected(images(2))
    assert np.allclose(found, exact, atol=atol)
    assert not np.array_equal(found, exact)  # it did compute in something coarser


def test_precision_in_force_is_that_of_the_weights() -> None:
    assert in_force(Tiny(), "f32", tf32=False) == "f32"
    assert in_force(Tiny(), "tf32", tf32=True) == "tf32"
    assert in_force(prepared(Tiny(), "bf16", False), "bf16", tf32=False) == "bf16"
    assert in_force(prepared(Tiny(), "f32", False).half(), "f32", tf32=False) == "f16"
    assert in_force(torch.nn.ReLU(), "f32", tf32=False) == "f32"


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_set_and_told(models: dict[str, str], threads: int) -> None:
    session = load(models["torchscript"], "torchscript", threads=threads)
    assert torch.get_num_threads() == session.details["threads"] == threads


def test_interop_threads_are_told_or_the_launch_fails(models: dict[str, str]) -> None:
    """A process has as many as it began with: that of these tests keeps its own."""
    now = torch.get_num_interop_threads()
    same = load(models["torchscript"], "torchscript", options={"interop_threads": now})
    assert same.details["interop_threads"] == now
    with contextlib.suppress(RuntimeError):
        torch.set_num_interop_threads(now)  # from here on it is fixed
    with pytest.raises(Failed, match=f"keeps {now} interop_threads .* not {now + 1}") as raised:
        load(models["torchscript"], "torchscript", options={"interop_threads": now + 1})
    assert raised.value.kind == "fallback"


def test_a_new_thread_is_told_how_many_threads_a_call_may_use() -> None:
    """OpenMP keeps that number for each thread; torch's own number does not show it."""
    libraries = {
        line.split()[-1]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if "/torch" in line and "/libgomp" in line
    }
    if not libraries:
        pytest.skip("this torch has another OpenMP")
    allowed = ctypes.CDLL(libraries.pop()).omp_get_max_threads
    found: list[int] = []

    def compute(tensors: Any) -> Any:
        found.append(allowed())
        return tensors

    torch.set_num_threads(1)
    image = TensorInfo("image", "float32", (None, 3, 12, 12))
    call = CpuSession(compute, [image], [], "f32", {}).bind(images(1))  # type: ignore[arg-type]
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert found == [1]


@each_format
def test_callables_run_at_once_in_threads_of_their_own(models: dict[str, str], kind: str) -> None:
    session = load(models[kind], kind, concurrency=3)
    feeds = [images(2, seed) for seed in range(3)]
    calls = [session.bind(one) for one in feeds]
    found: dict[int, Any] = {}

    def work(index: int) -> None:
        for _ in range(20):
            output = calls[index]()[0]
        found[index] = np.array(output)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, one in enumerate(feeds):
        np.testing.assert_allclose(found[index], expected(one), rtol=1e-4, atol=1e-5)


@each_format
def test_bound_call_outlives_its_feeds_and_has_no_device_clock(
    models: dict[str, str], kind: str
) -> None:
    session = load(models[kind], kind)
    call = session.bind(images(2))
    assert np.array_equal(np.array(call()[0]), np.array(call()[0]))
    assert not hasattr(call, "tracks")
    assert not hasattr(session, "gpu_bytes")


def test_an_exported_program_needs_no_manifest(tmp_path: Path) -> None:
    path = build_tiny_exported(tmp_path / "plain", manifest=None)
    session = load(str(path), "exported")
    assert session.inputs == [TensorInfo("image", "float32", (None, 3, 12, 12))]
    assert session.outputs[0].shape == (None, 5)
    fixed = build_tiny_exported(tmp_path / "fixed", manifest=None, batch=4)
    assert load(str(fixed), "exported").inputs[0].shape == (4, 3, 12, 12)


def test_torchscript_without_a_manifest_is_refused(tmp_path: Path) -> None:
    path = build_tiny_torchscript(tmp_path / "plain", manifest=None)
    with pytest.raises(ValueError, match=r"has no benchhub\.json"):
        load(str(path), "torchscript")


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"precision": "tf32"}, "tf32 needs device = cuda"),
        ({"precision": "q4"}, "f32, tf32, f16 or bf16, not q4"),
        ({"options": {"mode": "cuda-graphs"}}, "needs device = cuda"),
        ({"options": {"mode": "fast"}}, "mode is one of eager, compile, cuda-graphs, not fast"),
        ({"options": {"device": "tpu"}}, "device is one of cpu, cuda, not tpu"),
        ({"options": {"mode": "compile"}}, "takes no TorchScript"),
    ],
)
def test_what_cannot_be_served_is_refused(
    models: dict[str, str], given: dict[str, Any], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        load(models["torchscript"], "torchscript", **given)


def test_cuda_without_cuda_is_a_failure_not_a_cpu(models: dict[str, str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(Failed, match="set device = cpu") as caught:
        load(models["exported"], "exported", options={"device": "cuda"})
    assert caught.value.kind == ("missing" if torch.version.cuda is None else "fallback")


@each_format
def test_what_is_no_archive_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "corrupt"
    path.write_bytes(b"\x08\x08not a model" * 50)
    with pytest.raises(ValueError, match="no archive of PyTorch"):
        load(str(path), kind)
    with pytest.raises(ValueError, match="torch reads torchscript, exported, not onnx"):
        load(str(path), "onnx")


def test_each_artifact_under_the_others_name_is_refused(models: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="holds exported, not torchscript"):
        load(models["exported"], "torchscript")
    with pytest.raises(ValueError, match="holds torchscript, not exported"):
        load(models["torchscript"], "exported")


class Glutton(torch.nn.Module):
    """Asks for a pebibyte."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image.new_zeros([1 << 48]).sum() + image


def test_memory_that_runs_out_is_told_with_its_size(tmp_path: Path) -> None:
    path = str(tmp_path / "glutton")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(Glutton()), path, _extra_files={"benchhub.json": MANIFEST})
    session = load(path, "torchscript")
    with pytest.raises(Failed, match="asked for 1125899906842624 bytes") as caught:
        session.bind(images(2))()
    assert caught.value.kind == "memory"


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        # c10/cuda/CUDACachingAllocator.cpp, as reported by users of torch 2
        (
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15"
            " GiB of which 1.06 GiB is free. Including non-PyTorch memory, this process has 78.08"
            " GiB memory in use.",
            "2.00 GiB",
        ),
        ("CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 7.79 GiB total)", "20.00 MiB"),
        ("CUDA error: out of memory", None),
    ],
)
def test_cuda_memory_messages(message: str, asked: str | None) -> None:
    assert asked_size(message) == asked
    failure = explained(torch.cuda.OutOfMemoryError(message), "cuda")
    assert isinstance(failure, Failed)
    assert failure.kind == "memory"
    assert (asked or "size not stated") in str(failure)
    assert "\n" not in exhausted_text(message + "\nmore", "torch")


def test_other_errors_keep_their_own_words() -> None:
    missing = explained(RuntimeError("\"slow_conv2d_cpu\" not implemented for 'Half'"), "cpu")
    assert isinstance(missing, Failed)
    assert missing.kind == "unsupported"
    assert str(missing).endswith(
        "'Half'; export the model without it, or measure it on another device"
    )
    assert explained(RuntimeError("shape mismatch"), "cpu") is None


def test_inputs_that_do_not_fit_keep_torchs_own_error(models: dict[str, str]) -> None:
    session = load(models["torchscript"], "torchscript")
    with pytest.raises(RuntimeError, match="channels"):
        session.run({"image": np.zeros((2, 4, 12, 12), np.float32)})
