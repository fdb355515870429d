"""A backend of a distribution of its own: its wheel, the contract suite, and a run over SSH.

The project is the one that docs/extending.md walks through.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from project import Project, make_project
from repository import ROOT, TESTS

sys.path.insert(0, str(Path(__file__).parent / "third_party"))
from environments import PROJECT, beside_benchhub, python_3_8

if TYPE_CHECKING:
    from lab.lab import Lab

pytestmark = pytest.mark.xdist_group("third-party")
SUITE = TESTS / "contracts" / "test_backends.py"
#: What is not asked of this backend, and is skipped for the reason that it gives.
NOT_ASKED = {
    "test_every_backend_is_tested",  # benchhub's own
    "test_a_model_of_another_format_under_this_ones_name_is_refused",  # it is the only one here
}
HOST = "lab-x86-1"
ON_OLD = ("--device", "old", "--backend", "plain")
INT8 = 'name = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n'
FP16 = 'name = "fp16"\nfrom = "fp32"\nrecipe = "fp16"\n'


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory, processes: None) -> str:
    return beside_benchhub(tmp_path_factory.mktemp("third-party"), PROJECT)


def test_the_guide_has_the_code_that_is_tested_here() -> None:
    """Files of the project stand whole in docs/extending.md, each below its name."""
    guide = (ROOT / "docs" / "extending.md").read_text("utf-8")
    shown = re.findall(r"^`(\S+)`:\n\n```\w+\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    files = ["pyproject.toml", "plain_onnx/__init__.py", "plain_onnx/runtime.py", "subjects.py"]
    assert [name for name, _ in shown] == files
    for name, code in shown:
        assert code == (PROJECT / name).read_text("utf-8"), name


def test_the_contract_suite_passes(controller: str, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env |= {"BENCHHUB_SUBJECTS": str(PROJECT / "subjects.py")}
    done = subprocess.run(
        [controller, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", str(SUITE)],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    passed = {
        str(case.get("name")).partition("[")[0]
        for case in ET.parse(report).iter("testcase")
        if not len(case)
    }
    asked = set(re.findall(r"^def (test_\w+)", SUITE.read_text(), re.MULTILINE))
    assert passed == asked - NOT_ASKED


@pytest.fixture
def project(controller: str, lab: Lab, tmp_path: Path) -> Project:
    """A suite over `plain` and `null`, and two devices of one host.

    `old` has Python 3.8 and nothing installed in it, `plainless` what the tests run in.
    """
    from lab.runs import WHEELS, add_host

    made = make_project(tmp_path, ("plain", "null"), launches=5, python=controller)
    made.env["BENCHHUB_CACHE"] = str(WHEELS.parent)
    made.edit(INT8, FP16)
    made.add('[options.plain]\nconvolution = "windows"\n')
    add_host(made, lab, HOST, "old", python=python_3_8())
    add_host(made, lab, HOST, "plainless")
    return made


@pytest.mark.lab
def test_a_device_gets_it_from_its_own_lock_and_measures(project: Project) -> None:
    done = project.run("devices", "provision", "old", "--backend", "plain", "--json")
    assert done.code == 0, done.err
    (made,) = done.json
    assert (made["version"], made["python_version"][:4], made["built"]) == ("1.0.0", "3.8.", True)
    assert set(made["packages"]) == {"benchhub-plain", "numpy", "psutil"}
    again = project.run("devices", "provision", "old", "--backend", "plain", "--json")
    assert [(one["built"], one["moved_bytes"]) for one in again.json] == [(False, 0)]

    # With the fixed work of every round, which is of a backend without a runtime of its own.
    done = project.run("run", "tiny", "--json", "--effort", "standard", *ON_OLD)
    assert done.code == 0, done.err
    assert "failed" not in done.err
    (device,) = done.json["devices"]
    assert device["facts"]["python"].startswith("3.8.")
    assert device["facts"]["packages"]["numpy"] is None
    rows = {(row["variant"], row["scenario"]): row for row in done.json["rows"]}
    assert set(rows) == set(itertools.product(("fp32", "fp16"), ("latency", "quality")))
    for (variant, scenario), row in rows.items():
        assert (row["status"], row["backend"], row["provider"]) == ("finished", "plain", "numpy")
        assert row["backend_version"] == "1.0.0"
        assert row["agreement_relative"] < (0.01 if variant == "fp32" else 0.1)
        if scenario == "latency":
            assert 0 < row["p50_ms"] < 1000, row
            assert row["load_ms"] > 0
        else:
            close = 1e-6 if variant == "fp32" else 0.01
            assert row["quality"] == pytest.approx(_reference_quality(project), abs=close)


@pytest.mark.lab
def test_where_a_device_lacks_it_its_cells_are_skipped_with_the_fix(project: Project) -> None:
    done = project.run("run", "tiny", "--json", "--effort", "quick", "--device", "plainless")
    assert done.code == 0, done.err
    assert {row["backend"] for row in done.json["rows"]} == {"null"}
    reasons = {(skip["backend"], skip["reason"]) for skip in done.json["skips"]}
    fix = "run `benchhub devices provision plainless --backend plain`"
    assert reasons == {("plain", f"plain is not installed; {fix}")}
    alone = project.run("run", "tiny", "--device", "plainless", "--backend", "plain")
    assert alone.code == 3
    said = f"has none of the suite's backends: plain is not installed on plainless; {fix}"
    assert said in alone.err


def _reference_quality(project: Project) -> float:
    """Return the metric of what the model's definition gives on the project's cases."""
    from onnx.reference import ReferenceEvaluator
    from sklearn.metrics import roc_auc_score

    folder = project.suite.parent
    cases = np.load(folder / "cases.npz")
    (scores,) = ReferenceEvaluator(str(folder / "model.onnx")).run(None, {"x": cases["x"]})
    return float(roc_auc_score(cases["labels"], scores, average="macro"))


def test_it_is_one_of_the_backends_here(controller: str, tmp_path: Path) -> None:
    """Planned, its options checked, and listed, on a controller that runs nothing of it."""
    made = make_project(tmp_path, ("plain",), python=controller)
    made.add('[options.plain]\nconvolution = "shift"\n')
    wrong = made.run("run", "tiny", "--device", "here", "--dry-run")
    assert wrong.code == 2
    said = "options.plain.convolution = 'shift' is none of shifts, windows; did you mean shifts?"
    assert said in wrong.error
    made.edit('"shift"', '["shifts", "windows"]')
    made.edit('baseline = "fp32"', 'baseline = "fp32"\nprecision = ["f32", "f16"]')
    done = made.run("run", "tiny", "--device", "here", "--dry-run", "--json")
    assert done.code == 0, done.err
    told = json.dumps(done.json)
    assert "plain computes in f32, not f16; convert the model instead" in told
    assert "windows" in told
    checks = json.loads(made.run("devices", "doctor", "here", "--json").out)["here"]
    assert "backend plain" in {check["check"] for check in checks}
