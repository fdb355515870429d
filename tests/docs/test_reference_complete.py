"""Every verb, code, failure, flag, variable, entry point, task and recipe is on its page.

They are found in sources and in what Typer makes of them, not in the tables that the pages are of.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from reference_pages_read import CODE, named, rows, sources
from repository import ROOT

from benchhub.cli import app


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, one in getattr(command, "commands", {}).items():
        if hasattr(one, "commands"):
            yield from _commands(one, f"{path} {name}")
        else:
            yield f"{path} {name}", one


def test_every_verb_and_flag_that_the_command_line_takes_is_on_its_page() -> None:
    found = list(_commands(typer.main.get_command(app), "benchhub"))
    assert {name for name, _ in found} == {
        row.section for row in rows("cli.md") if row.section.startswith("benchhub ")
    }
    for path, command in found:
        shown = {name.split()[0] for name in _all_names("cli.md", path)}
        for one in command.params:
            flags = {*one.opts, *one.secondary_opts}
            if one.param_type_name == "option":
                assert flags <= shown, path
            assert one.help, f"{path}: {one.name} says nothing of itself"


def _all_names(page: str, section: str) -> set[str]:
    return {
        name
        for row in rows(page)
        if row.section == section
        for name in CODE.findall(next(iter(row.cells.values())))
    }


def test_the_plugins_options_are_on_the_page() -> None:
    source = (ROOT / "benchhub/pytest_plugin/options.py").read_text("utf-8")
    options = re.findall(r'^    "(\w+)": "', source, re.M)
    assert {f"--benchhub-{name}" for name in options} == named("cli.md", "pytest")


def _calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text("utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _numbers(node: ast.AST) -> set[int]:
    return {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and type(one.value) is int
    }


def test_every_exit_code_is_on_its_page() -> None:
    found = {2}  # Typer's own, of usage
    for path in sources("benchhub"):
        if "ondevice" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "sys.exit"):
                found |= _numbers(node)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in (
                "exit_code", "_EXIT", "(FAULT, STOPPED, UNUSABLE)",
            ):  # fmt: skip
                found |= _numbers(node.value)
            elif isinstance(node, ast.FunctionDef) and node.name.strip("_") == "exit_code":
                returned = [one for one in ast.walk(node) if isinstance(one, ast.Return)]
                found |= {number for one in returned for number in _numbers(one)}
    page = {int(row.cells["code"]) for row in rows("exit-codes.md") if "code" in row.cells}
    assert found == page


def test_every_error_is_on_the_page_of_exit_codes() -> None:
    tree = ast.parse((ROOT / "benchhub/errors.py").read_text("utf-8"))
    there = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert there == named("exit-codes.md", "Errors")


def _texts(node: ast.AST) -> set[str]:
    return {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def _failures(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield where a node says the stage or the kind of a failure, and which of them."""
    if isinstance(node, ast.Assign):
        target = ast.unparse(node.targets[0])
        if target == "self._stage":
            yield "Stages", node.value
        if target == "kind" and isinstance(node.value, ast.IfExp):
            yield from (("Kinds", one) for one in (node.value.body, node.value.orelse))
    elif isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        says = {"Failed": ["Kinds"], "self._fail": ["Kinds"], "self._enter": ["Stages"]}
        says["Failure"] = ["Stages", "Kinds"]
        yield from zip(says.get(name, ()), node.args, strict=False)


def test_every_stage_and_kind_of_failure_is_on_the_page() -> None:
    found: dict[str, set[str]] = {"Stages": set(), "Kinds": set()}
    for path in sources(
        "benchhub/ondevice", "benchhub/run", "benchhub/store", "benchhub/device/events"
    ):
        if path.parent.name == "provision":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for which, value in _failures(node):
                if not isinstance(value, ast.Subscript):  # of an event that has it
                    found[which] |= _texts(value)
    for which, names in found.items():
        assert names == named("failures.md", which)


def test_every_reason_of_a_device_to_refuse_is_on_the_page() -> None:
    troubles, refusals = set[str](), set[str]()
    for path in sources("benchhub/ondevice/provision"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "NotProvisioned":
                troubles |= _texts(node.args[0])
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "kind":
                troubles |= _texts(node.value)
    assert troubles == named("failures.md", "Provisioning")
    for path in sources("benchhub/ondevice/agent"):
        source = path.read_text("utf-8")
        refusals |= set(re.findall(r'"refused", ?"kind": ?"(\w+)"', source))
    assert refusals == named("failures.md", "Refusals")


@pytest.mark.parametrize(
    ("module", "kind", "page", "section"),
    [
        ("flag", "FlagKind", "flags.md", "Flags"),
        ("cell", "SkipKind", "failures.md", "Skips"),
        ("scenario", "Scenario", "suites.md", "[scenarios]"),
    ],
)
def test_every_member_is_on_its_page(module: str, kind: str, page: str, section: str) -> None:
    tree = ast.parse((ROOT / f"benchhub/model/{module}.py").read_text("utf-8"))
    (enumeration,) = (
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind
    )
    members = {
        text
        for node in enumeration.body
        if isinstance(node, ast.Assign)
        for text in _texts(node.value)
    }
    assert members
    assert members == named(page, section)


def _variables(path: Path) -> Iterator[str]:
    """Yield the names of environment variables in a file, those of `Variable` resolved."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        given: list[ast.expr | None] = []
        if isinstance(node, ast.Subscript) and _environ(node.value):
            given = [node.slice]
        elif isinstance(node, ast.Compare) and _environ(node.comparators[0]):
            given = [node.left]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of_environ = _environ(node.func.value) and node.func.attr in (
                "get",
                "setdefault",
                "pop",
            )
            given = [*node.args[:1]] if of_environ or node.func.attr == "getenv" else []
        elif isinstance(node, ast.Dict) and any(
            key is None and _environ(value)
            for key, value in zip(node.keys, node.values, strict=True)
        ):
            given = [key for key in node.keys if key is not None]
        for one in given:
            if isinstance(one, ast.Constant):
                yield str(one.value)
            elif one is not None:
                yield ast.unparse(one)


def _environ(node: ast.AST) -> bool:
    return ast.unparse(node).split(".")[-1] == "environ"


def test_every_environment_variable_is_on_its_page() -> None:
    tree = ast.parse((ROOT / "benchhub/outside/variables.py").read_text("utf-8"))
    members = {
        f"Variable.{ast.unparse(node.targets[0])}": next(iter(_texts(node.value)))
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and len(_texts(node.value)) == 1
    }
    names = {name for path in sources("benchhub") for name in _variables(path)}
    assert {members.get(name, name) for name in names} == named("environment.md")
    written = {
        name
        for path in sources("benchhub")
        for name in re.findall(r"\bBENCHHUB_[A-Z0-9]+(?:_[A-Z0-9]+)*", path.read_text("utf-8"))
    }
    assert written <= named("environment.md")


def test_variables_of_the_tests_are_told_in_contributing() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    used = {
        name
        for path in sources("tests")
        for name in re.findall(r"\bBENCHHUB_[A-Z0-9_]+[A-Z0-9]", path.read_text("utf-8"))
    }
    assert [name for name in sorted(used - named("environment.md")) if name not in told] == []


def test_every_entry_point_group_is_on_its_page_and_in_the_how_to() -> None:
    told = (ROOT / "docs/extending.md").read_text("utf-8")
    groups = {
        text
        for path in sources("benchhub")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assign)
        for text in _texts(node.value)
        if re.fullmatch(r"benchhub\.(backends|tasks|metrics|predictions|recipes)", text)
    }
    assert groups == named("extension-points.md")
    for row in rows("extension-points.md"):
        assert importlib.util.find_spec(row.cells["contract"].strip("`")), row.names
    assert [group for group in groups if group not in told] == []
    asked = {
        ast.unparse(keyword.value)
        for path in sources("benchhub")
        for call in _calls(path)
        for keyword in call.keywords
        if ast.unparse(call.func) == "entry_points" and keyword.arg == "group"
    }
    assert all(one == "group" or one.startswith("ExtensionPoint.") for one in asked), asked


def test_every_task_recipe_and_metric_is_on_its_page() -> None:
    folder = ROOT / "benchhub/tasks"
    tasks = {path.parent.name for path in folder.glob("*/dataset.py")} | {"npz"}
    assert tasks <= {row.section for row in rows("tasks.md")} & named("tasks.md", "Tasks")
    made_by = ("Metric", "mean_metric", "table_metric", "summed_metric")
    first = [
        call.args[0]
        for path in folder.rglob("*.py")
        for call in _calls(path)
        if ast.unparse(call.func) in made_by and call.args
    ]
    metrics = {str(ast.literal_eval(name)) for name in first if isinstance(name, ast.Constant)}
    # Names with a number in them stand there with one of them: f"top{count}_accuracy".
    numbered = named("tasks.md", "Metrics") - metrics
    assert metrics <= named("tasks.md", "Metrics")
    assert numbered == {"top5_accuracy", "recall_at_1"}
    patterns = {re.sub(r"\{\w+\}", r"\\d+", ast.unparse(name)[2:-1]) for name in first
                if isinstance(name, ast.JoinedStr)}  # fmt: skip
    assert all(any(re.fullmatch(one, name) for one in patterns) for name in numbered)
    source = (ROOT / "benchhub/compress/__init__.py").read_text("utf-8")
    made = set(re.findall(r'^    "([\w-]+)": RecipeEntry\(', source, re.M))
    assert made == named("recipes.md", "Recipes")
