"""`benchhub compare`: two runs side by side, by exit code, text and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import make_cell, make_device
from in_process import Reading
from project import make_project
from recorded_runs import launches_of, stored

from benchhub.ondevice.wire import Failure
from benchhub.store import Store

OLD, NEW = make_cell(), make_cell(model_sha256="b" * 64)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """Runs of one cell: `old`, `same`, `slow`, `elsewhere` (another processor), `broken`."""
    folder = tmp_path_factory.mktemp("compare")
    reading = Reading(folder)
    failure = Failure("load", "raised", "no such operator")
    here = make_device(facts={"arch": "x86_64", "cpu_model": "A"})
    other = make_device(facts={"arch": "x86_64", "cpu_model": "B"})
    with Store.open(reading.url) as store:
        stored(store, "old", launches_of(OLD, "old"), device=here)
        stored(store, "same", launches_of(NEW, "same"), device=here)
        stored(store, "slow", launches_of(NEW, "slow", scale=1.2), device=here)
        stored(store, "elsewhere", launches_of(NEW, "elsewhere", scale=1.2), device=other)
        broken = launches_of(NEW, "broken", 1, status="failed", failure=failure)
        stored(store, "broken", broken, device=here)
        alone = launches_of(make_cell(device="lab"), "alone")
        stored(store, "alone", alone)
    return reading


@pytest.mark.parametrize(
    ("run", "code", "answer"),
    [
        ("same", 0, "NOTHING REGRESSED"),
        ("slow", 1, "REGRESSED"),
        ("broken", 3, "FAILED"),
        ("elsewhere", 4, "CANNOT BE TOLD"),
    ],
)
def test_the_exit_code_is_the_answer(project: Reading, run: str, code: int, answer: str) -> None:
    done = project.run("compare", "old", run)
    assert (done.code, done.err) == (code, "")
    assert done.out.startswith(f"{answer}: run old → run {run}: ")
    document = project.run("compare", "old", run, "--json").json
    assert (document["exit_code"], document["outcome"]) == (code, answer)


def test_what_is_not_comparable_says_why(project: Reading) -> None:
    done = project.run("compare", "old", "elsewhere", "--question", "stack")
    assert done.code == 4
    assert "cpu_model: A → B" in done.out
    assert "not comparable" in done.out


def test_a_wider_margin_lets_it_be(project: Reading) -> None:
    assert project.run("compare", "old", "slow", "--margin", "30").code == 0


def test_markdown_goes_into_a_file(project: Reading) -> None:
    file = project.folder / "c" / "comment.md"
    done = project.run("compare", "old", "slow", "--format", "markdown", "-o", str(file))
    assert (done.code, done.out, done.err) == (1, "", f"compare: {file}\n")
    assert file.read_text().startswith("**REGRESSED**")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("old", "old"), "run old cannot be compared with itself"),
        (("old", "alone"), "have no cell in common"),
        (("old", "none"), "no run none"),
        (("old", "slow", "-o", "/proc/x"), "/proc/x: cannot be written"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(project: Reading, words, said: str) -> None:
    done = project.run("compare", *words)
    assert done.code == 2
    assert said in done.error


@pytest.mark.usefixtures("processes")
def test_two_real_runs(tmp_path: Path) -> None:
    """What depends on this machine's quiet is left open; the outputs are the same in any case."""
    project = make_project(tmp_path, launches=2)
    for _ in range(2):
        assert project.run("run", "tiny", "--device", "here").code == 0
    runs = [run["id"] for run in project.here("runs", "list", "--json").json]
    done = project.here("compare", *runs, "--json")
    assert done.code in (0, 1, 4), done.err
    document = json.loads(done.out)
    quality = {
        cell["variant"]: [(m["metric"], m["change"], m["effect"]) for m in cell["moves"]]
        for cell in document["cells"]
        if cell["scenario"] == "quality"
    }
    assert quality == {name: [("quality", "unchanged", 0.0)] for name in ("fp32", "int8")}
    timed = [cell for cell in document["cells"] if cell["scenario"] == "latency"]
    assert {move["metric"] for cell in timed for move in cell["moves"]} == {"p50_ms", "p95_ms"}
    assert not any(one["forbids"] for one in document["differences"])
