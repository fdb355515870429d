"""What a bare loop says of a model file: outputs, the metric by itself, the time of a call."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from benchhub.model.arrays import Array
from benchmarks.wild import cases
from benchmarks.wild.manifest import Model

_BARE = Path(__file__).with_name("bare.py")
#: A bare loop times at most so many calls, or for so long.
CALLS, SECONDS = 60, 2.0


class Failed(Exception):
    """The runtime does not run the file; the message is the last line of what it said."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A bare loop's answers to all cases by output, and its median call in nanoseconds."""

    outputs: Mapping[str, Array]
    p50_ns: float


def bare(model: Model, path: Path, backend: str, folder: Path, outputs: bool = True) -> Bare:
    """Run the file in a process of its own; Failed where its runtime cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    test, _ = cases.make(model)
    starts = cases.starts(model)
    np.savez(folder / "arrays.npz", **test, **starts)
    whole = [name for name, of in model.inputs.items() if of.is_whole]
    asked = {
        "backend": backend,
        "model": str(path),
        "arrays": str(folder / "arrays.npz"),
        "outputs": str(folder / "outputs.npz") if outputs else "",
        "whole": [*whole, *starts],
        "batch": model.batch,
        "batch_axis": dict(model.batch_axis),
        "state": {name: of.output for name, of in model.state.items()},
        "declared": _declared(path),
        "calls": CALLS,
        "seconds": SECONDS,
    }
    file = folder / "asked.json"
    file.write_text(json.dumps(asked), "utf-8")
    done = subprocess.run(
        [sys.executable, str(_BARE), str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise Failed(said[-1])
    p50_ns = float(json.loads(done.stdout.splitlines()[-1])["p50_ns"])
    if not outputs:
        return Bare({}, p50_ns)
    with np.load(folder / "outputs.npz") as archive:
        return Bare({name: archive[name] for name in archive.files}, p50_ns)


def _declared(path: Path) -> list[str]:
    """Return the outputs' names in an ONNX file: OpenVINO has others besides."""
    if path.suffix != ".onnx":
        return []
    return [one.name for one in onnx.load(str(path), load_external_data=False).graph.output]


def judged_output(model: Model, found: Bare) -> Array:
    """Return the output that the model's metric reads."""
    return found.outputs[model.output] if model.output else next(iter(found.outputs.values()))


def labels(model: Model, found: Bare) -> Array:
    """Return labels made of the untouched file's answers: classes, or the answers themselves."""
    answer = judged_output(model, found)
    return answer.argmax(axis=1) if model.metric == "accuracy" else answer.astype(np.float32)


def quality(model: Model, found: Bare, truth: Array) -> float:
    """Return the metric, computed as its definition says."""
    answer = judged_output(model, found)
    if model.metric == "accuracy":
        return float((answer.argmax(axis=1) == truth).mean())
    error = np.abs(answer.astype(np.float64) - truth.astype(np.float64))
    return float(error.reshape(len(error), -1).mean(axis=1).mean())
