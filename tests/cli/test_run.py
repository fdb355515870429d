"""`benchhub run` as a user starts it, on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import CASES, make_project

from benchhub.model.columns import COLUMNS

pytestmark = pytest.mark.usefixtures("processes")

RUN = ("run", "tiny", "--device", "here")


def test_a_users_own_model_and_cases_end_in_a_report(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("onnxruntime", "openvino", "null"))
    done = project.run(*RUN, "--json")
    assert done.code == 0, done.err
    assert done.json["schema"] == 1
    rows = done.json["rows"]
    assert set(COLUMNS) <= set(rows[0])
    assert all(row["status"] == "finished" for row in rows)
    quality = [row for row in rows if row["scenario"] == "quality"]
    assert {row["quality_cases"] for row in quality} == {CASES}
    assert all(row["agreement_max_abs"] is not None for row in rows if row["variant"] != "none")
    fp32 = [row for row in rows if row["variant"] == "fp32"]
    assert all(row["agreement_max_abs"] < 1e-3 for row in fp32)
    assert [row["backend"] for row in rows if row["variant"] == "none"] == ["null"]
    report = next(tmp_path.glob("benchhub-*.html"))
    assert "int8" in report.read_text()
    shown = project.here("runs", "show", "latest", "--json")
    assert shown.json["rows"] == rows
    listed = project.here("runs", "list", "--json")
    assert [run["status"] for run in listed.json] == ["done"]


def test_a_second_run_pushes_no_model_again(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=1)
    first = project.run(*RUN, "--json").json["devices"][0]["staged"]
    second = project.run(*RUN, "--json").json["devices"][0]["staged"]
    assert first["moved_bytes"] > 0
    assert second["moved_bytes"] == 0


def test_a_dry_run_shows_cells_skips_time_and_bytes_and_measures_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("onnxruntime",))
    plan = project.run(*RUN, "--dry-run", "--json").json
    assert len(plan["cells"]) == 4
    assert plan["launches"] == 2 * 2 + 2 * 1
    assert plan["estimated_seconds"] > 0
    assert plan["bytes_to_push_at_most"]["here"] > 0
    shown = project.run(*RUN, "--dry-run")
    assert "4 cells, 6 launches" in shown.out
    assert "MiB to push" in shown.out
    assert not (tmp_path / "device").exists()


def test_a_dry_run_tells_what_comes_on_top(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("onnxruntime",))
    project.edit("launches = 2\n", "")
    project.add('[[budgets]]\nvariants = ["int8"]\nlatency_p95_ms = 50\n')
    plan = project.run(*RUN, "--dry-run", "--json").json
    assert {cell["variant"] for cell in plan["cells"]} == {"fp32", "int8"}
    assert (plan["launches"], plan["launches_of_fixed_work"]) == (22, 10)
    assert plan["launches_more_at_most"] == 6
    shown = project.run(*RUN, "--dry-run").out
    assert "4 cells, 22 launches" in shown
    assert "and 10 launches of fixed work (canary), one in every round" in shown
    assert "budgets that are not decided by then add 6 at most" in shown


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("raise", "raised"), ("segfault", "crashed"), ("exit", "exited"), ("hang", "deadline"),
     ("nan", "nonfinite"), ("shape", "shape")],
)  # fmt: skip
def test_one_bad_backend_leaves_the_others_alone(tmp_path: Path, fault: str, kind: str) -> None:
    project = make_project(tmp_path, ("onnxruntime", "faulty"), launches=1, deadline_s=8)
    project.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
    project.edit("[scenarios.quality]\nbatch = 8\n", "")
    project.add(f'[options.faulty]\nfault = "{fault}"\n')
    done = project.run(*RUN, "--json")
    assert done.code == 3, done.err
    good, bad = done.json["rows"]
    assert (good["backend"], good["status"]) == ("onnxruntime", "finished")
    assert good["mean_ms"] > 0
    assert (bad["backend"], bad["status"]) == ("faulty", "failed")
    assert kind in bad["reason"]
    assert bad["mean_ms"] is None
    again = "they would fail again as they are" if kind in ("nonfinite", "shape") else None
    assert (again or "--rerun-failed") in done.error


def test_garbage_that_runs_fast_is_flagged_and_cannot_pass(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("faulty",), launches=1)
    project.add('[options.faulty]\nfault = "garbage"\n[[budgets]]\nlatency_p50_ms = 10000\n')
    done = project.run(*RUN, "--json")
    assert {flag["name"] for row in done.json["rows"] for flag in row["flags"]} >= {"garbage"}
    assert {verdict["outcome"] for verdict in done.json["verdicts"]} == {"FAIL"}
    assert project.here("gate", "latest").code == 1


def test_only_what_failed_is_run_again(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("onnxruntime", "openvino"), launches=1)
    wrapper = tmp_path / "python"
    blocked = tmp_path / "blocked"
    (blocked / "openvino").mkdir(parents=True)
    (blocked / "openvino" / "__init__.py").write_text("raise RuntimeError('not today')\n")
    import sys

    wrapper.write_text(f'#!/bin/sh\nexec env PYTHONPATH={blocked} {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    project.device("here", root=str(tmp_path / "device"), python=str(wrapper))
    done = project.run(*RUN, "--json")
    assert done.code == 3, done.err
    assert {r["backend"] for r in done.json["rows"] if r["status"] == "failed"} == {"openvino"}
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    again = project.run("run", "--rerun-failed", "latest", "--json")
    assert again.code == 0, again.err
    assert {r["status"] for r in again.json["rows"]} == {"finished"}
    before = {r["cell"]: r for r in done.json["rows"] if r["backend"] == "onnxruntime"}
    after = {r["cell"]: r for r in again.json["rows"] if r["backend"] == "onnxruntime"}
    assert {c: r["mean_ms"] for c, r in before.items()} == {
        c: r["mean_ms"] for c, r in after.items()
    }


def test_gate_answers_by_exit_code(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=10)
    project.add('[[budgets]]\nname = "loose"\nlatency_p50_ms = 1000\nquality_loss_max = 0.5\n')
    assert project.run(*RUN).code == 0
    passed = project.here("gate", "latest", "--format", "json")
    assert passed.code in (0, 4), passed.out  # 4 only where this machine was disturbed
    outcomes = {v["outcome"]: v["reason"] for v in passed.json["verdicts"]}
    assert "FAIL" not in outcomes
    tight = tmp_path / "tight.toml"
    tight.write_text("[[budgets]]\nlatency_p50_ms = 0.000001\n")
    assert project.here("gate", "latest", "--budgets", str(tight)).code == 1
    nothing = tmp_path / "nothing.toml"
    nothing.write_text("[[budgets]]\nvariants=['int9']\nlatency_p50_ms = 1\n")
    refused = project.here("gate", "latest", "--budgets", str(nothing))
    assert refused.code == 2
    assert "int9" in refused.error


def test_gate_on_too_few_launches_is_inconclusive_and_says_what_to_do(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=2)
    project.add("[[budgets]]\nlatency_p50_ms = 1000\n")
    project.run(*RUN)
    gate = project.here("gate", "latest")
    assert gate.code == 4
    assert "--effort standard" in gate.out


def test_a_run_can_be_narrowed_to_a_scenario_and_what_a_variant_is_set_against(
    tmp_path: Path,
) -> None:
    project = make_project(tmp_path, launches=1)
    project.add('[[variants]]\nname = "half"\nfrom = "fp32"\nrecipe = "fp16"\nagainst = "int8"\n')
    done = project.run(*RUN, "--variant", "half", "--scenario", "latency", "--dry-run", "--json")
    cells = done.json["cells"]
    assert {cell["scenario"] for cell in cells} == {"latency"}
    assert {cell["variant"] for cell in cells} == {"fp32", "int8", "half"}


def test_progress_is_shown_without_a_terminal_too(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=2)
    done = project.run(*RUN, "--variant", "fp32")
    lines = done.err.splitlines()
    assert "here: connecting" in lines
    assert "here: pushing models" in lines
    assert "3 of 3 launches done" in lines
    assert any(line.startswith("report: ") for line in lines)


def test_a_limit_that_was_typed_is_answered_by_the_exit_code(tmp_path: Path) -> None:
    own = '[[budgets]]\nname = "own"\nmodel_bytes = 10\n'
    project = make_project(tmp_path, ("onnxruntime",), launches=1)
    project.suite.write_text(project.suite.read_text() + own)
    kept = project.run(*RUN, "--budget", "model_bytes=1000000")
    assert kept.code == 0, "the suite's own is broken, and is for the gate"
    broken = project.run(*RUN, "--budget", "model_bytes=20")
    assert broken.code == 1, broken.err
    said = " ".join(broken.out.split())
    assert "--budget model_bytes=20`; if the budget asks too much, change it." in said
    run = project.here("runs", "show", "latest", "--json").json["run"]["id"]
    assert project.run("run", "--resume", run).code == 1, "it is what that run was asked"
