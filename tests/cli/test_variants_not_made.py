"""Variants that cannot be made: the others are measured; and a dry run makes none."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import Project, make_project

pytestmark = pytest.mark.usefixtures("processes")

RUN = ("run", "tiny", "--device", "here")
FAILING = """
[[variants]]
name = "bad"
from = "fp32"
recipe = { name = "int8-dynamic", nodes_to_exclude = ["nobody"] }
[[variants]]
name = "bad-half"
from = "bad"
recipe = "fp16"
[[variants]]
name = "half"
from = "fp32"
recipe = "fp16"
"""
BAD = "recipe int8-dynamic: nodes_to_exclude: there is no node 'nobody'"


def whole(project: Project) -> list[str]:
    return [path.name for path in (project.folder / "cache").rglob("variant.json")]


def test_one_that_fails_costs_itself_and_what_is_made_of_it(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=1)
    project.add(FAILING + '[[budgets]]\nname = "size"\nmodel_bytes = 1000000\n')
    done = project.run(*RUN, "--json")
    assert done.code == 3, done.err
    assert {row["variant"] for row in done.json["rows"]} == {"fp32", "int8", "half"}
    assert {row["status"] for row in done.json["rows"]} == {"finished"}
    reasons = {skip["variant"]: skip["reason"] for skip in done.json["skips"]}
    assert set(reasons) == {"bad", "bad-half"}
    assert reasons["bad"].startswith(BAD)
    assert reasons["bad-half"] == "it is made from bad, which could not be made"
    assert "2 variants could not be made, or not be run by a backend: bad, bad-half" in done.err
    gate = project.run("gate", "latest")
    assert gate.code == 3
    assert "ERROR" in gate.out
    assert BAD in " ".join(gate.out.split())
    assert len(whole(project)) == 2
    again = project.run(*RUN, "--dry-run", "--json")
    assert again.code == 0
    assert [one["variant"] for one in again.json["to_make"]] == ["bad", "bad-half"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('recipe = "fp16"', 'recipe = "fp61"', "recipe 'fp61' is unknown; did you mean fp16?"),
        (
            'nodes_to_exclude = ["nobody"]',
            'nodes_to_exclude = "nobody"',
            "variant bad: recipe int8-dynamic.nodes_to_exclude must be a list of texts",
        ),
        (
            'nodes_to_exclude = ["nobody"]',
            "per_chanel = true",
            "variant bad: recipe int8-dynamic.per_chanel is unknown; did you mean per_channel?",
        ),
        (
            'name = "bad"\nfrom = "fp32"',
            'name = "bad"\nfrom = "bad-half"',
            "variants bad -> bad-half -> bad are made from each other",
        ),
        (
            'recipe = { name = "int8-dynamic", nodes_to_exclude = ["nobody"] }',
            'recipe = "tflite-fp16"',
            "variant bad: recipe tflite-fp16 reads tflite, not the onnx file of fp32",
        ),
        (
            'name = "half"\nfrom = "fp32"\nrecipe = "fp16"',
            'name = "half"\nmodel = "gone.onnx"',
            "gone.onnx",
        ),
    ],
    ids=["recipe", "value", "option", "cycle", "format", "missing-file"],
)
@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["run", "dry-run"])
def test_a_mistake_in_the_suite_is_told_before_anything_is_made(
    old: str, new: str, told: str, more: tuple[str, ...], tmp_path: Path
) -> None:
    project = make_project(tmp_path)
    project.add(FAILING)
    project.edit(old, new)
    done = project.run(*RUN, *more)
    assert done.code == 2
    assert told in done.error
    assert "suite.toml" in done.error
    assert whole(project) == []


def test_calibration_cases_that_are_not_there_are_told_before_anything_is_made(
    tmp_path: Path,
) -> None:
    project = make_project(tmp_path)
    project.add('[[variants]]\nname = "st"\nfrom = "fp32"\nrecipe = "int8-static"\n')
    done = project.run(*RUN)
    assert done.code == 2
    assert "calibrat" in done.error
    assert whole(project) == []


def test_a_dry_run_makes_nothing_and_plans_what_would_be_made(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("onnxruntime", "openvino"))
    project.add(FAILING)
    plan = project.run(*RUN, "--dry-run", "--json")
    assert plan.code == 0, plan.err
    assert whole(project) == []
    made = [(one["variant"], one["from"], one["recipe"]) for one in plan.json["to_make"]]
    assert made == [
        ("int8", "fp32", "int8-dynamic"),
        ("bad", "fp32", "int8-dynamic"),
        ("bad-half", "bad", "fp16"),
        ("half", "fp32", "fp16"),
    ]
    cells = plan.json["cells"]
    names = {"fp32", "int8", "bad", "bad-half", "half"}
    assert {(cell["variant"], cell["backend"]) for cell in cells} == {
        (name, backend) for name in names for backend in ("onnxruntime", "openvino")
    }
    shown = project.run(*RUN, "--dry-run")
    assert "to be made from bad by fp16: bad-half; not in the cache yet" in shown.out
