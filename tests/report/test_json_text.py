"""Strict JSON, a line for each item, of whatever a report may hold."""

from __future__ import annotations

import json
import math

from benchhub.report.plain import json_text, plain

TOLD = {
    "z": [], "a": {}, "numbers": [0.1, 1e-7, 1e22, 5e-324, -0.0, 2**70, True, None],
    "text": "µs \u2028 \x7f \"quoted\" \\", "deep": {"one": [{"two": [1, [2, []]]}]},
}  # fmt: skip


def test_it_is_what_json_reads():
    text = json_text(TOLD)
    assert json.loads(text) == TOLD
    assert list(json.loads(text)) == list(TOLD)
    assert text.endswith("}\n")
    lines = json.dumps(TOLD, indent=1, ensure_ascii=False).split("\n")
    assert list(map(indented, text.rstrip("\n").split("\n"))) == list(map(indented, lines))


def indented(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def test_what_is_not_finite_is_null():
    told = plain({"values": (math.nan, math.inf, 1.5)})
    assert json.loads(json_text(told)) == {"values": [None, None, 1.5]}
    assert json.loads(json_text({"value": math.nan})) == {"value": None}


def test_half_a_character_is_written_as_it_is():
    assert json.loads(json_text({"name": "\ud800"})) == {"name": "\ud800"}
