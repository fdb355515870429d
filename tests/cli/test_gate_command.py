"""`benchhub gate`: files, exit codes and mistakes, on runs written by hand."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from builders import make_budget, make_cell
from in_process import Reading
from project import Finished
from recorded_runs import launches_of, stored

from benchhub.ondevice.wire import Failure
from benchhub.store import Store

SLOW, FAST = make_cell(variant="fp32"), make_cell(variant="int8")
ONE_BUDGET = '[[budgets]]\nname = "edge"\nlatency_p50_ms = {limit}\n{more}\n'
TYPED = "benchhub run /home/ann/edge/suite.toml --store sqlite:////home/ann/x/runs.db"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """Runs of two variants at 10 and 5 ms: `good`, `broken` (a cell failed), and no budgets."""
    folder = tmp_path_factory.mktemp("gate")
    reading = Reading(folder)
    failure = Failure("load", "raised", "no such operator")
    with Store.open(reading.url) as store:
        loose = (make_budget("edge", latency_p50_ms=20.0),)
        good = [*launches_of(SLOW, "good"), *launches_of(FAST, "good", scale=0.5)]
        stored(store, "good", good, loose, suite="tiny")
        broken = [*good[:10], *launches_of(FAST, "broken", 1, status="failed", failure=failure)]
        stored(store, "broken", broken, loose, suite="other")
        stored(
            store, "typed", launches_of(SLOW, "typed"), suite="typed", provenance={"command": TYPED}
        )
        stored(store, "bare", launches_of(SLOW, "bare"), suite="bare")
        only = (make_budget("small", variants=("int8",), latency_p50_ms=20.0),)
        stored(store, "narrow", launches_of(SLOW, "narrow"), only, suite="narrowed")
    return reading


def gate(project: Reading, limit: float | None = None, more: str = "", *words: str) -> Finished:
    """Gate the good run by its own budgets, or by a file."""
    if limit is not None:
        file = project.folder / "budgets.toml"
        file.write_text(ONE_BUDGET.format(limit=limit, more=more))
        words = ("--budgets", str(file), *words)
    return project.run("gate", "good", *words)


@pytest.mark.parametrize(
    ("limit", "code", "answer"), [(None, 0, "PASS"), (7.0, 1, "FAIL"), (10.0, 4, "INCONCLUSIVE")]
)
def test_the_exit_code_is_the_answer(project: Reading, limit, code: int, answer: str) -> None:
    done = gate(project, limit)
    assert (done.code, done.err) == (code, "")
    assert done.out.startswith(f"{answer}: suite tiny, run good: ")
    assert (limit is None) == ("There is nothing to do" in done.out)


def test_the_worst_is_told_first(project: Reading) -> None:
    outcomes = [line.split()[0] for line in gate(project, 7.0).out.splitlines() if "int8" in line
                or "fp32" in line]  # fmt: skip
    assert outcomes == ["FAIL", "PASS"]


def test_a_failed_cell_is_an_error(project: Reading) -> None:
    done = project.run("gate", "broken")
    assert done.code == 3
    assert done.out.startswith("ERROR: ")
    assert "no such operator" in done.out


@pytest.mark.parametrize("run", ["good", "broken"])
def test_what_a_run_shows_at_its_end_is_what_the_gate_says(project: Reading, run: str) -> None:
    shown = project.run("runs", "show", run).out
    answer = [line for line in project.run("gate", run).out.split("\n\n") if line.strip()]
    told = [part for part in answer if not part.startswith("PASS  ")]
    assert [part for part in told if part.strip() not in shown] == []
    assert (run == "good") == ("and 2 PASS; `benchhub gate good` prints them all" in shown)


def test_a_run_that_no_budget_matches_passes_nowhere(project: Reading) -> None:
    """As `benchhub run SUITE --variant fp32` leaves it where budgets are for int8 only."""
    why = "no cell of run narrow matches any budget (small); check their selectors"
    shown = project.run("runs", "show", "narrow")
    assert shown.code == 0
    assert f"NO BUDGETS: suite narrowed, run narrow: {why}" in " ".join(shown.out.split())
    assert "PASS" not in shown.out
    refused = project.run("gate", "narrow")
    assert (refused.code, refused.out) == (2, "")
    assert why in refused.err
    report = project.run("report", "narrow", "--format", "markdown").out
    assert "**NO BUDGETS**" in report


def test_a_suite_names_its_newest_run(project: Reading) -> None:
    assert json.loads(project.run("gate", "other", "--json").out)["run"] == "broken"


def test_one_call_writes_all_that_ci_wants(project: Reading) -> None:
    out = project.folder / "out"
    paths = [str(out / name) for name in ("gate.xml", "gate.md", "gate.json")]
    done = gate(project, 7.0, "", *(word for path in paths for word in ("-o", path)))
    assert done.code == 1
    assert done.out.startswith("FAIL: ")
    assert done.err.splitlines() == [f"gate: {path}" for path in paths]
    suite = ET.parse(out / "gate.xml").getroot()[0]
    assert (suite.get("failures"), suite.get("tests")) == ("1", "2")
    assert (out / "gate.md").read_text().startswith("**FAIL**")
    assert json.loads((out / "gate.json").read_text())["exit_code"] == 1


@pytest.mark.parametrize(("name", "start"), [("junit", "<?xml"), ("markdown", "**"), ("json", "{")])
def test_a_format_goes_to_stdout_or_into_a_file(project: Reading, name: str, start: str) -> None:
    assert gate(project, None, "", "--format", name).out.startswith(start)
    file = project.folder / "any.ending"
    assert gate(project, None, "", "--format", name, "-o", str(file)).out == ""
    assert file.read_text().startswith(start)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('variants = ["int9"]', "variant int9, which is not in this run; did you mean int8?"),
        ('variants = ["int8", "int9"]', "variant int9, which is not in this run"),
        ('devices = ["rpi"]', "device rpi, which is not in this run; known: localhost"),
        ('backends = ["openvino"]', "backend openvino, which is not in this run"),
        ("threads = [1, 4]", "thread count 4, which is not in this run"),
        ("latency_p96_ms = 5", "latency_p96_ms is unknown; did you mean latency_p95_ms?"),
    ],
)
def test_a_budget_for_what_does_not_exist_is_a_mistake(project: Reading, more, said) -> None:
    done = gate(project, 100.0, more)
    assert (done.code, done.out) == (2, "")
    assert said in done.error


def test_a_budget_that_asks_nothing_is_a_mistake(project: Reading) -> None:
    file = project.folder / "empty.toml"
    file.write_text('[[budgets]]\nname = "empty"\n[[budgets]]\nlatency_p50_ms = 20\n')
    done = project.run("gate", "good", "--budgets", str(file))
    assert done.code == 2
    assert "budget empty sets no limit" in done.error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bare",), "has no budgets; add [[budgets]]"),
        (("good", "-o", "gate.html"), "no format of the gate ends in .html"),
        (("good", "-o", "/proc/gate.xml"), "/proc/gate.xml: cannot be written"),
        (("good", "--budgets", "none.toml"), "none.toml"),
        (("nothing",), "no run nothing"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(project: Reading, words, said: str) -> None:
    done = project.run("gate", *words)
    assert done.code == 2
    assert said in done.error


@pytest.mark.parametrize("words", [("-o", "gate.xml"), ("--format", "junit")])
def test_strict_makes_errors_of_what_is_inconclusive_and_the_exit_code_stays(
    project: Reading, words: tuple[str, str]
) -> None:
    file = project.folder / "strict" / words[1]
    output = (words[0], str(file)) if words[0] == "-o" else (*words, "-o", str(file))
    for strict, tag in (((), "skipped"), (("--strict",), "error")):
        done = gate(project, 10.0, "", *output, *strict)
        assert done.code == 4
        assert [one.tag for one in ET.parse(file).iter() if one.get("type")] == [tag]


@pytest.mark.parametrize("words", [(), ("-o", "gate.md"), ("--json", "-o", "gate.xml")])
def test_strict_without_junit_is_a_mistake(project: Reading, words: tuple[str, ...]) -> None:
    done = project.run("gate", "good", "--strict", *words)
    assert (done.code, done.out) == (2, "")
    assert "--strict is about JUnit, and none is written: add `-o gate.xml`" in done.error


def test_a_terminal_is_told_what_to_type_and_a_file_no_folder(project: Reading) -> None:
    file = project.folder / "gate.md"
    done = project.run("gate", "typed", "--budget", "latency_p50_ms=1", "-o", f"{file}")
    assert done.code == 1
    assert f"measure again with `{TYPED}`;" in " ".join(done.out.split())
    published = file.read_text("utf-8")
    assert "`benchhub run …/edge/suite.toml --store sqlite:///…/x/runs.db`" in published
    assert "/home/ann" not in published
    report = project.run("report", "typed", "--format", "json").out
    assert "/home/ann" not in report


def test_verdicts_are_told_though_their_file_cannot_be_written(project: Reading) -> None:
    done = project.run("gate", "good", "-o", "/proc/gate.xml")
    assert done.code == 2
    assert "PASS" in done.out
