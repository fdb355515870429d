"""The gate as JUnit XML: the rules of both schemas that test views go by, checked here.

The rules are those of Ant's JUnitReport schema (windyroad/JUnit-Schema), which is the stricter in
what must be there, and of Jenkins' xUnit plug-in (junit-10.xsd).
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from builders import make_budget, make_device
from gate_cases import BROKEN, EDGE, FAILS, HOSTILE, KEPT, OPEN, WITHHELD, latency, make_judged

from benchhub.report.gate.formats import render

SUITE = {"name", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time",
         "package", "id"}  # fmt: skip
OUTCOMES = {"failure", "error", "skipped"}
ALL = (FAILS, OPEN, KEPT, BROKEN)


def parsed(*rows, strict: bool = False, **more) -> ET.Element:
    """Return the document; check it against the rules."""
    root = ET.fromstring(render("junit", make_judged(*rows, **more), strict).encode())
    assert (root.tag, root.attrib) == ("testsuites", {})
    for number, suite in enumerate(root):
        assert suite.tag == "testsuite"
        assert set(suite.attrib) == SUITE
        assert suite.get("id") == str(number)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", ""))
        assert re.fullmatch(r"\d{0,3}(\.\d*)?", suite.get("time", "no"))
        tags = [child.tag for child in suite]
        cases = suite.findall("testcase")
        assert tags == ["properties", *["testcase"] * len(cases), "system-out", "system-err"]
        assert all(set(one.attrib) == {"name", "value"} for one in suite[0])
        for name in ("name", "hostname", "package"):
            assert is_token(suite.get(name, ""))
        for case in cases:
            assert set(case.attrib) == {"name", "classname", "time"}
            assert is_token(case.get("name", ""))
            assert is_token(case.get("classname", ""))
            assert [child.tag in OUTCOMES for child in case] in ([], [True])
            for child in case:
                assert set(child.attrib) == {"message", "type"}
                assert not list(child)
        for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert suite.get(count) == str(len(suite.findall(f"testcase/{tag}")))
        assert suite.get("tests") == str(len(cases))
        named = [(case.get("classname"), case.get("name")) for case in cases]
        assert len(set(named)) == len(named)
    return root


def is_token(text: str) -> bool:
    return bool(text) and text == " ".join(text.split())


def test_outcomes_are_what_test_views_tell_apart() -> None:
    (suite,) = parsed(*ALL)
    found = {
        case.get("name", "").split()[0]: [child.tag for child in case]
        for case in suite.findall("testcase")
    }
    assert found == {"fp32": ["failure"], "fp16": ["error"], "int8": ["skipped"],
                     "int8-static": []}  # fmt: skip
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "61.2 [58.9, 63.0] ms, asked latency_p95_ms ≤ 50" in failure.get("message", "")
    assert "next: choose a faster variant" in (failure.text or "")


def test_strictly_what_is_inconclusive_is_an_error_and_all_else_stays() -> None:
    (usual,), (strict,) = parsed(*ALL), parsed(*ALL, strict=True)
    assert (usual.get("errors"), usual.get("skipped")) == ("1", "1")
    assert (strict.get("errors"), strict.get("skipped")) == ("2", "0")
    before, after = (
        {case.get("name"): list(case) for case in suite.iter("testcase")}
        for suite in (usual, strict)
    )
    assert list(before) == list(after)
    for name, told in after.items():
        (was, now) = (
            [(one.tag, one.attrib, one.text) for one in of] for of in (before[name], told)
        )
        if was and was[0][1]["type"] == "INCONCLUSIVE":
            was = [("error", *was[0][1:])]
        assert was == now


def test_a_device_is_a_suite() -> None:
    devices = (make_device("rpi"), make_device("jetson.lab", error="jetson.lab: no route"))
    first, second = parsed(KEPT, devices=devices)
    assert (first.get("name"), second.get("name")) == ("jetson.lab", "rpi")
    assert first.findall("testcase/error")
    assert first.find("testcase").get("classname") == "benchhub.quickstart.jetson_lab"


def test_names_hold_no_figures_so_that_history_is_kept() -> None:
    before, after = (
        [case.get("name") for case in parsed(row, budgets=(budget,)).iter("testcase")]
        for row, budget in (
            (FAILS, EDGE),
            (latency("fp32", 20, 21, 22), make_budget("edge", latency_p95_ms=60.0)),
        )
    )
    assert before == after == ["fp32 on onnxruntime, latency, 2 threads: edge latency_p95_ms"]


def test_budgets_of_one_name_keep_cases_apart() -> None:
    twice = (EDGE, make_budget("edge", latency_p95_ms=70.0))
    (suite,) = parsed(FAILS, WITHHELD, budgets=twice)
    assert suite.get("tests") == "4"


@pytest.mark.parametrize("word", [HOSTILE, "  two  spaces\tand\nlines ", "ü é 日本"])
def test_any_word_makes_well_formed_xml(word: str) -> None:
    (suite,) = parsed(latency(word, 58.9, 61.2, 63.0), budgets=(make_budget(
        word, latency_p95_ms=50.0),), suite=word)  # fmt: skip
    assert suite.get("failures") == "1"
