"""Commands that pages show have verbs and options that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from markdown_pages import named, pages
from repository import ROOT

from benchhub.cli import app

PAGES = [
    page for page in pages() if list(re.finditer(r"\bbenchhub [a-z]", page.read_text("utf-8")))
]
COMMAND: Any = typer.main.get_command(app)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_have_verbs_and_options_that_there_are(page: Path) -> None:
    wrong = [said for line in commands(page) if (said := mistake(line))]
    assert not wrong


def test_targets_of_make_are_in_the_makefile() -> None:
    there = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    said = {
        target
        for page in pages()
        for target in re.findall(
            r"(?:^|`|    )make ([a-z][\w-]*)", page.read_text("utf-8"), re.MULTILINE
        )
    }
    assert said <= set(there)


def commands(page: Path) -> Iterator[str]:
    """Yield the command lines of a page's blocks of code, without comments."""
    fenced = False
    for line in page.read_text("utf-8").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    benchhub"):
            # Pipes and lists of commands: each is one of its own.
            for part in re.split(r"&&|\|\||;|\s\| ", line.partition(" #")[0]):
                found = re.match(
                    r"(?:- (?:run: )?)?(?:[\w./]*/)?benchhub ([a-z-].*)$", part.strip()
                )
                if found and "..." not in part:
                    yield found[1].rstrip("\\")


def mistake(line: str) -> str:
    """Return what is wrong with a command line, if anything is."""
    command, words = COMMAND, shlex.split(line)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        below = command.commands.get(words[0])
        if below is None:
            return f"benchhub {line}: there is no {words[0]}"
        command, words = below, words[1:]
    known = {name for one in command.params for name in one.opts + one.secondary_opts}
    known |= {"--help", "--install-completion"}
    lost = [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]
    return f"benchhub {line}: there is no {', '.join(lost)}" if lost else ""
