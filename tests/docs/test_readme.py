"""The README is short, and its table is what a run measured."""

from __future__ import annotations

from repository import ROOT

README = (ROOT / "README.md").read_text("utf-8")
_MOST_LINES = 120


def test_the_readme_is_read_in_one_go() -> None:
    assert len(README.splitlines()) <= _MOST_LINES


def test_the_readme_names_the_commands_to_build_and_to_test() -> None:
    for command in ("make quickstart", "make test", "make check"):
        assert command in README


def test_the_readme_has_one_chart() -> None:
    assert README.count("![") == 1
