"""The tutorial's files are what its commands need."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from repository import ROOT

from benchhub.compress.files.look import inspect_model
from benchhub.config.suite import load_suite
from benchhub.tasks.opening import open_data

sys.path.insert(0, str(ROOT / "docs" / "tutorial"))
import stripes

PAGE = (ROOT / "docs" / "tutorial" / "first-verdict.md").read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the script writes, of fewer images."""
    made = tmp_path_factory.mktemp("my-suite")
    stripes.main(made, 200)
    return made


def test_the_script_writes_cases_beside_those_that_calibrate(folder: Path) -> None:
    cases = np.load(folder / "cases.npz")
    assert {name: cases[name].shape for name in cases} == {
        "image": (200, 1, 64, 64),
        "labels": (200,),
        "calibration_image": (64, 1, 64, 64),
    }


def test_the_suite_of_the_page_reads_what_the_script_makes(folder: Path, tmp_path: Path) -> None:
    (listing,) = re.findall(r"```toml\n(\[suite\].*?)```", PAGE, re.DOTALL)
    (folder / "suite.toml").write_text(listing, "utf-8")
    suite = load_suite(folder / "suite.toml")
    cases = open_data(suite, None, tmp_path).cases(200)
    baseline = inspect_model(suite.baseline, folder / "model.onnx")
    assert [spec.name for spec in suite.variants] == ["fp32", "int8-static"]
    assert [tensor.name for tensor in baseline.inputs] == list(cases.inputs)
