"""The pytest plugin in sessions of its own, over real runs of a tiny model on this machine."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from project import Project
from repository import ROOT
from sessions import USUAL, budgets, small_project

# What a session inside this process imports is forgotten after it, and numpy can only come once.
import benchhub.pytest_plugin.items
import benchhub.tasks.npz  # noqa: F401

pytestmark = pytest.mark.usefixtures("processes")

pytest_plugins = ["pytester"]

KEPT = "here/onnxruntime/fp32/model_bytes[latency-t1-b1-small]"
OPEN = "here/onnxruntime/fp32/p50_ms[latency-t1-b1-fast]"
REST = "everything-else-was-measured"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, processes: None) -> Project:
    """A project with one run in its store."""
    project = small_project(tmp_path_factory.mktemp("measured"))
    done = project.run("run", "tiny", "--device", "here")
    assert done.code == 0, done.err
    return project


def session(pytester: pytest.Pytester, project: Project, *arguments: str) -> pytest.RunResult:
    """Run pytest on the test files of `pytester`, in it, with the run of `project` in the store."""
    store = f"sqlite:///{project.folder / 'benchhub.db'}"
    return pytester.runpytest_inprocess(*USUAL, "--benchhub-store", store, *arguments)


def test_a_suite_becomes_items_that_measure_it_once(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = small_project(pytester.path)
    monkeypatch.setenv("BENCHHUB_CACHE", project.env["BENCHHUB_CACHE"])
    monkeypatch.delenv("BENCHHUB_STORE", raising=False)
    pytester.makepyfile(
        """
        import pytest

        def test_rows(benchhub_run):
            run = benchhub_run("tiny", devices=["here"])
            assert run is benchhub_run()
            row = run.row(variant="fp32")
            assert row.mean_ms > 0
            assert row.peak_rss_mib > 10
            assert row.intervals["peak_rss_mib"]["low"] <= row.peak_rss_mib
            with pytest.raises(AttributeError, match="no column p50_msec; did you mean p50_ms"):
                row.p50_msec
            assert [v.column for v in run.verdicts] == ["model_bytes", "p50_ms"]
            with pytest.raises(LookupError, match="fp32 on onnxruntime"):
                run.row(variant="int9")

        @pytest.mark.benchhub("tiny", devices=["here"])
        def test_each(benchhub_verdict):
            assert benchhub_verdict.row.status == "finished"
            benchhub_verdict.check()
        """
    )
    asked = ("--benchhub-suite", "tiny", "--benchhub-device", "here", "--strict-markers")
    listed = pytester.runpytest_subprocess(*USUAL, *asked, "--collect-only", "-q")
    listed.stdout.fnmatch_lines([f"benchhub:tiny::{escaped(n)}" for n in (KEPT, OPEN, REST)])
    listed.stdout.fnmatch_lines(["6 tests collected*"])
    assert listed.ret == 0
    assert not (project.folder / "benchhub.db").exists()  # collecting measures nothing
    done = pytester.runpytest_subprocess(*USUAL, *asked, "-v", "--junit-xml=junit.xml")
    done.assert_outcomes(passed=4, xfailed=2)
    done.stdout.fnmatch_lines(
        [
            f"benchhub:tiny::{escaped(KEPT)} PASSED*",
            f"benchhub:tiny::{escaped(OPEN)} INCONCLUSIVE*",
            "run *, suite tiny: 2 INCONCLUSIVE, 2 PASS; see `benchhub report *`",
        ]
    )
    assert len(project.here("runs", "list", "--json").json) == 1
    cases = ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    told = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in cases
    }
    assert told[OPEN]["benchhub_outcome"] == "INCONCLUSIVE"
    assert told[OPEN]["benchhub_launches"] == "2"
    assert float(told[OPEN]["benchhub_limit"]) == 100000


def test_a_broken_budget_fails_with_the_cell_the_budget_the_value_and_the_next_step(
    pytester: pytest.Pytester, measured: Project
) -> None:
    tight = budgets(pytester.path, "model_bytes = 1")
    done = session(pytester, measured, "--benchhub-run", "latest", "--benchhub-budgets", str(tight))
    assert done.ret == 1
    done.assert_outcomes(failed=1, passed=1)
    done.stdout.fnmatch_lines(
        [
            "*here/onnxruntime/fp32/model_bytes*",
            "FAIL here: fp32 on onnxruntime, latency, 1 thread",
            "  budget other: model_bytes ≤ 1",
            "  value * bytes, 2 launches",
            "  why    even the lower limit * breaks it",
            "  next   compress further; or raise the budget",
            "  run    2*",
        ]
    )
    assert "Traceback" not in done.stdout.str()
    assert "measured.py" not in done.stdout.str()


@pytest.mark.parametrize(
    ("policy", "outcomes", "code"),
    [
        ("xfail", {"xfailed": 2, "passed": 2}, 0),
        ("skip", {"skipped": 2, "passed": 2}, 0),
        ("fail", {"failed": 2, "passed": 2}, 1),
    ],
)
@pytest.mark.parametrize("by_ini", [False, True])
def test_inconclusive_is_what_was_asked_for(
    pytester: pytest.Pytester,
    measured: Project,
    policy: str,
    outcomes: dict[str, int],
    code: int,
    by_ini: bool,
) -> None:
    pytester.makepyfile("def test_all(benchhub_run):\n    benchhub_run().assert_budgets()\n")
    chosen = ("--benchhub-run", "latest", "--benchhub-inconclusive", policy)
    if by_ini:
        pytester.makeini(f"[pytest]\nbenchhub_run = latest\nbenchhub_inconclusive = {policy}\n")
        chosen = ()
    done = session(pytester, measured, "-ra", *chosen)
    done.assert_outcomes(**outcomes)
    assert done.ret == code
    done.stdout.fnmatch_lines(
        ["  value  *, 2 launches", "  why    *", "  next   *run with --effort standard*"]
    )


def test_inconclusive_is_no_pass_where_xfail_is_switched_off(
    pytester: pytest.Pytester, measured: Project
) -> None:
    done = session(pytester, measured, "--benchhub-run", "latest", "--runxfail")
    done.assert_outcomes(failed=1, passed=2)


def test_items_can_be_chosen_by_name(pytester: pytest.Pytester, measured: Project) -> None:
    done = session(pytester, measured, "--benchhub-run", "latest", "-k", "model_bytes")
    done.assert_outcomes(passed=1, deselected=2)
    done.stdout.fnmatch_lines(["collected 3 items / 2 deselected / 1 selected"])


def test_all_workers_share_one_measured_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = small_project(pytester.path)
    for name, value in project.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("BENCHHUB_STORE", raising=False)
    done = pytester.runpytest_subprocess(
        *USUAL, "-n", "2", "--benchhub-suite", "tiny", "--benchhub-device", "here"
    )
    done.assert_outcomes(passed=2, xfailed=1)
    assert len(project.here("runs", "list", "--json").json) == 1


def test_a_failed_cell_fails_its_item_and_what_has_no_budget(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = small_project(pytester.path)
    project.edit('backends = ["onnxruntime"]', 'backends = ["onnxruntime", "faulty"]')
    project.edit('name = "fast"\n', 'name = "fast"\nbackends = ["onnxruntime"]\n')
    project.edit('name = "small"\n', 'name = "small"\nbackends = ["onnxruntime"]\n')
    project.add('[options.faulty]\nfault = "raise"\n')
    monkeypatch.setenv("BENCHHUB_CACHE", project.env["BENCHHUB_CACHE"])
    monkeypatch.delenv("BENCHHUB_STORE", raising=False)
    asked = ("--benchhub-suite", "tiny", "--benchhub-device", "here")
    done = pytester.runpytest_subprocess(*USUAL, *asked)
    done.assert_outcomes(passed=1, xfailed=1, failed=1)
    done.stdout.fnmatch_lines(["ERROR here: fp32 on faulty, latency*", "  why    failed: *"])
    done.stdout.fnmatch_lines(["  next   fix the cause, then `benchhub run --rerun-failed *"])
    pytester.makepyfile("def test_all(benchhub_run):\n    benchhub_run().assert_budgets()\n")
    again = session(pytester, project, "--benchhub-run", "latest", "-k", "test_all")
    again.assert_outcomes(failed=1, deselected=3)


def test_a_name_that_the_run_never_heard_of_is_a_mistake_beside_others_too(
    pytester: pytest.Pytester, measured: Project
) -> None:
    file = pytester.path / "typo.toml"
    file.write_text('[[budgets]]\nvariants = ["fp32", "int9"]\nlatency_p50_ms = 1000\n')
    done = session(pytester, measured, "--benchhub-run", "latest", "--benchhub-budgets", str(file))
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*names variant int9, which is not in this run*"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--benchhub-suite", "tinny"), "benchhub: suite tinny is unknown*"),
        (("--benchhub-run", "nope"), "benchhub: no run nope*"),
        (("--benchhub-run", "latest", "--benchhub-suite", "tiny"), "*one of them*"),
        (("--benchhub-run", "latest", "--benchhub-budgets", "none.toml"), "*none.toml*"),
    ],
)
def test_a_mistake_is_one_line(
    pytester: pytest.Pytester, measured: Project, arguments: tuple[str, ...], said: str
) -> None:
    done = session(pytester, measured, *arguments)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"ERROR: {said}"])
    assert "Traceback" not in done.stderr.str()


def test_an_ini_value_that_does_not_exist_is_told(
    pytester: pytest.Pytester, measured: Project
) -> None:
    pytester.makeini("[pytest]\nbenchhub_inconclusive = ignore\n")
    pytester.makepyfile("def test_all(benchhub_run):\n    benchhub_run(run='latest')\n")
    done = session(pytester, measured)
    done.stdout.fnmatch_lines(["*benchhub_inconclusive = ignore is none of xfail, fail, skip*"])
    assert done.ret != 0


def test_a_mistake_of_a_test_fails_that_test_alone(
    pytester: pytest.Pytester, measured: Project
) -> None:
    pytester.makepyfile(
        """
        def test_bad(benchhub_run):
            benchhub_run("tinny")

        def test_verdict_without_a_marker(benchhub_verdict):
            pass

        def test_good(benchhub_run):
            assert benchhub_run(run="latest").rows
        """
    )
    done = session(pytester, measured)
    done.assert_outcomes(passed=1, failed=1, errors=1)
    done.stdout.fnmatch_lines(["*benchhub: suite tinny is unknown*"])
    done.stdout.fnmatch_lines(["*benchhub_verdict needs @pytest.mark.benchhub*"])


def test_a_marker_that_names_no_suite_is_one_line_and_the_rest_is_collected(
    pytester: pytest.Pytester, measured: Project
) -> None:
    pytester.makepyfile(
        test_bad="""
        import pytest

        @pytest.mark.benchhub("tinny")
        def test_each(benchhub_verdict):
            benchhub_verdict.check()
        """,
        test_good="def test_it(): pass\n",
    )
    done = session(pytester, measured, "--continue-on-collection-errors")
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["benchhub: suite tinny is unknown*"])
    assert "Traceback" not in done.stdout.str()


def test_a_marker_may_name_a_run(pytester: pytest.Pytester, measured: Project) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.benchhub(run="latest", budgets="other-budgets.toml")
        def test_each(benchhub_verdict):
            assert benchhub_verdict.outcome == "FAIL"
            assert benchhub_verdict.verdict.limit == 1
            benchhub_verdict.check()
        """
    )
    budgets(pytester.path, "model_bytes = 1")
    done = session(pytester, measured)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["FAIL here: fp32 on onnxruntime, latency, 1 thread"])


def test_other_suites_are_left_alone_and_pay_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass\n")
    script = (
        "import sys, pytest\n"
        "code = pytest.main(['-p', 'benchhub.pytest_plugin', '-q', '-p', 'no:cacheprovider'])\n"
        "heavy = {'numpy', 'scipy', 'pydantic', 'sqlalchemy', 'typer', 'benchhub.model'}\n"
        "assert 'benchhub.pytest_plugin' in sys.modules\n"
        "loaded = heavy & set(sys.modules)\n"
        "sys.exit(f'loaded: {loaded}' if loaded else code)\n"
    )
    root = str(ROOT)
    env = {"PYTHONPATH": root, "PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=pytester.path, env=env, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "1 passed" in done.stdout
    assert "benchhub" not in done.stdout


def escaped(name: str) -> str:
    """A name for fnmatch, in which brackets are brackets."""
    return name.replace("[", "[[]")
