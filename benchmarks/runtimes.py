"""The p50 of TensorFlow Lite and PyTorch models: benchhub's launches against their own tools."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchhub.device.staging.blob import Blob
from benchhub.ondevice.backends import LoadOptions, find
from benchmarks import latency
from benchmarks.claim import Claim
from benchmarks.quickstart import MODEL, SHAPE, Bench, bench

TFLITE = MODEL.with_name("chest_xray-fp32.tflite")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: rounds of fresh processes, and alternating blocks in one process."""

    rounds: int = 10
    calls: int = 400
    blocks: int = 60
    block_calls: int = 41


def measure(size: Size | None = None) -> list[Claim]:
    """Return the claims; every ratio is benchhub's p50 over the peer's, round by round."""
    size = size or Size()
    with tempfile.TemporaryDirectory() as name, bench(Path(name)) as here:
        return [*_tflite(here, Path(name), size), *_torch(Path(name), size)]


def _tflite(here: Bench, folder: Path, size: Size) -> list[Claim]:
    blob = Blob.of_file(TFLITE)
    here.session.stage([blob])

    def ours() -> float:
        outcome = here.launch(
            "tflite", model=blob.sha256, model_format="tflite", iterations=size.calls,
            output_cases=0,
        )  # fmt: skip
        return float(statistics.median(outcome.samples_ns))

    sides = {"ours": ours, "litert-benchmark": lambda: litert_ns(folder, size.calls)}
    return latency.claims("tflite, fresh processes", latency.rounds(sides, size.rounds))


def litert_ns(folder: Path, calls: int) -> float:
    """Return the median that litert-benchmark reports; it rounds to 10 us."""
    program = shutil.which("litert-benchmark", path=str(Path(sys.executable).parent))
    if program is None:
        raise FileNotFoundError("litert-benchmark is not beside this Python; use the extra `bench`")
    report = folder / "litert.json"
    options = ["--num_threads", "1", "--num_runs", str(calls), "--warmup_runs", "10"]
    subprocess.run(
        [program, "--model", str(TFLITE), *options, "--result_json", str(report)],
        check=True,
        capture_output=True,
    )
    return float(json.loads(report.read_text("utf-8"))["latency"]["median_ms"]) * 1e6


def _torch(folder: Path, size: Size) -> list[Claim]:
    """Alternate blocks on one module in this process, against torch.utils.benchmark."""
    import torch
    from torch.utils.benchmark import Timer

    path = folder / "model.pt"
    image = np.random.default_rng(14).normal(size=(1, *SHAPE)).astype(np.float32)
    example = torch.from_numpy(image)
    network = torch.nn.Sequential(
        *(torch.nn.Conv2d(1 if k == 0 else 24, 24, 3, padding=1) for k in range(4))
    ).eval()
    facts = {
        "inputs": [{"name": "image", "dtype": "float32", "shape": list(image.shape)}],
        "outputs": [{"name": "maps", "dtype": "float32", "shape": [1, 24, *SHAPE[1:]]}],
    }
    extra = {"benchhub.json": json.dumps(facts)}
    torch.jit.save(torch.jit.trace(network, example), str(path), _extra_files=extra)
    session = find("torch").load(str(path), LoadOptions(format="torchscript"))
    call = session.bind({session.inputs[0].name: image})
    module = torch.jit.load(str(path)).eval()
    timer = Timer("module(image)", globals={"module": module, "image": example}, num_threads=1)

    def theirs() -> float:
        with torch.inference_mode():
            times = [timer.timeit(1).median for _ in range(size.block_calls)]
        return statistics.median(times) * 1e9

    sides = {"ours": lambda: latency.loop(call, size.block_calls), "torch.utils.benchmark": theirs}
    for side in sides.values():
        side()
    found = latency.rounds(sides, size.blocks)
    return latency.claims("torch, one process", found, within=0.02)
