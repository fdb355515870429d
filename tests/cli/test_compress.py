"""`benchhub compress`: variants of suites and of model files, into a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from project import FEATURES, Finished, Project, make_project, write_model
from repository import TESTS
from typer.testing import CliRunner
from waiting import PATIENCE_S, until_said

from benchhub.cli import app
from benchhub.errors import BenchhubError

PLUGIN = TESTS / "compress" / "plugin"
BLOBS = """\
[suite]
name = "discs"
task = "blobs"
baseline = "fp32"
backends = ["onnxruntime"]
[[variants]]
name = "fp32"
recipe = { name = "train", width = 4, epochs = 2 }
[[variants]]
name = "sparse"
from = "fp32"
recipe = { name = "prune-magnitude", compression = 4 }
[[variants]]
name = "sparse-int8"
from = "sparse"
recipe = { name = "int8-static", calibration_cases = 4 }
[scenarios.latency]
"""


@dataclass(frozen=True)
class Compress:
    """The command, started within the test in a project folder."""

    project: Project

    @property
    def folder(self) -> Path:
        return self.project.folder

    def __call__(self, *words: str) -> Finished:
        done = CliRunner().invoke(app, ["compress", *words])
        error = done.exception
        if isinstance(error, BenchhubError):
            return Finished(error.exit_code, done.stdout, f"{done.stderr}benchhub: {error}\n")
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return Finished(done.exit_code, done.stdout, done.stderr)

    def written(self, name: str) -> dict[str, object]:
        """What stands beside a written model."""
        found: dict[str, object] = json.loads((self.folder / "out" / f"{name}.json").read_text())
        return found


@pytest.fixture
def compress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compress:
    project = make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.setenv("BENCHHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    discs = tmp_path / "suites" / "discs"
    discs.mkdir()
    (discs / "suite.toml").write_text(BLOBS)
    return Compress(project)


def test_a_variant_of_a_suite(compress: Compress, processes) -> None:
    done = compress("tiny", "--variant", "int8", "-o", "out")
    assert done.code == 0, done.err
    assert "int8: int8-dynamic of fp32" in done.out
    for row in ("bytes", "gzip bytes", "sparse bytes", "parameters", "nonzero", "macs"):
        assert row in done.out
    assert "making int8 from fp32" in done.err
    document = compress.written("int8")
    blob = (compress.folder / "out" / "int8.onnx").read_bytes()
    assert document["sizes"]["bytes"] == len(blob)
    assert document["source"]["name"] == "fp32"
    assert document["provenance"]["onnxruntime"]
    assert document["options"] == {
        "per_channel": False, "weight_type": "QUInt8",
        "nodes_to_exclude": [], "op_types_to_quantize": [],
    }  # fmt: skip


def test_a_recipe_over_the_baseline_and_over_a_variant(
    compress: Compress, torch: None, processes
) -> None:
    over = ("--recipe", "prune-magnitude", "--option", "scope=network", "-o", "out", "--json")
    done = compress("tiny", "--ratio", "8", *over)
    assert done.code == 0, done.err
    assert done.json == compress.written("fp32-prune-magnitude")
    assert done.json["options"]["compression"] == 8
    assert done.json["provenance"]["achieved_compression"] == "8.0000"
    sizes, before = done.json["sizes"], done.json["source"]["sizes"]
    assert sizes["nonzero"] * 8 == before["nonzero"]
    assert sizes["sparse_bytes"] < before["sparse_bytes"] == before["bytes"]
    again = compress(
        "discs", "--variant", "sparse", "--recipe", "int8-weights", "--name", "w8", "-o", "out",
        "--json",
    )  # fmt: skip
    assert again.code == 0, again.err
    assert again.json["file"] == "w8.onnx"
    assert again.json["source"]["name"] == "sparse"
    assert again.json["sizes"]["nonzero"] < 0.4 * again.json["sizes"]["parameters"]


def test_a_chain_is_made_from_its_beginning(compress: Compress, torch: None, processes) -> None:
    done = compress("discs", "--variant", "sparse-int8", "-o", "out", "--json")
    assert done.code == 0, done.err
    for line in ("making fp32", "epoch 2 of 2", "making sparse from fp32", "from sparse"):
        assert line in done.err
    again = compress("discs", "--variant", "sparse-int8", "-o", "two", "--json")
    assert "epoch" not in again.err  # it was in the cache
    assert again.json == done.json


def test_a_recipe_that_starts_from_nothing(compress: Compress, torch: None, processes) -> None:
    words = ("--recipe", "train", "--option", "epochs=1", "--option", "width=4")
    done = compress("discs", *words, "--name", "fresh", "-o", "out")
    assert done.code == 0, done.err
    assert "before" not in done.out
    document = compress.written("fresh")
    assert document["source"] is None
    assert len(document["training"]["train"]["losses"]) == 1
    # the file says of which task it is, and with that what it is trained on
    model = str(compress.folder / "out" / "fresh.onnx")
    tuned = compress(
        model, "--recipe", "prune-magnitude", "--option", "finetune_epochs=1", "-o", "out"
    )
    assert tuned.code == 0, tuned.err
    assert compress.written("fresh-prune-magnitude")["training"]["step 1"]["cases"] == 64
    assert "achieved compression: 4" in tuned.out


def test_a_model_without_a_suite(compress: Compress, processes) -> None:
    model = str(write_model(compress.folder / "own.onnx"))
    assert compress(model, "--recipe", "fp16").code == 0
    assert (compress.folder / "own-fp16.onnx").is_file()
    refused = compress(model, "--recipe", "int8-static", "--option", "calibration_cases=8")
    assert refused.code == 2
    assert "give --task, or --data FILE.npz" in refused.error
    x = np.random.default_rng(0).normal(size=(8, FEATURES)).astype(np.float32)
    np.savez(compress.folder / "train.npz", x=x)
    done = compress(
        model, "--recipe", "int8-static", "--option", "calibration_cases=8", "--data", "train.npz"
    )
    assert done.code == 0, done.err
    assert (compress.folder / "own-int8-static.onnx").is_file()


def test_the_list_of_recipes_and_one_of_another_distribution(compress: Compress) -> None:
    shown = compress("--list")
    assert shown.code == 0
    for word in ("prune-magnitude", "tflite-int8", "tflite-quantize", "fills-the-disk", "keep=1"):
        assert word in shown.out
    known = compress("--list", "--json").json
    assert known["prune-magnitude"]["options"]["compression"] == {
        "default": 4.0, "choices": None, "least": 1.0, "most": None,
    }  # fmt: skip
    assert known["fills-the-disk"]["options"]["bits"]["default"] == 8
    assert known["train"]["reads"] == []
    full = compress("tiny", "--recipe", "fills-the-disk", "-o", "out")
    assert full.code == 2
    assert "is full; make room" in full.error
    missing = compress("tiny", "--recipe", "needs-missing", "-o", "out")
    assert "pip install 'benchhub[compress]'" in missing.error
    assert not list((compress.folder / "out").iterdir())


def test_what_it_is_made_from_is_never_overwritten(compress: Compress, processes) -> None:
    model = write_model(compress.folder / "own.onnx")
    before = model.read_bytes()
    done = compress(str(model), "--recipe", "fp16", "--name", "own")
    assert done.code == 2
    assert "give --name, or another folder with -o" in done.error
    assert model.read_bytes() == before


def _no_prunable(folder: Path) -> None:
    half = folder / "half.onnx"
    model = onnx.load(str(write_model(half)))
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor).astype(np.float64)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(model, str(half))


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing": ((), "give a SUITE or a MODEL"),
    "unknown suite": (("tinny", "--variant", "int8"), "did you mean tiny?"),
    "unknown variant": (("tiny", "--variant", "int9"), "did you mean int8?"),
    "not made": (("tiny", "--variant", "fp32"), "variant fp32 is a model file already"),
    "made of nothing": (
        ("discs", "--variant", "sparse", "--recipe", "train"), "begins from nothing"),
    "neither": (("tiny",), "--variant, --recipe, or both"),
    "unknown recipe": (("tiny", "--recipe", "prune-magnitud"), "did you mean prune-magnitude?"),
    "unknown option": (
        ("tiny", "--recipe", "prune-magnitude", "--option", "kep=1"), "did you mean keep?"),
    "no value": (("tiny", "--recipe", "fp16", "--option", "bits"), "should be NAME=VALUE"),
    "twice": (
        ("tiny", "--recipe", "int8-static", "--option", "method=a", "--option", "method=b"),
        "given twice"),
    "no ratio": (("tiny", "--recipe", "fp16", "--ratio", "2"), "recipe fp16 has no ratio"),
    "both ratios": (
        ("tiny", "--recipe", "prune-magnitude", "--ratio", "2", "--option", "compression=3"),
        "are the same"),
    "too low": (("tiny", "--recipe", "prune-magnitude", "--ratio", "0.5"), "at least 1"),
    "too high": (("tiny", "--recipe", "prune-magnitude", "--ratio", "1e6"), "at most"),
    "an option alone": (("tiny", "--variant", "int8", "--ratio", "2"), "give --recipe"),
    "a name for nothing new": (("tiny", "--variant", "int8", "--name", "x"), "has its own"),
    "a task for a suite": (("tiny", "--variant", "int8", "--task", "npz"), "a suite says both"),
    "no recipe for a model": (("own.onnx",), "say --recipe"),
    "a model's variant": (("own.onnx", "--recipe", "fp16", "--variant", "x"), "is a model file"),
    "missing model": (("no.onnx", "--recipe", "fp16"), "no.onnx: no such file"),
    "another format": (("own.onnx", "--recipe", "tflite-fp16"), "reads tflite, not the onnx"),
    "no calibration": (
        ("tiny", "--recipe", "int8-static", "--option", "calibration_cases=4"),
        "there are no training inputs"),
    "empty calibration": (
        ("own.onnx", "--recipe", "int8-static", "--data", "empty.npz"),
        "64 calibration cases were asked for and there are 0"),
    "other arrays": (
        ("own.onnx", "--recipe", "int8-static", "--data", "other.npz"), "no array for input 'x'"),
    "no archive": (
        ("own.onnx", "--recipe", "int8-static", "--data", "no.npz"), "no.npz: no such file"),
    "unknown task": (
        ("own.onnx", "--recipe", "int8-static", "--task", "chestxray"), "did you mean chest_xray?"),
    "no prunable weights": (("half.onnx", "--recipe", "prune-magnitude"), "no prunable weights"),
    "a torch net it is not": (
        ("own.onnx", "--recipe", "prune-magnitude", "--option", "recalibrate=1", "--task",
         "blobs"), "does not say which network it is"),
    "no folder": (("tiny", "--variant", "int8", "-o", "own.onnx/in"), "cannot be written"),
}  # fmt: skip


@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param(name, marks=[pytest.mark.asks("torch")] if "torch" in name else [])
        for name in MISTAKES
    ],
)
def test_a_mistake_is_one_line_and_exit_2(compress: Compress, mistake: str) -> None:
    words, message = MISTAKES[mistake]
    write_model(compress.folder / "own.onnx")
    np.savez(compress.folder / "empty.npz", x=np.zeros((0, FEATURES), np.float32))
    np.savez(compress.folder / "other.npz", y=np.zeros((9, FEATURES), np.float32))
    _no_prunable(compress.folder)
    before = sorted(compress.folder.glob("*"))
    done = compress(*words)
    assert done.code == 2, done.err
    assert message in done.error
    new = set(compress.folder.glob("*")) - set(before)
    assert {path.name for path in new} <= {"cache"}


@pytest.mark.usefixtures("processes")
def test_an_interrupted_training_goes_on(compress: Compress) -> None:
    env = compress.project.env
    env["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent), str(PLUGIN)])
    words = [
        "compress",
        "discs",
        "--recipe",
        "train",
        "--option",
        "epochs=25",
        "--option",
        "width=4",
        "-o",
        "out",
    ]
    command = [sys.executable, "-m", "benchhub", *words]
    first = subprocess.Popen(command, cwd=compress.folder, env=env, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    until_said(first, "epoch 2 of 25")
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 130, err
    assert "give the same command again" in err
    assert not (compress.folder / "out" / "train.onnx").exists()
    second = compress.project.run(*words)
    assert second.code == 0, second.err
    assert "epoch 1 of 25" not in second.err
    assert "epoch 25 of 25" in second.err
    assert len(compress.written("train")["training"]["train"]["losses"]) == 25
