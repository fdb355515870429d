"""What runs on a device must run on Python 3.8 and need next to nothing."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import benchhub.ondevice

FOLDER = Path(benchhub.ondevice.__file__).parent
SOURCES = sorted(FOLDER.rglob("*.py"))
ALLOWED = {"numpy", "psutil", "onnxruntime", "openvino"}


def names(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_source_is_python_3_8_and_imports_little(path: Path) -> None:
    tree = ast.parse(path.read_text(), str(path), feature_version=(3, 8))
    for name in names(tree):
        if name.split(".")[0] == "benchhub":
            assert name.split(".")[:2] == ["benchhub", "ondevice"], name
        else:
            assert name.split(".")[0] in ALLOWED | set(sys.stdlib_module_names), name


def test_a_child_starts_without_the_agents_modules() -> None:
    wanted = names(ast.parse((FOLDER / "child.py").read_text()))
    wanted |= names(ast.parse((FOLDER / "measure.py").read_text()))
    assert not wanted & {f"benchhub.ondevice.{n}" for n in ("agent", "facts", "conditions")}
