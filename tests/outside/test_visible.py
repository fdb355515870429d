"""What a text from outside would do to a terminal or a page, it says instead."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from benchhub.text import all_visible, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain  text, 3 µs ≤ 4", "plain  text, 3 µs ≤ 4"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("rpi\u202egnp.exe", r"rpi\u202egnp.exe"),
        ("half \ud83d", r"half \ud83d"),
        ("two\r\n  lines\tand\n\n\nmore", "two lines and more"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("a\u3164b\uffa0\u115f\u034f", r"a\u3164b\uffa0\u115f\u034f"),
        ("می‌خواهم 👩‍💻 שלום", "می‌خواهم 👩‍💻 שלום"),
    ],
    ids=["plain", "escape", "C1", "bidi", "half", "lines", "tag", "fillers", "writing"],
)
def test_a_text_says_what_it_would_do(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


def test_no_letter_of_all_there_are_gets_through_that_is_obeyed() -> None:
    """Held against the tables of Unicode: categories of controls and halves, and bidi classes."""
    marks = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    through = visible("".join(map(chr, range(sys.maxunicode + 1))))
    for letter in set(through):
        assert unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp"), hex(ord(letter))
        assert unicodedata.bidirectional(letter) not in marks, hex(ord(letter))
    assert not {"\u200e", "\u200f", "\u061c"} & set(through)
    through.encode("utf-8")


def test_every_text_of_a_tree_is_seen_to() -> None:
    told = {"a\x1b": ["\x00", {"b": ("\u2066", 1, None, True, 1.5)}]}
    assert all_visible(told) == {r"a\x1b": [r"\x00", {"b": [r"\u2066", 1, None, True, 1.5]}]}
