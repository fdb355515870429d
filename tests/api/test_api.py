"""`import benchhub` as a user has it: light, typed, and the same functions as the command line."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from project import FEATURES, Project, make_project, write_model

import benchhub
from benchhub.errors import ConfigError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = make_project(tmp_path)
    write_model(tmp_path / "a.onnx", hidden=8)
    write_model(tmp_path / "b.onnx", hidden=20_000)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCHHUB_STORE", raising=False)
    return made


def python(*lines: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.usefixtures("processes")
def test_the_import_brings_nothing_heavy_and_run_is_a_function_whatever_was_imported() -> None:
    heavy = ("numpy", "pandas", "onnx", "rich", "sqlalchemy", "scipy", "typer")
    assert python(
        "import sys, benchhub", f"print([n for n in {heavy} if n in sys.modules], dir(benchhub))"
    ).startswith("[] ['RunResults'")
    for first in ("", "import benchhub.run.planning.plan", "from benchhub.run import execute"):
        said = python(
            first, "import benchhub", "from benchhub import run",
            "import benchhub.run.planning.plan as plan",
            "print(callable(benchhub.run), callable(run), callable(plan.plan))",
        )  # fmt: skip
        assert said == "True True True"


@pytest.mark.usefixtures("processes")
def test_a_bench_brings_no_library_that_few_need_before_its_launches(
    tmp_path: Path,
) -> None:
    heavy = (
        "pandas", "altair", "jinja2", "scipy.optimize", "scipy.spatial", "scipy.stats", "alembic",
        "rich.markdown",
    )  # fmt: skip
    assert python(
        "import sys, benchhub.api.functions, benchhub.cli, benchhub.run.bench",
        "from benchhub.store import Store",
        f"Store.open('sqlite:///{tmp_path}/new.db').close()",
        f"print([n for n in {heavy} if n in sys.modules])",
    ) == "[]"  # fmt: skip


@pytest.mark.usefixtures("processes", "native")
def test_two_files_give_rows_verdicts_a_report_and_a_page_for_notebooks(project: Project) -> None:
    lines: list[str] = []
    found = benchhub.bench(
        "a.onnx", "b.onnx", devices="here", backends="onnxruntime", effort="quick",
        inputs={"x": np.ones((3, FEATURES), np.float32)}, budgets={"model_bytes": 100_000},
        progress=lines.append,
    )  # fmt: skip
    assert found.rows["variant"].tolist() == ["a", "b"]
    assert (found.rows["launches"] == 3).all()
    assert found.rows["quality"].isna().all()
    assert [str(verdict.outcome) for verdict in found.verdicts] == ["PASS", "FAIL"]
    assert (found.outcome, found.exit_code, found.failures) == ("FAIL", 1, ())
    assert "as fast as b" in found.faster[0]
    assert any("6 of 6 launches" in line for line in lines)
    page = found._repr_html_()
    for text in ("Latency on here", "FAIL", "as fast as b", found.id):
        assert text in page
    assert found.report("found.md") == "found.md"
    assert (project.folder / "found.md").read_text("utf-8") == found.report(format="markdown")
    with pytest.raises(ConfigError, match="cannot be written"):
        found.report("/proc/found.md")
    assert found.report().startswith("<!DOCTYPE html>")
    with pytest.raises(ValueError, match="format pdf is none of"):
        found.report(format="pdf")
    again = benchhub.load(found.id[:-1])
    assert again.rows.equals(found.rows)
    assert again.faster == found.faster
    listed = project.here("runs", "list", "--json").json
    assert [run["id"] for run in listed] == [found.id]


@pytest.mark.usefixtures("processes")
def test_a_suite_runs_and_what_failed_is_told(project: Project) -> None:
    found = benchhub.run(
        "suites/tiny", devices=["here"], variants=["fp32"], scenarios="latency", effort="quick",
        budgets={"model_bytes": 1_000_000},
    )  # fmt: skip
    assert found.rows["scenario"].tolist() == ["latency"]
    assert found.outcome == "PASS"
    project.edit('"onnxruntime"', '"faulty"')
    project.add('[options.faulty]\nfault = "raise"\n')
    failed = benchhub.run("suites/tiny", devices="here", scenarios="latency", effort="quick")
    assert failed.exit_code == 3
    assert failed.outcome == "ERROR"
    assert failed.failures


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"shapes": {"y": (1, 3)}}, "a.onnx has no such input"),
        ({"shapes": {"x": [(1, 16), (1, 3)]}}, "does not fit a.onnx"),
        ({"shapes": {"x": "1x3"}}, "does not fit a.onnx"),
        ({"shapes": {"x": ["1x16", "1x3"]}}, "does not fit a.onnx"),
        ({"shapes": {"x": "wide"}}, "wide is no shape"),
        ({"effort": "much"}, "effort much is none of"),
        ({"threads": 0}, "threads = 0 should be whole numbers"),
        ({"batch": (1, "2")}, "should be whole numbers"),
        ({"budgets": {"latency_p96_ms": 1}}, "did you mean latency_p95_ms"),
        ({"devices": "mars"}, "device mars is unknown"),
        ({"options": {"aren": False}}, "did you mean arena"),
        ({"options": {"onnxruntime.arena": [True, 7]}}, "options.onnxruntime.arena = 7"),
        ({"options": {"inter_op_threads": 2}}, "execution_mode"),
        ({"precision": "f61"}, "did you mean f16"),
        ({"shapes": {"x": 16}}, "shapes = 16 should be one, or a list"),
        ({"shapes": {"x": np.array([1, 3])}}, "does not fit a.onnx"),
        ({"batch": np.int64(0)}, "should be whole numbers"),
        ({"inputs": {"x": [[1.0], [1.0, 2.0]]}}, "inputs: x is no array of one shape"),
        ({"inputs": {"x": [{}]}}, "inputs: x is an array of objects"),
        ({"inputs": {"file": [1.0]}}, "no array for input 'x'.*holds file"),
    ],
)
def test_mistakes_are_config_errors(
    project: Project, arguments: dict[str, object], match: str
) -> None:
    with pytest.raises(ConfigError, match=match):
        benchhub.bench("a.onnx", **{"devices": "here", **arguments})  # type: ignore[arg-type]


def test_without_a_model_there_is_nothing_to_measure(project: Project) -> None:
    with pytest.raises(ConfigError, match="name a model"):
        benchhub.bench(devices="here")


def test_without_runs_there_is_nothing_to_load(project: Project) -> None:
    with pytest.raises(ConfigError, match="run"):
        benchhub.load()


@pytest.mark.parametrize("name", ["bench", "load", "run"])
def test_every_function_is_typed_and_documented(name: str) -> None:
    from benchhub import api

    function = getattr(api, name)
    assert inspect.getdoc(function)
    signature = inspect.signature(function)
    named: Sequence[inspect.Parameter] = list(signature.parameters.values())
    assert all(one.annotation is not inspect.Parameter.empty for one in named)
    assert signature.return_annotation is not inspect.Signature.empty


def test_devices_are_chosen_as_on_the_command_line(project: Project) -> None:
    for name in ("rack1", "rack2"):
        project.device(f"{name}-1", root=str(project.folder / name))
    for keys, said in (
        ({"devices": "rack9-*"}, "no device matches rack9-*"),
        ({"devices": ["rack1-1", "rack3-1"]}, "device rack3-1 is unknown; did you mean rack"),
        ({"devices": "rack*", "exclude": ["rack?-1"]}, "no device is left: --exclude rack?-1"),
        ({"devices": "label=site:x"}, "no device has the label site:x; none has any"),
        ({"devices": "rack*", "at_most": 0}, "at_most = 0 should be whole numbers from 1 on"),
    ):
        for measure in (
            lambda keys=keys: benchhub.run("tiny", **keys),
            lambda keys=keys: benchhub.bench("a.onnx", **keys),
        ):
            with pytest.raises(ConfigError) as raised:
                measure()
            assert said in str(raised.value)
