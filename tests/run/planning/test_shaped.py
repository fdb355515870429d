"""`shapes = [..]` of a scenario: a cell each, on inputs that fit; quality stays the data's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from project import Project, make_project

from benchhub.config.request import located, resolve
from benchhub.errors import ConfigError
from benchhub.model.request import RunRequest
from benchhub.run.execute import Ready, make_ready


def write_pool(path: Path) -> None:
    """The mean over height and width, both open, is the score of a class."""
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x"], ["scores"], axes=[2, 3], keepdims=0)],
        "pool",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path)
    folder = made.suite.parent
    write_pool(folder / "model.onnx")
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, (60, 3))
    x = (labels[:, :, None, None] + rng.normal(0, 1, (60, 3, 8, 8))).astype(np.float32)
    np.savez(folder / "cases.npz", x=x, labels=labels, groups=np.arange(60))
    text = made.suite.read_text()
    made.suite.write_text(text.replace('[[variants]]\nname = "int8"\nfrom = "fp32"\n', "").replace(
        'recipe = "int8-dynamic"\n', ""))  # fmt: skip
    return made


def ready(project: Project, shapes: str) -> Ready:
    project.edit("[scenarios.latency]", f"[scenarios.latency]\nshapes = {shapes}\nbatch = [1, 2]")
    request = located(RunRequest(str(project.suite), ("here",)), project.folder)
    return make_ready(resolve(request), project.folder / "cache", lambda line: None)


def test_each_shape_and_batch_is_a_cell_with_inputs_that_fit(
    project: Project, processes: None
) -> None:
    made = ready(project, '["x=1x3x16x16", "x=1x3x32x24"]')
    cells = [cell for cell in made.plan.cells if cell.runs_model and cell.scenario == "latency"]
    assert [(cell.batch, cell.shapes) for cell in cells] == [
        (1, "x=1x3x16x16"), (1, "x=1x3x32x24"), (2, "x=2x3x16x16"), (2, "x=2x3x32x24"),
    ]  # fmt: skip
    for cell in cells:
        file = made.prepared.inputs_of[cell.variant, cell.shapes]["x"]
        assert np.load(file.path).shape == tuple(map(int, cell.shapes[2:].split("x")))
    others = [cell for cell in made.plan.cells if cell.scenario == "quality"]
    assert {cell.shapes for cell in others} == {""}


@pytest.mark.parametrize(
    ("shapes", "match"),
    [
        ('["y=1x3x16x16"]', r"latency.shapes: fp32 has no input y, but x"),
        ('["x=1x4x16x16"]', r"latency.shapes: x=1x4x16x16 does not fit fp32"),
        ('["1x4x16x16"]', r"latency.shapes: 1x4x16x16: should be NAME="),
        ("[]", r"latency.shapes"),
    ],
)
def test_a_shape_that_does_not_fit_is_one_line(
    project: Project, shapes: str, match: str, processes: None
) -> None:
    with pytest.raises(ConfigError, match=match) as refused:
        ready(project, shapes)
    assert "\n" not in str(refused.value)
    assert "--shape" not in str(refused.value)


def test_quality_is_judged_on_the_data_and_has_no_shapes(project: Project) -> None:
    project.edit("[scenarios.quality]", '[scenarios.quality]\nshapes = ["x=1x3x16x16"]')
    with pytest.raises(ConfigError, match=r"quality.shapes: only the other scenarios have"):
        resolve(located(RunRequest(str(project.suite), ("here",)), project.folder))


def test_rows_of_a_shape_have_times_and_no_quality_of_other_inputs(
    project: Project, processes: None
) -> None:
    project.edit(
        "[scenarios.latency]", '[scenarios.latency]\nshapes = ["x=1x3x16x16", "x=1x3x9x9"]'
    )
    done = project.run("run", "suites/tiny", "--device", "here", "--effort", "quick")
    assert done.code == 0, done.err
    rows = project.run("runs", "show", "latest", "--json").json["rows"]
    timed = [row for row in rows if row["scenario"] == "latency"]
    assert [row["shapes"] for row in timed] == ["x=1x3x16x16", "x=1x3x9x9"]
    for row in timed:
        assert row["status"] == "finished"
        assert row["quality"] is None
        assert not {"garbage", "nonfinite"} & {flag["name"] for flag in row["flags"]}
    (judged,) = [row for row in rows if row["scenario"] == "quality"]
    assert judged["quality"] is not None
    assert judged["shapes"] is None
