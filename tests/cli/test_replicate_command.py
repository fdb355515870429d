"""`benchhub replicate`: answers, exit codes, JSON and mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import make_budget, make_cell, make_device
from in_process import Reading
from project import make_project
from published_reports import scaled
from recorded_runs import launches_of, stored

from benchhub.store import Store

FP32, INT8 = make_cell(variant="fp32"), make_cell(variant="int8")
KIND = {"arch": "x86_64", "cpu_model": "Xeon", "cores_logical": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """Runs `first` and `again` of the same, `slow` of twice the time, and the report of `first`."""
    reading = Reading(tmp_path_factory.mktemp("replicate"))
    device = make_device(FP32.device, facts=KIND)
    edge = (make_budget("edge", latency_p95_ms=20.0),)
    with Store.open(reading.url) as store:
        for run, fp32, int8 in (("first", 1, 0.5), ("again", 1, 0.5), ("slow", 2.5, 0.5)):
            launches = [*launches_of(FP32, run, scale=fp32), *launches_of(INT8, run, scale=int8)]
            stored(store, run, launches, edge, device, suite="tiny")
        two = [*launches_of(FP32, "two"), *launches_of(make_cell(device="pi"), "two")]
        stored(store, "two", two, suite="tiny")
    done = reading.run("report", "first", "--format", "json", "-o", str(reading.folder / "r.json"))
    assert done.code == 0, done.err
    return reading


def replicated(folder: Reading, run: str, *words: str, report: str = "r.json") -> Any:
    """The command, held against a run."""
    return folder.run("replicate", str(folder.folder / report), "--against", run, *words)


def changed(folder: Reading, name: str, factor: float) -> str:
    """The report with a speed-up and its interval moved."""
    told = json.loads((folder.folder / "r.json").read_text("utf-8"))
    told["rows"] = [
        scaled(one, "speedup", factor) if one["variant"] == "int8" and one["speedup"] else one
        for one in told["rows"]
    ]
    (folder.folder / name).write_text(json.dumps(told))
    return name


def test_a_report_that_is_true_comes_out_again(folder: Reading) -> None:
    done = replicated(folder, "again")
    assert done.code == 0, done.out
    assert done.out.startswith(
        "REPLICATED: tiny, run first, by run again here: 2 rows, 2 replicated, 0 cannot be told"
    )
    assert "of the kind of the device here" in done.out
    assert done.err == "replicate: held against run again\n"


def test_a_doctored_one_does_not(folder: Reading) -> None:
    name = changed(folder, "doctored.json", 1.3)
    done = replicated(folder, "again", report=name)
    assert done.code == 1
    assert done.out.startswith("NOT REPLICATED: tiny")
    assert "NOT REPLICATED  1 row: 1 speedup" in done.out
    assert "Beware: int8: onnxruntime" in done.out
    told = replicated(folder, "again", "--json", report=name).json
    assert told["outcome"] == "not replicated"
    (off,) = [
        figure for row in told["rows"] for figure in row["figures"]
        if figure["outcome"] == "not replicated"
    ]  # fmt: skip
    assert off["quantity"] == "speedup"
    assert off["ours_over_theirs"]["value"] == pytest.approx(1 / 1.3, rel=0.05)
    assert off["p_value"] < 1e-4
    assert replicated(folder, "again", "--margin", "60", report=name).code == 0


def test_a_machine_of_another_day_is_told_from_a_false_report(folder: Reading) -> None:
    done = replicated(folder, "slow", "--json").json
    off = {
        (row["variant"], figure["quantity"]) for row in done["rows"] for figure in row["figures"]
        if figure["outcome"] == "not replicated"
    }  # fmt: skip
    assert off == {("fp32", "p50_ms"), ("int8", "speedup")}
    claims = {one["kind"]: one["outcome"] for one in done["claims"]}
    assert claims["who is faster"] == "replicated"


def test_a_report_is_not_held_against_its_own_run(folder: Reading) -> None:
    done = replicated(folder, "first")
    assert (done.code, done.out) == (2, "")
    assert "that is the run that the report is of" in done.error


def test_a_run_of_two_devices_asks_for_one(folder: Reading) -> None:
    done = replicated(folder, "two")
    assert (done.code, done.out) == (2, "")
    assert "run two has several devices; say which with --device" in done.error
    assert "has no device x" in replicated(folder, "two", "--device", "x").error
    assert replicated(folder, "two", "--device", "pi").code == 4


@pytest.mark.parametrize(("words", "wanted"), [
    (["--models", "."], "--against again runs nothing; drop --models"),
    (["--dry-run"], "drop --dry-run"),
    (["--of", "orin"], "--of orin: the report has no such device"),
    (["--of-run", "x"], "has no run x"),
    (["--margin", "0"], "--margin"),
])  # fmt: skip
def test_mistakes_are_one_line(folder: Reading, words: list[str], wanted: str) -> None:
    done = replicated(folder, "again", *words)
    assert (done.code, done.out) == (2, "")
    assert wanted in done.err


@pytest.mark.parametrize(("content", "wanted"), [
    ("", "is empty"), ("<html>", "is a web page"), ("{", "no JSON, or cut short"),
    ('{"schema": 7, "rows": []}', "update benchhub"), ("[]", "no report of benchhub's"),
])  # fmt: skip
def test_a_file_that_is_no_report(folder: Reading, content: str, wanted: str) -> None:
    path = folder.folder / "odd.json"
    path.write_text(content)
    done = folder.run("replicate", str(path), "--against", "again")
    assert (done.code, done.out) == (2, "")
    assert wanted in done.error


@pytest.mark.parametrize("columns", ["40", "80", None])
def test_no_number_is_cut_at_any_width(folder: Reading, columns: str | None) -> None:
    narrow = Reading(folder.folder, columns=columns)
    out = replicated(narrow, "slow").out
    assert columns is None or all(len(line) <= int(columns) for line in out.splitlines())
    one = replicated(folder, "slow", "--json").json["rows"][0]["figures"][0]
    assert f"{one['theirs']['value']:.3g}"[:4] in out


@pytest.mark.usefixtures("processes")
@pytest.mark.timeout(600)
def test_a_report_is_run_again_from_files_and_from_recipes(tmp_path: Path) -> None:
    there = make_project(tmp_path / "there")
    first = there.run("run", "tiny", "--device", "here")
    assert first.code == 0, first.err
    path = tmp_path / "report.json"
    assert there.here("report", "latest", "--format", "json", "-o", str(path)).code == 0

    here = make_project(tmp_path / "here")
    dry = here.here("replicate", str(path), "--device", "here", "--dry-run")
    assert dry.code == 0, dry.err
    assert "fp32: made as the suite here says, and the same file" in dry.out
    assert "int8: to be made as the suite here says" in dry.out
    assert here.here("runs", "list", "--json").json == []

    # Another network of the same name is another model, until its file is given.
    (here.suite.parent / "model.onnx").write_bytes(other_model(tmp_path))
    none = here.run("replicate", str(path), "--device", "here", "--json")
    assert none.code == 4, none.err
    assert {row["reason"].partition(":")[0] for row in none.json["rows"]} == {"another model"}
    assert here.here("runs", "list", "--json").json == []  # nothing was measured

    models = str(there.folder)
    done = here.run("replicate", str(path), "--device", "here", "--json", "--models", models)
    assert done.code in (0, 1, 4), done.err  # two launches tell little of times
    assert all(row["here"] for row in done.json["rows"])
    quality = [
        figure for row in done.json["rows"] for figure in row["figures"]
        if figure["quantity"] == "quality"
    ]  # fmt: skip
    assert {(one["outcome"], one["same_cases"]) for one in quality} == {("replicated", True)}
    (run,) = here.here("runs", "list", "--json").json
    assert done.json["ours"]["id"] == run["id"]

    # Without the suite the files alone are benched.
    bare = make_project(tmp_path / "bare")
    bare.suite.unlink()
    alone = bare.run("replicate", str(path), "--device", "here", "--json", "--models", models)
    assert alone.code in (1, 4), alone.err
    kinds = {row["scenario"]: row["here"] is not None for row in alone.json["rows"]}
    assert kinds == {"latency": True, "quality": False}
    lost = bare.here("replicate", str(path), "--device", "here")
    assert (lost.code, lost.out) == (2, "")
    assert "name the suite with --suite, or give the models with --models DIR" in lost.error


def other_model(folder: Path) -> bytes:
    """Another network of the same inputs and outputs."""
    from project import write_model

    return write_model(folder / "other.onnx", seed=9).read_bytes()
