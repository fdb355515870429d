"""Golden screens at 80, 100 and 140 columns and in a pipe.

They are written anew with `PYTHONPATH=.:tests:tests/report python tests/cli/test_screens.py`; read
their diff.
"""

from __future__ import annotations

import dataclasses
import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gate_cases import BROKEN, FAILS, KEPT, OPEN, WITHHELD, make_judged
from in_process import Reading
from screens import COMMANDS, SHOWN, WIDTHS, fill, printed

from benchhub.cli.show.results import print_results
from benchhub.store import Store

GOLDEN = Path(__file__).parent / "golden"
CASES = [(name, width) for name in (*SHOWN, *COMMANDS) for width in WIDTHS]


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    return made(tmp_path_factory.mktemp("screens"))


def made(folder: Path) -> Reading:
    found = Reading(folder)
    with Store.open(found.url) as store:
        fill(store)
    return found


def screen(reading: Reading, name: str, width: str) -> str:
    if name in SHOWN:
        return printed(SHOWN[name], WIDTHS[width])
    return dataclasses.replace(reading, columns=WIDTHS[width]).run(*COMMANDS[name]).out


@pytest.mark.parametrize(("name", "width"), CASES, ids=[f"{n}-{w}" for n, w in CASES])
def test_a_screen_is_as_it_was(reading: Reading, name: str, width: str) -> None:
    shown = screen(reading, name, width)
    assert shown == (GOLDEN / f"{name}-{width}.txt").read_text("utf-8")
    assert shown.count("[") == shown.count("]")
    assert not re.search(r" +$", shown, re.MULTILINE)
    if width != "pipe":
        assert max(map(len, shown.splitlines())) <= int(width)


@pytest.mark.parametrize("name", sorted({*SHOWN, *COMMANDS}))
def test_no_number_of_a_narrow_screen_is_cut(reading: Reading, name: str) -> None:
    """Each number of 80 columns stands in the pipe, too, which has no width."""
    whole = set(numbers(screen(reading, name, "pipe")))
    told = re.compile(r"terminal\s+of\s+[\d,]+\s+columns|benchhub report \S+")
    assert set(numbers(told.sub("", screen(reading, name, "80")))) <= whole


def numbers(text: str) -> Iterator[str]:
    yield from re.findall(r"\d[\d.,]*\d|\d", text)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("height", [5, 500])
def test_an_answer_that_has_left_the_screen_is_said_again(
    monkeypatch: pytest.MonkeyPatch, height: int
) -> None:
    for name, value in {"COLUMNS": "100", "LINES": str(height), "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", told := _Terminal())
    print_results(make_judged(KEPT, OPEN, FAILS, BROKEN, WITHHELD, KEPT))
    monkeypatch.undo()
    lines = re.sub(r"\x1b\[[\d;]*m", "", told.getvalue()).splitlines()
    assert lines[0].startswith("ERROR: suite quickstart, run ")
    assert lines.count(lines[0]) == (2 if height == 5 else 1)
    assert (lines[-1] == lines[0]) == (height == 5)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        of = made(Path(folder))
        for name, width in CASES:
            (GOLDEN / f"{name}-{width}.txt").write_text(screen(of, name, width), "utf-8")
