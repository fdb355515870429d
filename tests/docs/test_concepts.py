"""docs/concepts.md has every word of the domain, and none that is gone."""

from __future__ import annotations

import ast
import enum
import re
import sys
from collections.abc import Iterator
from functools import cache

import pytest
from reference_pages_read import CODE, sources
from repository import ROOT

from benchhub.cli import app
from benchhub.model.asked import EFFORTS
from benchhub.model.cell import CellKind
from benchhub.model.claim import ClaimOutcome
from benchhub.model.request import RunKind
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.tasks import TASKS

sys.path.insert(0, str(ROOT / "scripts"))
import structure
from reference_pages.command_line import verbs

PAGE = (ROOT / "docs" / "concepts.md").read_text("utf-8")
WORDS = PAGE.partition("## Words")[2].partition("## What is timed")[0]
#: Examples, and what is the standard library's.
NOT_OURS = {"t2 b8 c4 20/s bf16 provider=cuda", "time.perf_counter_ns", "dice_worst10"}


def test_every_class_of_the_model_is_there_with_its_module() -> None:
    for path in (ROOT / "benchhub" / "model").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                _, found, after = WORDS.partition(f"`benchhub.model.{path.stem}`")
                assert found, path.stem
                assert f"- `{node.name}`: " in after, node.name


def test_every_entry_of_the_package_is_there() -> None:
    entries = {name.removesuffix(".py") for name in structure.entries(ROOT / "benchhub")}
    for name in entries - {"__main__", "shipped"}:
        assert f"- `benchhub.{name}`: " in WORDS, name


@pytest.mark.parametrize("kind", [Scenario, VerdictOutcome, ClaimOutcome, CellKind, RunKind])
def test_every_word_that_is_one_of_a_few_is_there(kind: type[enum.StrEnum]) -> None:
    assert [one.value for one in kind if f"`{one.value}`" not in WORDS] == []


def test_every_task_and_effort_is_there() -> None:
    assert [name for name in (*TASKS, *EFFORTS) if f"`{name}`" not in WORDS] == []


def _statuses() -> Iterator[str]:
    """Yield what is given as a status anywhere, and what is asked of one."""
    for path in sources("benchhub"):
        source = path.read_text("utf-8")
        yield from re.findall(r"\bstatus(?: == | != |=)\"(\w+)\"", source)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and node.name == "_status":
                yield from re.findall(r"return '(\w+)', ", ast.unparse(node).replace("(", ""))


def test_every_status_is_there() -> None:
    found = set(_statuses())
    assert {"finished", "failed", "unmeasured", "running", "interrupted"} <= found
    assert [name for name in sorted(found) if f"`{name}`" not in WORDS] == []


def test_words_are_sorted_within_their_group_and_are_there_once() -> None:
    seen: list[str] = []
    for group in WORDS.split("\n### ")[1:]:
        words = re.findall(r"^- \*\*([^*]+)\*\*", group, re.M)
        assert words == sorted(words, key=str.lower)
        seen += words
    assert len(set(seen)) == len(seen)


def test_every_name_of_a_module_leads_somewhere() -> None:
    known = structure.modules()
    for name in set(re.findall(r"`(benchhub(?:\.\w+)+)`", PAGE)):
        module, _, attribute = name.rpartition(".")
        assert name in known or attribute in known[module].read_text("utf-8"), name


def test_every_name_in_code_is_in_the_code() -> None:
    known = [path for path, _ in verbs(app)]
    for text in set(CODE.findall(PAGE)) - NOT_OURS:
        if text.startswith("benchhub "):
            assert any(text.startswith(verb) for verb in known), text
        elif not text.startswith("benchhub."):
            gone = [name for name in re.findall(r"[A-Za-z_]\w+", text) if name not in _written()]
            assert not gone, text


@cache
def _written() -> frozenset[str]:
    texts = [path.read_text("utf-8") for path in sources("benchhub")]
    texts += [path.read_text("utf-8") for path in (ROOT / "suites").rglob("*.toml")]
    return frozenset(name for text in texts for name in re.findall(r"[A-Za-z_]\w+", text))
