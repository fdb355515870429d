"""From a suite to devices that are held against the right thing: batches, and answers that vary."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from project import Finished, make_project
from repository import ROOT

from benchhub.config.suite import load_suite
from benchhub.model.asked import ScenarioSpec
from benchhub.model.scenario import Scenario
from benchhub.run.references import reference_batch

SUITE = """\
[suite]
name = "tiny"
task = "npz"
baseline = "fp32"
effort = "quick"
backends = {backends}
[data]
inputs = "cases.npz"
metric = "accuracy"
[[variants]]
name = "fp32"
model = "model.onnx"
[[variants]]
name = "other"
from = "fp32"
recipe = "{recipe}"
{scenarios}
[[budgets]]
name = "ship"
quality_loss_max = 0.02
"""


def write(
    folder: Path,
    nodes: list[Any],
    held: dict[str, Any],
    x: Any,
    labels: Any,
    outputs: tuple[str, ...] = ("y",),
) -> None:
    """Write a model of x to y, all of two axes, and its cases."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", x.shape[1]])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["M", "K"]) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(
        helper.make_model(graph, opset_imports=opset, ir_version=8), str(folder / "model.onnx")
    )
    np.savez(folder / "cases.npz", x=x, labels=labels)


def measured(
    folder: Path, parts: tuple[Any, ...], scenarios: str, recipe: str, backends: str
) -> Finished:
    project = make_project(folder)
    write(project.suite.parent, *parts)
    text = SUITE.format(backends=backends, recipe=recipe, scenarios=scenarios)
    project.suite.write_text(text)
    return project.run("run", "tiny", "--device", "here", "--json")


def linear(cases: int, features: int, classes: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    weights = rng.standard_normal((features, classes)).astype(np.float32)
    return weights, rng.standard_normal((cases, features)).astype(np.float32)


@pytest.mark.usefixtures("processes")
def test_quality_of_a_dynamic_int8_is_told_by_batch(tmp_path: Path) -> None:
    """Of a batch with one large case, the small ones are lost: .997, .478 and .323 are right."""
    weights, x = linear(640, 16, 4)
    x[::8] *= 300
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    parts = nodes, {"w": weights}, x, (x @ weights).argmax(1)
    scenarios = (
        "[scenarios.latency]\niterations=20\n[scenarios.throughput]\nbatch=[8,32]\nlaunches=3\n"
        "iterations=20\n[scenarios.quality]\n"
    )
    done = measured(tmp_path, parts, scenarios, "int8-dynamic", '["onnxruntime"]')
    rows = [row for row in done.json["rows"] if row["variant"] == "other"]
    shown = {
        (row["scenario"], row["batch"]): row["quality"]
        for row in rows
        if row["scenario"] != "latency"
    }
    right = {1: 0.997, 8: 0.478, 32: 0.323}
    assert shown == pytest.approx(
        {
            **{("quality", batch): value for batch, value in right.items()},
            **{("throughput", batch): right[batch] for batch in (8, 32)},
        },
        abs=0.005,
    )
    assert all("batch_dependent" in [flag["name"] for flag in row["flags"]] for row in rows)
    outcomes = {
        verdict["batch"]: verdict["outcome"]
        for verdict in done.json["verdicts"]
        if verdict["variant"] == "other"
    }
    assert outcomes == {1: "PASS", 8: "FAIL", 32: "FAIL"}


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("sizes", [[1, -1], [1, 3]])
def test_a_model_that_works_at_batch_1_only_is_held_to_its_own_answers(
    tmp_path: Path, sizes: list[int]
) -> None:
    weights, x = linear(240, 6, 3)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Reshape", ["a", "sizes"], ["y"]),
    ]
    parts = nodes, {"w": weights, "sizes": np.array(sizes)}, x, (x @ weights).argmax(1)
    scenarios = "[scenarios.quality]\nbatch = 1\n"
    done = measured(tmp_path, parts, scenarios, "fp16", '["onnxruntime", "openvino"]')
    rows = done.json["rows"]
    assert {(row["variant"], row["backend"]) for row in rows} == {
        (variant, backend)
        for variant in ("fp32", "other")
        for backend in ("onnxruntime", "openvino")
    }
    assert [row["quality"] for row in rows if row["variant"] == "fp32"] == [1, 1]
    assert all(row["quality"] > 0.98 for row in rows)
    assert not [flag for row in rows for flag in row["flags"] if flag["name"] == "garbage"]


@pytest.mark.usefixtures("processes")
def test_a_batch_that_the_baseline_cannot_answer_is_refused_before_anything(
    tmp_path: Path,
) -> None:
    weights, x = linear(40, 6, 3)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Reshape", ["a", "sizes"], ["y"]),
    ]
    parts = nodes, {"w": weights, "sizes": np.array([1, -1])}, x, (x @ weights).argmax(1)
    scenarios = "[scenarios.quality]\nbatch = 4\n"
    done = measured(tmp_path, parts, scenarios, "fp16", '["onnxruntime"]')
    assert done.code == 2
    assert "output y is 1x12 for a batch of 4, and cases should run along its axis 0" in done.error
    assert "fix the batch at 1 (batch = 1), or export it again" in done.error
    assert "[E:onnxruntime" not in done.err


@pytest.mark.usefixtures("processes")
def test_a_baseline_with_dropout_left_on_is_told_as_that(tmp_path: Path) -> None:
    weights, x = linear(240, 16, 3)
    nodes = [
        helper.make_node("Dropout", ["x", "ratio", "on"], ["kept"]),
        helper.make_node("MatMul", ["kept", "w"], ["y"]),
    ]
    held = {"w": weights, "ratio": np.float32(0.5), "on": np.array(True)}
    parts = nodes, held, x, (x @ weights).argmax(1)
    scenarios = "[scenarios.latency]\niterations=20\n[scenarios.quality]\n"
    done = measured(tmp_path, parts, scenarios, "fp16", '["onnxruntime"]')
    assert "the answers of fp32 vary from call to call by" in done.err
    assert "operators that draw at random: Dropout" in done.err
    for row in done.json["rows"]:
        flags = {flag["name"] for flag in row["flags"]}
        assert "varying_outputs" in flags
        assert not flags & {"garbage", "nonfinite"}
        assert row["quality"] is None
        assert "vary from call to call" in row["withheld"]["quality"]
    assert {verdict["outcome"] for verdict in done.json["verdicts"]} == {"INCONCLUSIVE"}


@pytest.mark.usefixtures("native", "processes")
@pytest.mark.parametrize("by_device", [False, True], ids=["controller", "device"])
def test_what_no_metric_reads_may_vary_and_is_not_compared(tmp_path: Path, by_device: bool) -> None:
    weights, x = linear(240, 16, 3)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("RandomNormalLike", ["y"], ["z"]),
    ]
    project = make_project(tmp_path)
    labels = (x @ weights).argmax(1)
    write(project.suite.parent, nodes, {"w": weights}, x, labels, ("y", "z"))
    scenarios = "[scenarios.latency]\nlaunches = 2\niterations = 20\nbatch = 4\n"
    project.suite.write_text(
        SUITE.format(
            backends='["onnxruntime"]',
            recipe="int8-dynamic",
            scenarios=f"{scenarios}[scenarios.quality]\n",
        )
    )
    project.edit('metric = "accuracy"\n', 'metric = "accuracy"\noutput = "y"\n')
    project.edit("[scenarios.quality]\n", "[scenarios.quality]\nbatch = 4\n")
    if by_device:
        project.edit('baseline = "fp32"\n', 'baseline = "fp32"\nreference = "device"\n')
    done = project.run("run", "tiny", "--device", "here", "--json")
    assert done.code == 0, done.err
    varies = re.search(r"output z varies from call to call by ([.\d]+) of its spread", done.err)
    assert varies is not None
    # The root of 2, of no more than twelve numbers.
    assert 0.3 < float(varies.group(1)) < 4
    assert "no metric reads it, and it is not compared" in done.err
    told = done.json["run"]["provenance"]["outputs not compared"]
    assert told.startswith("output z varies from call to call by ")
    assert ("RandomNormalLike" in told) is not by_device
    for row in done.json["rows"]:
        names = {flag["name"] for flag in row["flags"]}
        assert not names & {"varying_outputs", "garbage", "place_dependent", "batch_dependent"}
        assert row["quality"] == pytest.approx(1, abs=0.05)
        assert row["agreement_max_abs"] < (1e-4 if row["variant"] == "fp32" else 0.5)
    again = project.here("run", "--resume", "latest", "--json")
    assert again.code == 0, again.err


def test_the_reference_is_at_the_smallest_batch_of_quality_or_of_all() -> None:
    suite = load_suite(ROOT / "suites" / "quickstart" / "suite.toml")
    for scenarios, batch in [
        ((ScenarioSpec(Scenario.LATENCY), ScenarioSpec(Scenario.QUALITY, (8, 4))), 4),
        ((ScenarioSpec(Scenario.LATENCY, (16, 2)), ScenarioSpec(Scenario.MEMORY, (3,))), 2),
        ((), 1),
    ]:
        assert reference_batch(dataclasses.replace(suite, scenarios=scenarios)) == batch
