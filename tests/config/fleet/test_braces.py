"""Names by a pattern with braces, held to what bash makes of it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from benchhub.config.fleet.braces import count, expanded
from benchhub.errors import ConfigError

LIKE_BASH = (
    "rack1-{01..40}", "r{1..12}", "r{8..012}", "pi-{a,b}", "r{1..3}-n{01..04}", "plain",
    "a{x,1..3,y}b", "{0..3}", "a.b_{09..11}+",
)  # fmt: skip


@pytest.mark.parametrize("pattern", LIKE_BASH)
def test_a_pattern_is_counted_without_being_made(pattern: str) -> None:
    assert count(pattern) == len(expanded(pattern)) == len(set(expanded(pattern)))


@pytest.mark.usefixtures("processes")
def test_patterns_are_what_bash_makes_of_them() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    # Within a list bash leaves ranges alone.
    written = [pattern for pattern in LIKE_BASH if ",1..3," not in pattern]
    script = "\n".join(f"echo {pattern}" for pattern in written)
    said = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=True).stdout
    assert [expanded(pattern) for pattern in written] == [
        line.split() for line in said.splitlines()
    ]


def test_a_range_among_others() -> None:
    assert expanded("a{x,1..3,y}b") == ["axb", "a1b", "a2b", "a3b", "ayb"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a{1..3", "braces are pairs"),
        ("a1}", "braces are pairs"),
        ("a{{1..3}}", "braces are pairs"),
        ("a{}", "nothing where a name should be"),
        ("a{x,,y}", "nothing where a name should be"),
        ("a{x}", "should be {FIRST..LAST} or {A,B,C}"),
        ("a{1..x}", "should be"),
        ("a{-1..3}", "should be"),
        ("a{1..x,y}", "1..x should be two whole numbers"),
        ("a{1..3..2,y}", "1..3..2 should be two whole numbers"),
        ("a{9..1}", "9..1 counts down: write 1..9"),
        ("a{1..9999999999999}", "12 digits at most"),
        ("rack1-[01-40]", "rack1-{01..40}"),
    ],
)
def test_what_is_no_pattern_says_why(pattern: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r".*") as raised:
        count(pattern)
    assert said in str(raised.value)
    assert str(raised.value).startswith(pattern)
    assert "\n" not in str(raised.value)


def test_a_huge_pattern_costs_nothing_to_count() -> None:
    assert count("a{0..999999999999}-{0..999999999999}") == 10**24
