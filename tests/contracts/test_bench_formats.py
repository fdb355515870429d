"""`benchhub bench` of one function in every format, on two devices that run unlike runtimes."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from loopback_sshd import Sshd
from models_torch import build_tiny_exported, build_tiny_torchscript
from project import Project, make_project
from subjects import build_tiny_model

from benchhub.store import Store

FILES = ("tiny.onnx", "tiny.tflite", "tiny.pt", "tiny.pt2")


@pytest.fixture
def project(tmp_path: Path, native: None, processes: None) -> Project:
    made = make_project(tmp_path / "project")
    build_tiny_model(made.folder / "tiny.onnx")
    shutil.copyfile(Path(__file__).parent / "models" / "tiny.tflite", made.folder / "tiny.tflite")
    build_tiny_torchscript(made.folder / "tiny.pt")
    build_tiny_exported(made.folder / "tiny.pt2")
    return made


def python_with(folder: Path, *distributions: str) -> Path:
    """Make an interpreter that has these distributions of this environment, and no other."""
    site = folder / "site"
    site.mkdir(parents=True)
    for name in distributions:
        files = importlib.metadata.files(name) or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (site / top).symlink_to(importlib.metadata.distribution(name).locate_file(top))
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} -S "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("servers")
def test_files_of_all_formats_on_devices_of_other_runtimes(
    project: Project, sshd: Sshd, tmp_path: Path
) -> None:
    of = sshd.profile(tmp_path / "board")
    python = python_with(tmp_path / "less", "numpy", "psutil", "onnxruntime", "flatbuffers")
    project.device(
        "board", transport="ssh", host=of.host, port=of.port, user=of.user, host_key=of.host_key,
        identity_file=str(of.identity_file), ssh_config=str(of.ssh_config), root=of.root,
        python=str(python),
    )  # fmt: skip
    done = project.run(
        "bench", *FILES, "--device", "here", "--device", "board", "--effort", "quick", "--json",
        timeout_s=300,
    )  # fmt: skip
    assert done.code == 3, done.err  # board measures one of them, which is all that it can
    found = json.loads(done.out)
    measured = {(row["device"], row["variant"], row["backend"]) for row in found["rows"]}
    assert {row["status"] for row in found["rows"]} == {"finished"}
    assert measured == {
        ("here", "tiny.onnx", "onnxruntime"), ("here", "tiny.onnx", "openvino"),
        ("here", "tiny.tflite", "tflite"), ("here", "tiny.pt", "torch"),
        ("here", "tiny.pt2", "torch"), ("board", "tiny.onnx", "onnxruntime"),
    }  # fmt: skip
    assert not found["skips"]
    for name, backend in (("tiny.tflite", "tflite"), ("tiny.pt", "torch"), ("tiny.pt2", "torch")):
        said = f"board: {name} was not measured: {backend} is not installed; run `benchhub devices"
        assert done.err.count(said) == 1, done.err
    races = {(one["device"], one["backend"]): one for one in found["races"]}
    assert set(races) == {("here", "torch"), ("here", None)}
    assert "each on its fastest backend" in races["here", None]["said"]
    medians = _medians_ns(project, found["run"]["id"])
    for backend, names in (("torch", ["tiny.pt", "tiny.pt2"]), (None, list(FILES))):
        race = races["here", backend]
        sides = [race["fastest"], *race["leads"]]
        assert sorted(side["variant"] for side in sides) == sorted(names)
        fastest = medians[race["fastest"]["cell"]]
        for lead in race["leads"]:
            ratios = [
                slow / fast for slow, fast in zip(medians[lead["cell"]], fastest, strict=True)
            ]
            # the calls at the start that the run leaves out as warm-up are in these
            assert lead["ratio"] == pytest.approx(np.exp(np.mean(np.log(ratios))), rel=0.2)
            assert lead["ratio"] > 0.5, "the fastest is not twice as slow as another"


def _medians_ns(project: Project, run: str) -> dict[str, list[float]]:
    """The median call of each launch, by cell and in the order of rounds."""
    with Store.open(f"sqlite:///{project.folder / 'benchhub.db'}") as store:
        launches = sorted(store.launches(run), key=lambda one: one.round)
    found: dict[str, list[float]] = {}
    for one in launches:
        found.setdefault(one.cell.key, []).append(float(np.median(one.samples_ns)))
    return found
