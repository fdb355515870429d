"""Reports of strangers: what is read, and one line on what is none."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from published_reports import document, interval, row, scaled
from repository import ROOT

from benchhub.config.published.read import of_bytes, of_document, of_run, read_report
from benchhub.errors import ConfigError

PUBLISHED = sorted(
    path.relative_to(ROOT / "reports").as_posix() for path in ROOT.glob("reports/**/report.json")
)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_projects_own_reports_are_read(name: str) -> None:
    found = read_report(str(ROOT / "reports" / name))
    told = json.loads((ROOT / "reports" / name).read_text("utf-8"))
    assert len(found.rows) == len(told["rows"])
    assert found.run.id == told["run"]["id"]
    assert {one.sha256 for one in found.variants} == {one["sha256"] for one in told["variants"]}


def refused(told: Any) -> str:
    """The line that refuses a document."""
    raw = told if isinstance(told, bytes) else json.dumps(told).encode()
    with pytest.raises(ConfigError) as caught:
        of_bytes(raw, "report.json")
    line = str(caught.value)
    assert line.startswith("report.json: ")
    assert "\n" not in line
    assert "Value error" not in line
    return line


@pytest.mark.parametrize(("told", "wanted"), [
    (b"", "is empty"),
    (b" \n\t ", "is empty"),
    (b"<!DOCTYPE html><html>", "is a web page"),
    (b"\n<HTML lang=en>", "is a web page"),
    (gzip.compress(b"{}"), "is packed"),
    (b"PK\x03\x04....", "is packed"),
    (json.dumps(document()).encode()[:-40], "cut short"),
    (b"\xff\xfe\x00", "no JSON"),
    (b"[" * 100_000, "no JSON, or cut short .it is nested too deeply"),
    (b'{"schema": 1, "rows": ' + b"[" * 80 + b"]" * 80 + b"}", "nested more than 64 deep"),
    (b'{"schema": 1, "rows": [], "run": {}, "x": ' + b"9" * 400 + b"}", "64 bits"),
    ([], "JSON, but no report"),
    ({"benchmarks": []}, "JSON, but no report"),
    (document(schema=2), "has schema 2, and this benchhub reads 1; update benchhub"),
    (document(schema=0), "has no schema 1"),
    (document(schema="1"), "has no schema 1"),
    (document(schema=True), "has no schema 1"),
    (document(run=None), "of no run"),
    (document(rows="x"), "rows: "),
    (document(devices=[{"name": 7}]), "devices.0.name"),
], ids=lambda one: str(one)[:30] if isinstance(one, str) else "")  # fmt: skip
def test_what_is_no_report_is_one_line(told: Any, wanted: str) -> None:
    line = refused(told)
    assert re.search(wanted, line), line
    assert re.search(r"; (give|update|unpack|ask)", line), line


def with_interval(**ends: Any) -> dict[str, Any]:
    """A row whose median has this interval."""
    return row(intervals={"p50_ms": interval(10.0) | ends})


@pytest.mark.parametrize(("told", "wanted"), [
    ((with_interval(low=11, high=9.0),), "rows.0.intervals.p50_ms: its lower limit 11 is above"),
    ((with_interval(low=10.5, high=11),), "p50_ms is 10, and its interval ends at 10.5 above that"),
    ((with_interval(low=8, high=9),), "p50_ms is 10, and its interval ends at 9 below that"),
    ((row(speedup=50.0),), "speedup is 50, and nothing makes it that by definition"),
    ((with_interval(low=None, high=None, method="by definition"),), "p50_ms is 10, and nothing"),
    ((row(p50_low_ms=3.0),), "p50_low_ms is 3, and the interval of p50_ms says otherwise"),
    ((row(p50_ms=float("nan")),), "rows.0.p50_ms: Input should be a finite number"),
    ((row(p50_ms=-1.0),), "rows.0.p50_ms: Input should be greater than or equal to 0"),
    ((row(model_sha256="../../etc/passwd"),), "rows.0.model_sha256"),
    ((row(model_sha256="A" * 64),), "rows.0.model_sha256"),
    ((row(batch=-1),), "rows.0.batch"),
    ((row(launches="many"),), "rows.0.launches"),
    ((row(), row()), "rows.1 is a second row of one cell: fp32 on onnxruntime, latency, of pi"),
    ((row(variant="x" * 500),), "rows.0.variant: String should have at most 400 characters"),
], ids=lambda one: one[:30] if isinstance(one, str) else "")  # fmt: skip
def test_a_report_that_contradicts_itself_is_refused(
    told: tuple[dict[str, Any], ...], wanted: str
) -> None:
    line = refused(document(*told))
    assert wanted in line
    assert line.endswith("ask for the file as it was written")


def test_nan_and_infinity_are_no_numbers() -> None:
    text = json.dumps(document()).replace('"p50_ms": 10.0', '"p50_ms": 1e999', 1)
    assert "finite" in refused(text.encode())
    assert "finite" in refused(text.replace("1e999", "NaN").encode())


def test_what_a_name_holds_is_shown_and_not_obeyed() -> None:
    found = of_document(document(row(variant="\x1b[31mred\n\u202e")), "x")
    assert found.rows[0].variant.isprintable()


def test_what_later_versions_add_is_left_alone() -> None:
    found = of_document(document(row(new_column=[1]), news={"a": 1}), "x")
    assert found.rows[0].p50_ms == 10


def test_one_of_several_runs_is_named() -> None:
    rows = [row(), row("int8"), row(run="r2", device="orin")]
    told = document(*rows)
    first = told["run"]
    told["runs"] = [first, first | {"id": "r2"}, first | {"id": "other"}]
    told["devices"] = [
        one | {"run": run} for one, run in zip(told["devices"], ("r1", "r2"), strict=True)
    ]
    told["variants"] = []
    whole = of_document(told, "x")
    with pytest.raises(ConfigError, match=r"several runs \(r1, r2, other\).*--of-run"):
        of_run(whole, "x")
    with pytest.raises(ConfigError, match="has no run r9; known: other, r1, r2"):
        of_run(whole, "x", "r9")
    one = of_run(whole, "x", "r2")
    assert ([row.device for row in one.rows], [one.name for one in one.devices]) == (["orin"],) * 2
    assert one.run.id == "r2"


@pytest.mark.parametrize(("make", "wanted"), [
    (lambda path: path.mkdir(), "is a folder; give the report.json in it"),
    (lambda path: None, "cannot be read .No such file"),
], ids=["a folder", "nothing"])  # fmt: skip
def test_a_path_that_leads_to_none(
    tmp_path: Path, make: Callable[[Path], object], wanted: str
) -> None:
    make(tmp_path / "there")
    with pytest.raises(ConfigError, match=wanted):
        read_report(str(tmp_path / "there"))


def test_a_larger_file_than_one_may_be_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHHUB_UNPACK", "1")
    (tmp_path / "large.json").write_bytes(b" " * 200_000)
    with pytest.raises(ConfigError, match="BENCHHUB_UNPACK"):
        read_report(str(tmp_path / "large.json"))


def test_a_figure_moved_with_its_interval_is_read() -> None:
    """What is false without contradicting itself is for the comparison to find."""
    assert of_document(document(row(), scaled(row("int8"), "speedup", 1.3)), "x").rows[1].speedup
