"""`benchhub ab` as a user starts it, on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import Project, make_project, write_model


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path)
    write_model(tmp_path / "small.onnx", hidden=8)
    write_model(tmp_path / "large.onnx", hidden=20_000)
    write_model(tmp_path / "other.onnx", features=5)
    return made


AB = ("ab", "here", "onnxruntime")


@pytest.mark.usefixtures("processes")
def test_a_much_larger_model_regressed_and_the_run_is_kept(project: Project) -> None:
    done = project.run(*AB, "small.onnx", "large.onnx", "--iterations", "20", "--json")
    assert done.code == 1, done.err
    found = done.json
    assert found["verdict"] == "regressed"
    assert found["pairs"] == 10
    assert [effect["statistic"] for effect in found["effects"]] == ["p25", "p50", "p95"]
    median = found["effects"][1]  # a busy machine may leave the others open
    assert median["ratio_low"] > 1
    assert found["a"]["p50_ms"] < found["b"]["p50_ms"]
    assert found["outputs_max_abs_difference"] > 0
    listed = project.here("runs", "list", "--json").json
    assert [(run["id"], run["suite"]) for run in listed] == [(found["run"], "ab")]
    rows = project.here("runs", "show", found["run"], "--json").json["rows"]
    assert [(row["variant"], row["launches"]) for row in rows] == [("small", 10), ("large", 10)]
    again = project.run("run", "--resume", found["run"])
    assert again.code == 2
    assert "benchhub ab here onnxruntime small.onnx large.onnx" in again.error


@pytest.mark.usefixtures("processes")
def test_the_other_way_round_it_improved_and_says_so_in_words(project: Project) -> None:
    done = project.run(
        *AB, "large.onnx", "small.onnx", "--iterations", "20",
        "--inputs", "suites/tiny/cases.npz", "--batch", "2",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "IMPROVED: p50 of B is -" in done.out
    assert "10 pairs of launches" in done.out
    assert "benchhub report" in done.out


@pytest.mark.usefixtures("processes")
def test_limits_that_are_typed_are_of_b_and_count_for_the_exit_code(project: Project) -> None:
    both = ("large.onnx", "small.onnx")
    done = project.run(
        *AB, *both, "--iterations", "20", "--json",
        "--budget", "model_bytes=100000", "--budget", "load_ms=0.000001",
    )  # fmt: skip
    assert done.code == 1, "it improved, and does not load in a nanosecond"
    found = done.json
    assert found["verdict"] == "improved"
    assert found["budget"] == "FAIL"
    assert {(one["variant"], one["key"]) for one in found["budget_verdicts"]} == {
        ("small", "model_bytes"), ("small", "load_ms"),
    }  # fmt: skip
    gate = project.here("gate", found["run"])
    assert gate.code == 1, gate.out
    assert "measure again with `benchhub ab here onnxruntime large.onnx" in " ".join(
        gate.out.split()
    )


@pytest.mark.usefixtures("processes")
def test_a_backend_that_fails_is_exit_code_3(project: Project) -> None:
    done = project.run(
        "ab", "here", "faulty", "small.onnx", "large.onnx", "--option", "fault=raise"
    )
    assert done.code == 3, done.err
    assert "failed in time: raised" in done.out


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((*AB, "none.onnx", "small.onnx"), "none.onnx"),
        ((*AB, "small.onnx", "other.onnx"), "input 'x'"),
        (("ab", "here", "onnxruntim", "small.onnx", "large.onnx"), "did you mean onnxruntime"),
        (("ab", "here", "tflite", "small.onnx", "large.onnx"), "tflite reads tflite, not onnx"),
        (("ab", "here", "null", "small.onnx", "large.onnx"), "null runs no model"),
        (("ab", "nowhere", "onnxruntime", "small.onnx", "large.onnx"), "device nowhere is unknown"),
        ((*AB, "small.onnx", "large.onnx", "--option", "provder=cuda"), "did you mean provider"),
        ((*AB, "small.onnx", "large.onnx", "--inputs", "none.npz"), "none.npz: no such file"),
        ((*AB, "small.onnx", "large.onnx", "--budget", "load_mss=1"), "did you mean load_ms?"),
        ((*AB, "small.onnx", "large.onnx", "--budget", "quality_loss_max=1"), "ab measures no"),
        ((*AB, "small.onnx", "large.onnx", "--precision", "f61"), "did you mean f16?"),
        ((*AB, "small.onnx", "large.onnx", "--shape", "y=1x16"), "has no such input"),
    ],
)
def test_mistakes_are_one_line(project: Project, arguments: tuple[str, ...], match: str) -> None:
    done = project.here(*arguments)
    assert done.code == 2
    assert match in done.error


@pytest.mark.parametrize("option", [("--delta", "2"), ("--statistic", "p99"), ("--option", "x")])
def test_options_out_of_range_are_usage_errors(project: Project, option: tuple[str, str]) -> None:
    done = project.here(*AB, "small.onnx", "large.onnx", *option)
    assert done.code == 2
    assert "Traceback" not in done.err
