"""Models that a runtime here cannot load, told to users before anything is measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from odd_models import write_double, write_foreign, write_odd
from project import Project, make_project, write_model

pytestmark = pytest.mark.usefixtures("processes")

BENCH = ("bench", "--device", "here", "--effort", "quick")


def measured(project: Project) -> list[str]:
    return [run["id"] for run in project.here("runs", "list", "--json").json]


@pytest.mark.parametrize("backend", [("--backend", "onnxruntime"), ()], ids=["named", "all"])
def test_a_model_that_no_runtime_here_reads_is_one_line_and_no_run(
    backend: tuple[str, ...], tmp_path: Path
) -> None:
    project = make_project(tmp_path)
    write_foreign(tmp_path / "m.onnx")
    done = project.here(*BENCH, *backend, "m.onnx")
    assert done.code == 2, done.err
    assert "nothing to measure: m on onnxruntime: onnxruntime " in done.error
    assert "no operator org.example:Frobnicate; export the model without it" in done.error
    assert measured(project) == []


def test_an_opset_beyond_a_runtime_is_one_line_and_no_run(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_odd(tmp_path / "m.onnx", opset=99)
    done = project.here(*BENCH, "--backend", "onnxruntime", "m.onnx")
    assert done.code == 2, done.err
    assert "and the model is of 99; export it for an older one" in done.error
    assert measured(project) == []


def test_the_files_beside_it_are_measured(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_double(tmp_path / "odd.onnx")
    write_model(tmp_path / "plain.onnx")
    done = project.run(*BENCH, "--backend", "onnxruntime", "odd.onnx", "plain.onnx")
    assert done.code == 3, done.err
    assert "no Elu(6) node with name 'bend' of these types" in done.err
    shown = project.here("runs", "show", "latest", "--json").json
    assert {row["variant"]: row["status"] for row in shown["rows"]} == {"plain": "finished"}
    (skip,) = [one for one in shown["skips"] if one["variant"] == "odd"]
    assert skip["reason"].startswith("onnxruntime ")


def test_a_suite_measures_its_other_variants_and_a_dry_run_tells(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("onnxruntime", "openvino"), launches=1)
    write_double(project.suite.parent / "odd.onnx")
    project.add('[[variants]]\nname = "odd"\nmodel = "odd.onnx"\n')
    run = ("run", "tiny", "--device", "here", "--variant", "odd")
    plan = project.here(*run, "--dry-run")
    assert plan.code == 0, plan.err
    assert "no Elu(6) node with name 'bend' of these types" in plan.out
    done = project.run(*run, "--json")
    assert done.code == 3, done.err
    found = {(row["variant"], row["backend"]): row["status"] for row in done.json["rows"]}
    wanted = [("fp32", "onnxruntime"), ("fp32", "openvino"), ("odd", "openvino")]
    assert found == dict.fromkeys(wanted, "finished")
    assert "odd" in done.err


def test_a_baseline_that_the_reference_cannot_be_computed_of_is_one_line(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    write_foreign(project.suite.parent / "model.onnx")
    done = project.here("run", "tiny", "--device", "here", "--variant", "fp32")
    assert done.code == 2, done.err
    assert "no operator org.example:Frobnicate; export the model without it" in done.error
    assert measured(project) == []
