"""No sleep of a test stands for a condition: a machine that is slow enough proves each wrong."""

from __future__ import annotations

import ast
from pathlib import Path

from repository import TESTS

#: What a line says that sleeps: it is what the test is about, or one of many looks at something.
ALLOWED = ("# the subject", "# looks again")


def sleeps(path: Path) -> list[int]:
    """The lines that sleep."""
    tree = ast.parse(path.read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if ast.unparse(call.func) in ("time.sleep", "sleep")]


def test_a_sleep_is_what_the_test_is_about_or_looks_again() -> None:
    found, wrong = 0, []
    for path in TESTS.rglob("*.py"):
        lines = path.read_text("utf-8").splitlines()
        for number in sleeps(path):
            found += 1
            if not any(said in lines[number - 1] for said in ALLOWED):
                wrong.append(f"{path.relative_to(TESTS)} line {number}")
    assert found > 10
    assert not wrong, "wait with `waiting.until`, or say that it is the subject"
