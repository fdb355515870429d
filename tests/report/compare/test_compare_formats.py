"""A comparison of runs in words: what changed, what moved, what to do next."""

from __future__ import annotations

import json
import re

import pytest
from builders import make_cell, make_device
from recorded_runs import launches_of, record

from benchhub.report.compare.formats import FORMATS, render
from benchhub.report.compare.text import lines
from benchhub.results.compare.runs import RunComparison, compare_runs

FACTS = {"cpu_model": "A|B <i>", "kernel": "6.1"}


def made(scale: float = 1.0, slow: str = "int8", **facts: str) -> RunComparison:
    """Compare two runs of two variants, one of which takes `scale` as long in the second."""
    sides = []
    for run, factor, more in (("run-a", 1.0, {}), ("run-b", scale, facts)):
        launches = [
            launch
            for name in ("fp32", "int8")
            for launch in launches_of(
                make_cell(variant=name), run, scale=factor if name == slow else 1.0
            )
        ]
        sides.append(record(run, launches, make_device(facts=FACTS | more)))
    return compare_runs(sides[0], sides[1])


@pytest.mark.parametrize(
    ("comparison", "answer", "said"),
    [
        (made(), "NOTHING REGRESSED", ["nothing that is recorded", "nothing to do"]),
        (made(1.3), "REGRESSED", ["regressed", "beyond doubt", "benchhub ab", "10 and 10 launches",
                                  "int8 on onnxruntime", "Hodges-Lehmann"]),
        (made(1.3, kernel="6.8"), "CANNOT BE TOLD",
         ["kernel: 6.1 → 6.8", "forbids comparing", "not comparable", "--question"]),
    ],
)  # fmt: skip
def test_a_reader_learns_what_changed_what_moved_and_what_to_do(comparison, answer, said):
    text = render("text", comparison)
    assert text.startswith(f"{answer}: run run-a → run run-b: ")
    flat = " ".join(text.split())
    for words in said:
        assert words in flat, words
    assert render("markdown", comparison).startswith(f"**{answer}**: ")
    code = {"NOTHING REGRESSED": 0, "REGRESSED": 1, "CANNOT BE TOLD": 4}[answer]
    document = json.loads(render("json", comparison))
    assert (document["outcome"], document["exit_code"]) == (answer, code)


def test_json_has_the_interval_its_method_and_both_corrections():
    document = json.loads(render("json", made(1.3)))
    assert [cell["variant"] for cell in document["cells"]] == ["int8", "fp32"]
    move = document["cells"][0]["moves"][0]
    assert (move["metric"], move["change"], move["method"]) == ("p50_ms", "regressed", "rank-sum")
    assert move["low"] < move["effect"] < move["high"]
    assert move["p_value"] <= move["q_value"] <= move["holm"] < 0.05
    assert move["named"] is True
    assert (document["before"]["id"], document["after"]["id"]) == ("run-a", "run-b")


def test_json_lists_what_forbids():
    document = json.loads(render("json", made(kernel="6.8")))
    found = {one["what"]: one["forbids"] for one in document["differences"]}
    assert found["kernel"] is True


@pytest.mark.parametrize("width", [80, 160])
def test_lines_keep_to_the_terminal(width):
    for comparison in (made(1.3), made(1.3, kernel="6.8", cpu_model="C" * 30)):
        assert max(len(line.text) for line in lines(comparison, width)) <= width


def test_markdown_tables_hold_together_whatever_the_words():
    text = render("markdown", made(1.3, cpu_model="x|y <b>"))
    assert "<b>" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} <= {6, 8}


def test_the_same_comparison_gives_the_same_text():
    for name in FORMATS:
        assert render(name, made(1.3)) == render(name, made(1.3))
