"""The hooks of pre-commit: all of this tree, and what they start is what `make check` has."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml
from repository import ROOT

CONFIG: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
HOOKS: list[dict[str, Any]] = [hook for repo in CONFIG["repos"] for hook in repo["hooks"]]
CHECK = (ROOT / "scripts/check").read_text("utf-8")


def test_they_are_local() -> None:
    assert [repo["repo"] for repo in CONFIG["repos"]] == ["local"]


@pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])
def test_a_hook_starts_what_make_check_installs(hook: dict[str, Any]) -> None:
    assert hook["language"] == "system", "another language makes an environment of its own"
    assert hook["pass_filenames"] is False, "the tools know their files"
    program, *arguments = shlex.split(hook["entry"])
    assert program.startswith(".venv/bin/")
    extra = re.search(r"^check = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.M | re.S)
    assert extra
    assert f'"{program.removeprefix(".venv/bin/")}>=' in extra[1], "not in the extra check"
    assert [one for one in arguments if "/" in one and not (ROOT / one).exists()] == []


def test_style_and_types_are_asked_for_as_by_make_check() -> None:
    commands = {hook["entry"].removeprefix(".venv/bin/") for hook in HOOKS}
    lines = (line.removesuffix(" &") for line in CHECK.splitlines())
    wanted = {line for line in lines if line.startswith(("ruff ", "mypy"))}
    assert wanted <= commands
    assert len(wanted) == 3
