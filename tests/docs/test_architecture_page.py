"""docs/architecture.md is true of the code: its picture, its files, its functions."""

from __future__ import annotations

import ast
import re
import sys

import pytest
from markdown_pages import prose
from repository import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import structure

PAGE = ROOT / "docs" / "architecture.md"
TEXT = PAGE.read_text("utf-8")
STEPS = re.findall(r"^\| `(benchhub/[\w/]+\.py)` \| `([\w.]+)` \|", TEXT, re.MULTILINE)
CELLS = re.findall(r"^\| `([\w/.]+)` \| ", TEXT.partition("## Eight files")[0], re.MULTILINE)


def test_the_picture_is_what_the_script_prints() -> None:
    assert f"```\n{structure.picture()}\n```" in TEXT


def test_every_entry_of_the_package_has_a_line() -> None:
    entries = {*structure.entries(ROOT / "benchhub")} - {"__main__.py"}
    assert {name.rstrip("/") for name in CELLS} == entries


def test_every_path_exists() -> None:
    paths = {
        name
        for line in prose(PAGE)
        for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", line)
        if re.match(r"(benchhub|scripts|tests|suites|docs)/", name)
    }
    assert len(paths) > 30
    assert [name for name in sorted(paths) if not (ROOT / name).exists()] == []


def test_the_reading_order_has_eight_files() -> None:
    order = re.findall(r"^(\d)\. `([\w/]+\.py)`: \S", TEXT, re.MULTILINE)
    assert [int(number) for number, _ in order] == list(range(1, 9))
    assert len({name for _, name in order}) == 8


@pytest.mark.parametrize(("file", "function"), STEPS, ids=" ".join)
def test_a_step_of_the_trace_is_in_its_file(file: str, function: str) -> None:
    scope: ast.AST = ast.parse((ROOT / file).read_text("utf-8"))
    for name in function.split("."):
        inside = [
            node
            for node in ast.iter_child_nodes(scope)
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
        ]
        assert inside, f"{file} has no {function}"
        scope = inside[0]


def test_the_trace_goes_from_the_command_line_to_the_report() -> None:
    assert len(STEPS) > 30
    packages = list(dict.fromkeys(file.split("/")[1] for file, _ in STEPS))
    assert packages == [
        "cli", "config", "run", "device", "ondevice", "store", "results", "stats", "report",
        "text.py",
    ]  # fmt: skip
