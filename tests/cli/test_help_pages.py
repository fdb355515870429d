"""The help of every verb: two examples that are taken as they are typed, and a page to read on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from repository import ROOT
from typer.testing import CliRunner

from benchhub.cli import app
from benchhub.cli.typed.examples import EXAMPLES

COMMAND: Any = typer.main.get_command(app)


def verbs(command: Any = COMMAND, path: tuple[str, ...] = ()) -> Iterator[str]:
    for name, one in command.commands.items():
        if hasattr(one, "commands"):
            yield from verbs(one, (*path, name))
        else:
            yield " ".join((*path, name))


VERBS = sorted(verbs())


def test_every_verb_has_examples_and_no_others_have() -> None:
    assert sorted(EXAMPLES) == VERBS


@pytest.mark.parametrize("path", VERBS)
def test_examples_are_taken_as_they_are_typed(path: str) -> None:
    for example in EXAMPLES[path].examples:
        words = shlex.split(example.command.partition(" > ")[0])
        assert words[0] == "benchhub"
        command, rest = COMMAND, words[1:]
        for name in path.split():
            assert rest.pop(0) == name, example.command
            command = command.commands[name]
        with command.make_context(path, rest) as context:  # refuses options and values it lacks
            assert context.params


@pytest.mark.parametrize("path", VERBS)
def test_the_page_to_read_on_is_there_and_is_about_such_things(path: str) -> None:
    page = ROOT / EXAMPLES[path].page
    assert page.is_file()
    assert path.split()[0].removesuffix("s") in page.read_text("utf-8")


@pytest.mark.parametrize("path", VERBS)
def test_help_shows_them_whole(path: str) -> None:
    shown = CliRunner().invoke(app, [*path.split(), "--help"], env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    lines = [line.strip() for line in shown.output.splitlines()]
    for example in EXAMPLES[path].examples:
        assert example.command in lines
        assert example.about in lines
    assert f"Read on: {EXAMPLES[path].page}" in lines


@pytest.mark.parametrize("words", [[], ["devices"], ["runs"], ["store"]], ids=" ".join)
def test_groups_say_where_to_read_on(words: list[str]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"}).output
    found = re.search(r"ead on: (docs/\S+\.md)", shown)
    assert found
    assert (ROOT / found[1]).is_file()
