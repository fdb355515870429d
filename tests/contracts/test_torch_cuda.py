"""The torch backend on a real GPU; skipped where there is none, and then nothing of it is shown."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from models_torch import build_tiny_exported, build_tiny_torchscript
from subjects import expected_scores, images

from benchhub.ondevice import backends
from benchhub.ondevice.backends import LoadOptions
from benchhub.ondevice.failed import Failed

pytestmark = pytest.mark.usefixtures("torch")


@pytest.fixture(autouse=True)
def a_gpu(torch: ModuleType) -> None:
    """Asked for in the process that uses it: one forked after the question could not."""
    if not torch.cuda.is_available():
        pytest.skip("torch finds no GPU here")


WAYS = [
    ("torchscript", "eager"),
    ("torchscript", "cuda-graphs"),
    ("exported", "eager"),
    ("exported", "compile"),
    ("exported", "cuda-graphs"),
]
each_way = pytest.mark.parametrize(("kind", "mode"), WAYS)
ATOL = {"f32": 1e-5, "tf32": 0.02, "f16": 0.02, "bf16": 0.1}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("cuda")
    return {
        "torchscript": build_tiny_torchscript(folder / "script"),
        "exported": build_tiny_exported(folder / "program"),
    }


def load(path: Path, kind: str, mode: str = "eager", **given: Any) -> Any:
    options = {"device": "cuda", "mode": mode}
    return backends.find("torch").load(str(path), LoadOptions(kind, options=options, **given))


@each_way
@pytest.mark.parametrize("precision", ["f32", "tf32", "f16", "bf16"])
def test_each_way_computes_in_each_precision(
    models: dict[str, Path], kind: str, mode: str, precision: str
) -> None:
    if precision == "tf32" and torch.cuda.get_device_capability()[0] < 8:
        pytest.skip("this GPU has no TF32")
    session = load(models[kind], kind, mode, batch=2, precision=precision)
    assert (session.provider, session.precision) == ("cuda", precision)
    assert session.details["matmul_allow_tf32"] == (precision == "tf32")
    for seed in range(2):
        feeds = images(2, seed)
        (found,) = session.run(feeds)
        np.testing.assert_allclose(found, expected_scores(feeds), atol=ATOL[precision], rtol=1e-4)
    assert session.gpu_bytes() > 0


@each_way
def test_the_parts_of_a_call_are_no_longer_than_the_call(
    models: dict[str, Path], kind: str, mode: str
) -> None:
    session = load(models[kind], kind, mode, batch=2)
    call = session.bind(images(2))
    for _ in range(10):
        call()
    call.begin(20)
    spent_ns = []
    for _ in range(20):
        started = time.perf_counter_ns()
        call()
        spent_ns.append(time.perf_counter_ns() - started)
    tracks = call.tracks()
    parts = [sum(values) for values in zip(*tracks.values(), strict=True)]
    assert len(parts) == 20
    assert all(0 < part <= spent * 1.05 for part, spent in zip(parts, spent_ns, strict=True))


@each_way
def test_streams_at_once_do_not_mix(models: dict[str, Path], kind: str, mode: str) -> None:
    session = load(models[kind], kind, mode, batch=2, concurrency=3)
    calls = [session.bind(images(2, seed)) for seed in range(3)]
    calls[0]()
    wrong: list[int] = []

    def work(index: int) -> None:
        expected = expected_scores(images(2, index))
        for _ in range(100):
            if not np.allclose(np.array(calls[index]()[0]), expected, atol=1e-4):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_too_large_a_batch_names_the_size_and_leaves_the_rest(models: dict[str, Path]) -> None:
    session = load(models["exported"], "exported", batch=1)
    free, _ = torch.cuda.mem_get_info()
    held = torch.empty(int(free * 0.97) // (1 << 20) * (1 << 20), dtype=torch.uint8, device="cuda")
    big = {"image": np.zeros((int(free * 0.05) // (3 * 144 * 4) + 1, 3, 12, 12), np.float32)}
    with pytest.raises(Failed, match=r"asked for .* [MG]iB") as caught:
        session.bind(big)()
    assert caught.value.kind == "memory"
    del held
    torch.cuda.empty_cache()
    feeds = images(1)
    np.testing.assert_allclose(session.run(feeds)[0], expected_scores(feeds), atol=1e-4)
