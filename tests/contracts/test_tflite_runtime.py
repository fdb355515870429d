"""tflite-runtime 2.14 computes some dynamic-range models wrongly and says nothing.

Linear layers with a scale a channel get the first channel's scale throughout. The same file is
right in ai-edge-litert. A run must flag the garbage, and no budget may pass on it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import Finished, Project
from repository import ROOT
from tflite_runtime_venv import tflite_runtime_python
from waiting import PATIENCE_S

MODELS = Path(__file__).parent / "models"
REPOSITORY = ROOT
SUITE = """\
[suite]
name = "tiny"
task = "npz"
baseline = "onnx"
backends = ["tflite"]
[data]
inputs = "cases.npz"
metric = "macro_auc"
[[variants]]
name = "onnx"
model = "depthwise.onnx"
[[variants]]
name = "fp32"
model = "depthwise.tflite"
[[variants]]
name = "dynamic"
model = "depthwise-int8-dynamic-channels.tflite"
against = "fp32"
[scenarios.latency]
launches = 10
iterations = 20
[scenarios.quality]
batch = 8
[[budgets]]
latency_p50_ms = 10000
quality_loss_max = 1.0
"""

pytestmark = [pytest.mark.xdist_group("tflite-runtime"), pytest.mark.usefixtures("processes")]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, processes: None) -> Finished:
    """Return a finished run on this machine with either runtime."""
    folder = tmp_path_factory.mktemp("project")
    env = {
        **os.environ,
        "BENCHHUB_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
    }
    env.pop("BENCHHUB_STORE", None)
    project = Project(folder, env)
    project.suite.parent.mkdir(parents=True)
    project.suite.write_text(SUITE)
    for model in MODELS.glob("depthwise*"):
        shutil.copy(model, project.suite.parent)
    rng = np.random.default_rng(4)
    image = rng.normal(size=(240, 8, 8, 8)).astype(np.float32)
    labels = rng.integers(0, 2, size=(240, 3))
    np.savez(project.suite.parent / "cases.npz", image=image, labels=labels)
    root, old = str(folder / "device"), str(tflite_runtime_python())
    project.device("litert", root=root, python=sys.executable)
    project.device("old", root=f"{root}-old", python=old)
    finished = project.run("run", "tiny", "--device", "litert", "--device", "old", "--json")
    assert finished.code != 2, finished.err
    return finished


def rows(done: Finished, device: str, variant: str) -> list[dict[str, Any]]:
    found = [r for r in done.json["rows"] if (r["device"], r["variant"]) == (device, variant)]
    assert {row["scenario"] for row in found} == {"latency", "quality"}
    assert {row["status"] for row in found} == {"finished"}
    return found


def is_garbage(row: dict[str, Any]) -> bool:
    return any(flag["name"] == "garbage" for flag in row["flags"])


def test_each_row_says_which_runtime_it_was(done: Finished) -> None:
    versions = {(row["device"], row["backend_version"].split()[0]) for row in done.json["rows"]}
    assert versions == {("litert", "ai-edge-litert"), ("old", "tflite-runtime")}


def test_garbage_of_tflite_runtime_is_flagged_in_every_row(done: Finished) -> None:
    for row in rows(done, "old", "dynamic"):
        assert row["agreement_relative"] > 1, json.dumps(row)
        assert is_garbage(row)


def test_garbage_passes_no_budget(done: Finished) -> None:
    outcomes = {(verdict["device"], verdict["variant"]): set() for verdict in done.json["verdicts"]}
    for verdict in done.json["verdicts"]:
        outcomes[verdict["device"], verdict["variant"]].add(verdict["outcome"])
    assert "PASS" not in outcomes["old", "dynamic"]
    assert outcomes["old", "dynamic"]


@pytest.mark.parametrize(
    ("device", "variant"), [("old", "fp32"), ("litert", "fp32"), ("litert", "dynamic")]
)
def test_the_same_file_is_right_elsewhere(done: Finished, device: str, variant: str) -> None:
    for row in rows(done, device, variant):
        assert row["agreement_relative"] < 0.05
        assert not is_garbage(row)


def test_the_version_is_that_of_the_runtime_which_runs(tmp_path: Path) -> None:
    """ai-edge-litert is installed here, but lacks a module of its own and so is not used."""
    package, told = tmp_path / "ai_edge_litert", tmp_path / "ai_edge_litert-9.9.dist-info"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "interpreter.py").write_text("import a_module_that_is_not_there\n")
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: ai-edge-litert\nVersion: 9.9\n")
    script = "from benchhub.ondevice.backends.tflite import runtime; print(runtime.version())"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(REPOSITORY)))}
    argv = [str(tflite_runtime_python()), "-c", script]
    done = subprocess.run(
        argv, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert done.stdout.strip() == "tflite-runtime 2.14.0"
