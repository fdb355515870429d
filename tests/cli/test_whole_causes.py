"""A runtime puts the cause of a failure last, behind a long C++ signature: users get to read it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic
from project import Project, make_project

pytestmark = pytest.mark.usefixtures("processes")

SUITE = """
[suite]
name = "tiny"
task = "npz"
baseline = "fp32"
effort = "quick"
backends = ["onnxruntime"]
[data]
inputs = "cases.npz"
metric = "mean_absolute_error"
[[variants]]
name = "fp32"
model = "fp32.onnx"
[[variants]]
name = "dync"
{dync}
[scenarios.quality]
batch = 4
"""
CAUSE = "MatmulInteger : b zero point is not valid"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Stacked matrices, whose scales a channel onnxruntime does not run."""
    made = make_project(tmp_path)
    folder = made.suite.parent
    rng = np.random.default_rng(5)
    w = rng.standard_normal((2, 6, 3)).astype(np.float32)
    x = rng.standard_normal((80, 2, 5, 6)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2, 5, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2, 5, 3])],
        [numpy_helper.from_array(w, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(folder / "fp32.onnx"))
    quantize_dynamic(folder / "fp32.onnx", folder / "dync.onnx", per_channel=True)
    np.savez(folder / "cases.npz", x=x, labels=x @ w)
    return made


def test_a_recipe_that_makes_such_a_file_is_a_skip_with_the_cause(project: Project) -> None:
    recipe = 'from = "fp32"\nrecipe = { name = "int8-dynamic", per_channel = true }'
    project.suite.write_text(SUITE.format(dync=recipe))
    done = project.run("run", "tiny", "--device", "here", "--json")
    assert done.code == 3, done.err
    assert [(row["variant"], row["status"]) for row in done.json["rows"]] == [("fp32", "finished")]
    (skip,) = done.json["skips"]
    assert skip["reason"].startswith("recipe int8-dynamic: ")
    assert f"{CAUSE}; set per_channel = false" in skip["reason"]
    assert "ComputeCommon(" not in skip["reason"], "a signature says nothing to users"
    assert "--rerun-failed" not in done.err + done.out


def test_such_a_file_that_a_suite_names_fails_with_the_cause(project: Project) -> None:
    project.suite.write_text(SUITE.format(dync='model = "dync.onnx"'))
    done = project.run("run", "tiny", "--device", "here", "--budget", "quality_loss_max=1")
    assert done.code == 3, done.err
    assert CAUSE in " ".join(done.out.split())
    assert "--rerun-failed" not in done.err + done.out, "it would fail again as it is"
    rows = project.here("runs", "show", "latest", "--json").json["rows"]
    failed = {row["variant"]: row["reason"] for row in rows if row["status"] == "failed"}
    assert failed["dync"].endswith(CAUSE)
    project.here("gate", "latest", "-o", "gate.xml")
    told = ElementTree.parse(project.folder / "gate.xml").iter("error")
    assert any(CAUSE in (one.get("message") or "") + (one.text or "") for one in told)


def test_such_a_file_without_a_suite_fails_with_the_cause(project: Project) -> None:
    model = str(project.suite.parent / "dync.onnx")
    done = project.run(
        "bench", model, "--device", "here", "--backend", "onnxruntime", "--effort", "quick"
    )
    assert done.code in (2, 3), done.err
    assert CAUSE in " ".join((done.out + done.err).split())
    assert "--rerun-failed" not in done.err + done.out
