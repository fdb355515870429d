"""Lines for people: whole in a pipe, broken at words on a terminal, and never without their end."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from benchhub.cli.project import problem
from benchhub.cli.show.say import say, stdout
from benchhub.text import abridged

CAUSE = "failed: localhost onnxruntime int8 latency: first: raised: Fail: " + "words and " * 300
END = "b zero point is not valid"


def told(text: str, width: int, terminal: bool) -> str:
    """What a console of this width shows."""
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None)
    say(console, "red", text)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_a_terminal_has_lines_that_fit_and_the_end_that_says_why(width: int) -> None:
    shown = told(CAUSE + END, width, terminal=True).splitlines()
    assert max(map(len, shown)) <= width
    assert len(shown) <= 10
    assert " ".join(" ".join(shown).split()).endswith(END)
    assert shown[0].startswith("failed: localhost")


@pytest.mark.parametrize("text", [CAUSE + END, "short", "", "a/path/" + "x" * 200 + " and words"])
def test_a_pipe_has_one_whole_line(text: str) -> None:
    assert told(text, 80, terminal=False) == text + "\n"


def test_what_cannot_be_broken_stays_whole() -> None:
    path = "/home/me/" + "x" * 90
    assert path in told(f"see the report at {path} of today", 60, terminal=True)


@pytest.mark.parametrize("most", [40, 100, 1000])
def test_both_ends_are_kept(most: int) -> None:
    short = abridged("begin " + "m" * 5000 + " end", most)
    assert len(short) <= most
    assert short.startswith("begin ")
    assert short.endswith(" end")
    assert abridged("as it is", most) == "as it is"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_a_message_goes_on_at_a_word_where_the_terminal_ends(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    told = _Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", told)
    monkeypatch.setenv("COLUMNS", "60")
    problem("pi4: 123456.75 MiB are free of 987654.25 MiB, run `benchhub devices doctor pi4`")
    lines = told.getvalue().splitlines()
    if terminal:
        assert lines == [
            "benchhub: pi4: 123456.75 MiB are free of 987654.25 MiB, run",
            "  `benchhub devices doctor pi4`",
        ]
    else:
        assert len(lines) == 1


@pytest.mark.parametrize(("columns", "width"), [("", 10_000), ("100", 100), ("wide", 10_000)])
def test_what_is_piped_has_no_width_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert stdout().width == width
