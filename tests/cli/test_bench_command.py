"""`benchhub bench` as a user starts it, on this machine."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import pytest
from project import Project, make_project, write_model


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path)
    write_model(tmp_path / "small.onnx", hidden=8)
    write_model(tmp_path / "large.onnx", hidden=20_000)
    return made


BENCH = ("bench", "--device", "here", "--backend", "onnxruntime")


@pytest.mark.usefixtures("processes")
def test_two_files_are_measured_the_faster_is_named_and_the_run_is_a_run(project: Project) -> None:
    done = project.run(
        *BENCH, "small.onnx", "large.onnx", "--effort", "quick", "--budget", "model_bytes=100000"
    )
    assert done.code == 1, done.err  # large.onnx is over it
    assert "small is " in done.out
    assert "as fast as large (on onnxruntime)" in done.out
    assert "Quality" not in done.out
    rows = project.here("runs", "show", "latest", "--json").json["rows"]
    assert [(row["variant"], row["scenario"], row["launches"]) for row in rows] == [
        ("small", "latency", 3), ("large", "latency", 3),
    ]  # fmt: skip
    for row in rows:
        for column in ("load_ms", "first_inference_ms", "peak_rss_mib", "model_bytes", "params"):
            assert row[column] is not None, column
        assert row["quality"] is None
    page = next(project.folder.glob("benchhub-*.html")).read_text()
    assert "Quality" not in page.split('id="glossary"')[0]
    gate = project.here("gate", "latest", "--budget", "model_bytes=9000000")
    assert gate.code == 0, gate.out + gate.err
    assert project.here("gate", "latest", "--budget", "model_byte=1").code == 2
    again = project.run("run", "--resume", rows[0]["run"])
    assert again.code == 1, "there is nothing left to do, and its limit is as broken"


@pytest.mark.usefixtures("processes")
def test_a_report_that_cannot_be_written_loses_nothing_else(project: Project) -> None:
    store = f"sqlite:///{project.folder / 'other.db'}"
    nowhere = dataclasses.replace(project, folder=Path("/proc"))
    device = str(project.folder / "device_profiles" / "here.toml")
    done = nowhere.run(
        "bench", "--device", device, "--backend", "onnxruntime", "--effort", "quick",
        "--store", store, str(project.folder / "small.onnx"), "--budget", "model_bytes=900000",
    )  # fmt: skip
    assert done.code == 2, done.err
    assert "PASS" in done.out
    assert "cannot be written: " in done.error
    typed = shlex.split(done.error.split("`")[1])
    assert typed[0] == "benchhub"
    elsewhere = project.folder / "elsewhere.html"
    again = nowhere.run(*typed[1:-1], str(elsewhere))
    assert again.code == 0, again.err
    assert "small" in elsewhere.read_text("utf-8")


@pytest.mark.usefixtures("processes")
def test_by_default_nothing_is_said_of_hardware_that_is_not_there(project: Project) -> None:
    done = project.run("bench", "--device", "here", "small.onnx", "--effort", "quick")
    assert done.code == 0, done.err
    shown = project.here("runs", "show", "latest", "--json").json
    (device,) = shown["devices"]
    left = {one["backend"] for one in device["findings"] if one["level"] == "left out"}
    measured = {row["backend"] for row in shown["rows"]}
    assert measured >= {"onnxruntime", "openvino"}
    assert not measured & left
    assert not shown["skips"]
    gpus = {gpu.get("vendor") for gpu in device["facts"].get("gpus") or ()}
    if "NVIDIA" not in gpus:
        assert left == {"tensorrt"}
        assert "tensorrt" not in done.out + done.err


@pytest.mark.usefixtures("processes")
def test_an_asked_backend_that_is_not_there_is_exit_code_3(project: Project) -> None:
    done = project.run(
        "bench", "--device", "here", "--backend", "onnxruntime", "--backend", "tensorrt",
        "small.onnx", "--effort", "quick",
    )  # fmt: skip
    assert done.code == 3, done.err
    assert "tensorrt was asked for" in done.err
    assert "small" in done.out


@pytest.mark.usefixtures("processes")
def test_an_asked_backend_that_reads_none_of_the_files_is_exit_code_3(project: Project) -> None:
    done = project.run(
        "bench", "--device", "here", "--backend", "onnxruntime", "--backend", "tflite",
        "small.onnx", "--effort", "quick",
    )  # fmt: skip
    assert done.code == 3, done.err
    assert "tflite was asked for and reads none of the files: tflite reads" in done.err
    assert "small" in done.out


def test_a_model_in_place_of_a_suite_leads_to_bench(project: Project) -> None:
    done = project.here("run", "small.onnx")
    assert done.code == 2
    assert "small.onnx is a model, not a suite: `benchhub bench small.onnx`" in done.error


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("none.onnx",), "no such file"),
        (("small.onnx", "--shape", "y=1x3"), "small.onnx has no such input"),
        (("small.onnx", "--shape", "x=1x3"), "does not fit small.onnx, whose input x is ?x16"),
        (("small.onnx", "--budget", "latency_p96_ms=1"), "did you mean latency_p95_ms?"),
        (("small.onnx", "--budget", "latency_p95_ms=fast"), "fast is no number"),
        (("small.onnx", "--device", "mars"), "device mars is unknown"),
        (("small.onnx", "--precision", "f61"), "did you mean f16?"),
        (("small.onnx", "--option", "inter_op_thread=2"), "did you mean inter_op_threads?"),
        (("small.onnx", "--option", "onnxruntim.arena=false"), "did you mean onnxruntime?"),
        (("small.onnx", "--option", "arena=7"), "options.onnxruntime.arena = 7"),
        (("small.onnx", "--option", "arena"), "should be NAME=VALUE"),
        (("small.onnx", "--shape", "x=1x16", "--inputs", "x.npz"), "brings its own shapes"),
    ],
)
def test_mistakes_are_one_line(project: Project, arguments: tuple[str, ...], match: str) -> None:
    done = project.here("bench", *arguments)
    assert done.code == 2
    assert match in done.error
