"""`benchhub devices provision`, as a user types it; the registry is a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from project import Project, make_project
from tiny_wheels import write_wheel


@pytest.fixture
def bare(tmp_path: Path) -> Project:
    """Return a project whose pip finds nothing at all."""
    registry = tmp_path / "registry"
    write_wheel(registry, "unrelated")
    made = make_project(tmp_path / "project")
    made.env.update(PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(registry))
    return made


@pytest.mark.usefixtures("processes")
def test_a_backend_that_cannot_be_fetched_is_one_line_and_exit_3(bare: Project) -> None:
    done = bare.run("devices", "provision", "here", "--backend", "onnxruntime", "--offline")
    assert done.code == 3
    assert done.error.startswith("benchhub: here: ")
    assert "has no wheel for Python" in done.error
    assert done.out == ""


@pytest.mark.usefixtures("processes")
def test_every_backend_is_tried_and_the_answers_are_rows(bare: Project) -> None:
    done = bare.run(
        "devices", "provision", "here", "--backend", "tflite", "--backend", "openvino", "--offline",
        "--json",
    )  # fmt: skip
    assert done.code == 3
    assert [(row["device"], row["backend"]) for row in done.json] == [
        ("here", "tflite"),
        ("here", "openvino"),
    ]
    assert all("has no wheel" in row["error"] for row in done.json)


@pytest.mark.usefixtures("processes")
def test_a_device_that_does_not_answer_does_not_stop_the_next(bare: Project) -> None:
    bare.device("gone", python="/no/such/python")
    done = bare.run("devices", "provision", "gone", "here", "--remove", "--json")
    assert done.code == 3
    gone, here = done.json
    assert (gone["device"], "/no/such/python" in gone["error"]) == ("gone", True)
    assert (here["device"], here["removed"]) == ("here", None)


@pytest.mark.usefixtures("processes")
def test_removing_nothing_says_so(bare: Project) -> None:
    done = bare.run("devices", "provision", "here", "--remove")
    assert (done.code, done.out) == (0, "here: nothing to remove\n")


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--backend", "tflight"), "no lock for backend tflight; did you mean tflite?"),
        (("--backend", "tensorrt"), "tensorrt cannot be provisioned"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    bare: Project, arguments: tuple[str, ...], cause: str
) -> None:
    done = bare.here("devices", "provision", "here", *arguments)
    assert done.code == 2
    assert cause in done.error
