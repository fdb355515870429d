"""The README is short, and its table is what a run measured."""

from __future__ import annotations

import re
import sys

from repository import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import readme_table

README = (ROOT / "README.md").read_text("utf-8")
_MOST_LINES = 120


def test_the_readme_is_read_in_one_go() -> None:
    assert len(README.splitlines()) <= _MOST_LINES


def test_the_readme_names_the_commands_to_build_and_to_test() -> None:
    for command in ("make quickstart", "make test", "make check"):
        assert command in README


def test_the_readme_has_one_chart() -> None:
    assert README.count("![") == 1


def test_the_table_is_what_the_published_run_measured() -> None:
    assert readme_table.table() in README


def test_the_picture_names_the_steps_of_a_run_in_their_order() -> None:
    picture = README.partition("## How a run goes")[2].split("```")[1]
    steps = re.findall(r"^ ([a-z/]+)  +\S", picture, re.MULTILINE)
    assert steps == ["prepare", "planning/plan", "execute", "loop/engine", "loop/campaign"]
    assert all((ROOT / "benchhub" / "run" / f"{step}.py").exists() for step in steps)
