"""What is known without a launch is said before one is read; lists of many runs have a limit."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest
from builders import make_budget, make_cell, make_launches, make_plan, make_run, make_variant
from project import run_here

from benchhub.store import Store


@pytest.fixture
def env(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name != "BENCHHUB_STORE"}
    return {**kept, "BENCHHUB_CACHE": str(tmp_path / "cache"), "COLUMNS": "160"}


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'benchhub.db'}") as opened:
        yield opened


def a_run(store, budgets=(), number=0, launches=True):
    run = make_run(
        id=f"20260101-1200{number:02d}-abcd", started_at=f"2026-01-01T12:{number:02d}:00Z"
    )
    store.create_run(run, make_plan(), None, (make_variant(),), tuple(budgets))
    for launch in make_launches(make_cell(), 3 if launches else 0):
        store.add(dataclasses.replace(launch, run=run.id))
    return run.id


@pytest.fixture
def unread(monkeypatch):
    def never(*_what, **_more):
        raise AssertionError("a launch was read")

    monkeypatch.setattr(Store, "launches", never)
    monkeypatch.setattr("benchhub.store.fingerprints.Fingerprints.launches", never)


def test_a_gate_without_a_cell_for_its_budgets_reads_no_launch(store, tmp_path, env, unread):
    run = a_run(store, [make_budget("far", devices=("elsewhere",), latency_p50_ms=1.0)])
    found = run_here(tmp_path, env, "gate", "latest")
    assert found.code == 2
    assert found.error == (
        f"benchhub: no cell of run {run} matches any budget (far); check their selectors"
    )


def test_a_gate_without_budgets_reads_no_launch(store, tmp_path, env, unread):
    a_run(store)
    found = run_here(tmp_path, env, "gate", "latest")
    assert found.code == 2
    assert "has no budgets" in found.error


def test_budgets_of_a_file_that_name_what_is_not_there_read_no_launch(store, tmp_path, env, unread):
    a_run(store)
    file = tmp_path / "budgets.toml"
    file.write_text('[[budgets]]\nname = "b"\nvariants = ["fp23"]\nlatency_p50_ms = 5\n')
    found = run_here(tmp_path, env, "gate", "latest", "--budgets", str(file))
    assert found.code == 2
    assert "did you mean fp32" in found.error


def test_names_of_runs_are_known_before_launches_are_read(store, tmp_path, env, unread):
    run = a_run(store)
    for command in (("compare", run, "nowhere"), ("report", run, "nowhere")):
        found = run_here(tmp_path, env, *command)
        assert found.code == 2
        assert "no run nowhere" in found.error
    found = run_here(tmp_path, env, "compare", run, run)
    assert found.code == 2
    assert "cannot be compared with itself" in found.error


def test_the_newest_runs_are_listed_and_how_many_more_there_are(store, tmp_path, env):
    runs = [a_run(store, number=number, launches=False) for number in range(23)]

    def listed(*options):
        found = run_here(tmp_path, env, "runs", "list", *options)
        assert found.code == 0
        return [run for run in runs if run in found.out], found.err.strip()

    assert listed() == (runs[3:], "3 earlier runs not shown: --all, or --limit N")
    assert listed("--all") == (runs, "")
    assert listed("--limit", "22") == (runs[1:], "1 earlier run not shown: --all, or --limit N")
    assert listed("--limit", "50") == (runs, "")

    def told(*options):
        found = run_here(tmp_path, env, "runs", "list", "--json", *options)
        return [run["id"] for run in json.loads(found.out)]

    assert told() == runs
    assert told("--limit", "2") == runs[-2:]
    assert run_here(tmp_path, env, "runs", "list", "--limit", "0").code == 2


def test_what_computes_nothing_imports_no_scipy(store, tmp_path, env, processes):
    import subprocess
    import sys

    a_run(store, [make_budget("b", latency_p50_ms=1e9)])

    def loaded(*command):
        script = (
            "import sys\nfrom benchhub.cli import run_command\n"
            f"sys.argv = ['benchhub', *{command!r}]\n"
            "run_command()\n"
            "print(*sorted(sys.modules), file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True
        )
        return set(done.stderr.split("\n")[-2].split())

    heavy = {"scipy.special", "scipy.stats", "pandas", "altair", "onnx", "torch", "alembic"}
    assert not heavy & loaded("--help")
    assert not {*heavy, "scipy"} & loaded("runs", "list")
