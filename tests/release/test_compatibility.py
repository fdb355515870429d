"""What docs/reference/compatibility.md promises: the lists are the code's, the tests are there."""

from __future__ import annotations

import ast
import re

import pytest
from repository import ROOT

from benchhub.model.columns import COLUMNS
from benchhub.store.schema import HEAD

PAGE = (ROOT / "docs/reference/compatibility.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[^`]*?\.py(?:::\w+)?)`", PAGE)))


@pytest.mark.parametrize("named", NAMED)
def test_what_holds_a_promise_is_a_test(named: str) -> None:
    file, _, name = named.partition("::")
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert not name or (name.startswith("test_") and name in functions)


def test_every_promise_names_one() -> None:
    promises = re.findall(r"^(?:- .*(?:\n  .*)*|\| \d+ \|.*)$", PAGE, re.MULTILINE)
    assert len(promises) > 25
    assert [one for one in promises if "`tests/" not in one] == []


def test_the_columns_are_those_of_the_page() -> None:
    (block,) = re.findall(r"```columns\n(.*?)```", PAGE, re.DOTALL)
    assert tuple(block.split()) == COLUMNS, "promised: new ones come at the end, and on the page"


def test_the_page_knows_every_schema() -> None:
    assert f"(0001 to {HEAD})" in PAGE
