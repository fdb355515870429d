"""Rows of a report held against a run: what is compared, and what follows."""

from __future__ import annotations

from typing import Any

import pytest
from published_reports import FACTS, document, interval, report, row, scaled

from benchhub.config.published.told import PublishedDevice, PublishedReport
from benchhub.errors import ConfigError
from benchhub.results.replicate.answer import Replicated, ReplicatedFigure, Replication
from benchhub.results.replicate.replicate import replicate

HERE = PublishedDevice(name="here", facts=FACTS)  # type: ignore[arg-type]
OTHER = PublishedDevice(name="here", facts=FACTS | {"cores_logical": 4})  # type: ignore[arg-type]


def held(
    theirs: PublishedReport, ours: PublishedReport, here: PublishedDevice = HERE, **more: Any
) -> Replication:
    """A report held against another, whose device is `here`."""
    return replicate(theirs, ours, here, **more)


def figures(of: Replication) -> dict[tuple[str, str], ReplicatedFigure]:
    """Figures by variant and quantity."""
    return {(one.row.variant, figure.quantity): figure for one in of.rows for figure in one.figures}


def test_a_report_is_replicated_by_itself() -> None:
    found = held(report(), report())
    assert (found.outcome, found.exit_code) == (Replicated.REPLICATED, 0)
    assert [one.outcome for one in found.rows] == [Replicated.REPLICATED] * 4
    assert figures(found).keys() == {
        ("fp32", "p50_ms"), ("int8", "p50_ms"), ("int8", "speedup"), ("fp32", "quality"),
        ("int8", "quality"),
    }  # fmt: skip
    assert found.looked_at == 3  # quality is of the same cases, so nothing is left to chance


@pytest.mark.parametrize(("factor", "outcome", "said"), [
    (1.0, Replicated.REPLICATED, "surely within 10 %"),
    (1.04, Replicated.REPLICATED, "surely within 10 %"),  # surely different, and by too little
    (1.3, Replicated.NOT, "surely different (p < 0.0001, as one of 3 that were looked at)"),
    (0.77, Replicated.NOT, "surely different"),
    (1.085, Replicated.NOT, "surely different"),
])  # fmt: skip
def test_a_speed_up_that_was_moved(factor: float, outcome: Replicated, said: str) -> None:
    theirs = report(row(), scaled(row("int8"), "speedup", factor))
    found = held(theirs, report(row(), row("int8")))
    one = figures(found)["int8", "speedup"]
    assert (one.outcome, said in one.reason) == (outcome, True), one.reason
    assert one.by is not None
    assert one.by.value == pytest.approx(1 / factor)
    assert found.exit_code == (1 if outcome is Replicated.NOT else 0)


@pytest.mark.parametrize(("changes", "said"), [
    ({"intervals": {"p50_ms": interval(10.0, 0.3)}}, "intervals are too wide for 10 %"),
    ({"intervals": {"p50_ms": {"low": 9.9, "high": None}}}, "theirs has no interval"),
    ({"intervals": {}}, "theirs has no interval"),
    ({"launches": 1}, "theirs is of one launch"),
    ({"p50_ms": 0.0, "intervals": {"p50_ms": {"low": 0, "high": 1}}}, "reaches 0"),
])  # fmt: skip
def test_what_cannot_be_told_says_why(changes: dict[str, Any], said: str) -> None:
    found = held(report(row(**changes)), report(row()))
    assert (found.outcome, found.exit_code) == (Replicated.UNTOLD, 4)
    assert said in figures(found)["fp32", "p50_ms"].reason


def test_launches_that_would_tell_are_named_where_they_would() -> None:
    wide = report(row(intervals={"p50_ms": interval(10.0, 0.13)}))
    narrow = report(row())
    assert figures(held(narrow, wide))["fp32", "p50_ms"].launches in range(11, 60)
    assert figures(held(wide, narrow))["fp32", "p50_ms"].launches is None  # theirs is what is wide


def test_one_of_many_may_be_chance() -> None:
    def many(off: float) -> PublishedReport:
        made = []
        for number in range(40):
            one = row(threads=number + 1, cell=f"c{number}")
            made.append(scaled(one, "p50_ms", off) if number == 0 else one)
        return report(*made)

    alone = held(report(scaled(row(), "p50_ms", 1.04)), report(row()), margin=0.02)
    among = held(many(1.04), many(1.0), margin=0.02)
    first = [found.rows[0].figures[0] for found in (alone, among)]
    assert [one.outcome for one in first] == [Replicated.NOT, Replicated.UNTOLD]
    assert "which, as one of 40 that were looked at, may be chance" in first[1].reason
    assert held(many(1.3), many(1.0)).rows[0].outcome is Replicated.NOT


def test_on_another_kind_of_device_only_ratios_and_quality_are_compared() -> None:
    found = held(report(), report(), OTHER)
    assert figures(found).keys() == {
        ("int8", "speedup"), ("fp32", "quality"), ("int8", "quality")
    }  # fmt: skip
    assert found.left_out == 1  # the baseline's time
    assert [one.unlike for one in found.devices] == ["cores: 2 there, 4 here"]


@pytest.mark.parametrize(("facts", "said"), [
    ({"cpu_model": None}, "processor"),
    ({"isa_flags": ["avx2"]}, "other instructions"),
    ({"gpus": [{"name": "T4"}]}, "GPUs: not told there, T4 here"),
])  # fmt: skip
def test_kinds_of_devices_are_told_apart(facts: dict[str, Any], said: str) -> None:
    here = PublishedDevice(name="here", facts=FACTS | facts)  # type: ignore[arg-type]
    assert said in held(report(), report(), here).devices[0].unlike


def test_times_of_an_emulated_device_are_none() -> None:
    here = PublishedDevice(name="here", emulated=True, facts=FACTS)  # type: ignore[arg-type]
    ours = report(*(one | {"emulated": True} for one in document()["rows"]))
    found = figures(held(report(), ours, here))
    assert "emulated" in found["int8", "speedup"].reason
    assert found["int8", "quality"].outcome is Replicated.REPLICATED


def test_devices_of_this_kind_are_asked_about_first() -> None:
    rows = [row(), row(device="jetson")]
    theirs = document(*rows)
    theirs["devices"][1]["facts"] = {"arch": "aarch64", "cpu_model": "A78"}
    both = report(*rows, devices=theirs["devices"])
    assert [one.name for one in held(both, report()).devices] == ["pi"]
    assert held(both, report()).elsewhere == ("jetson",)
    assert [one.name for one in held(both, report(), of=("jet*",)).devices] == ["jetson"]
    assert [one.name for one in held(both, report(), OTHER).devices] == ["pi", "jetson"]
    with pytest.raises(ConfigError, match=r"--of orin: .*known|--of orin"):
        held(both, report(), of=("orin",))


def test_quality_of_the_same_cases_is_compared_value_by_value() -> None:
    ours = report(row("fp32", "quality", quality=0.895))
    theirs = report(row("fp32", "quality"))
    assert figures(held(theirs, ours))["fp32", "quality"].outcome is Replicated.REPLICATED
    strict = figures(held(theirs, ours, quality_margin=0.004))["fp32", "quality"]
    assert strict.outcome is Replicated.NOT
    other = document(row("fp32", "quality", quality=0.895))
    other["run"]["provenance"] = {"sha256": "e" * 64}
    by_interval = held(theirs, report(*other["rows"], run=other["run"]))
    assert figures(by_interval)["fp32", "quality"].outcome is Replicated.UNTOLD
    assert any(one.startswith("the data: ") for one in by_interval.differences)


def test_of_the_same_cases_a_model_made_anew_is_compared_so_too() -> None:
    ours = report(row("fp32", "quality", model_sha256="f" * 64))
    one = figures(held(report(row("fp32", "quality")), ours, remade=True))["fp32", "quality"]
    assert (one.outcome, one.exact) == (Replicated.REPLICATED, True)


def test_another_metric_is_not_compared() -> None:
    ours = report(row("fp32", "quality", quality_metric="log_loss"))
    one = figures(held(report(row("fp32", "quality")), ours))["fp32", "quality"]
    assert one.reason == "another metric: macro_auc there, log_loss here"


def test_another_model_of_the_same_name_is_none() -> None:
    ours = report(row(), row("int8", model_sha256="f" * 64))
    theirs = report(row(), row("int8"))
    found = held(theirs, ours)
    (other,) = [one for one in found.rows if one.row.variant == "int8"]
    assert other.outcome is Replicated.UNTOLD
    assert other.reason.startswith("another model: int8 is bbbbbbbbbbbb there, ffffffffffff here")
    assert "--accept-remade" in other.reason
    taken = held(theirs, ours, remade=True)
    assert taken.outcome is Replicated.REPLICATED
    assert [one.notes for one in taken.rows][1] == (
        "made anew here: int8 is ffffffffffff, not the same file",
    )


def test_a_model_of_another_name_is_the_same() -> None:
    ours = report(row("a"), row("b"))
    renamed = document(*(one | {"model_sha256": sha} for one, sha in zip(
        document()["rows"][:2], ("a" * 64, "b" * 64), strict=True
    )))  # fmt: skip
    for one, name in zip(renamed["rows"], ("a", "b"), strict=True):
        one["variant"] = name
    renamed["rows"][1]["intervals"]["speedup"]["against"] = "a"
    renamed["variants"] = [
        {"name": "a", "sha256": "a" * 64}, {"name": "b", "sha256": "b" * 64}
    ]  # fmt: skip
    renamed["run"]["baseline"] = "a"
    ours = report(*renamed["rows"], run=renamed["run"], variants=renamed["variants"])
    assert held(report(row(), row("int8")), ours).outcome is Replicated.REPLICATED


def test_a_speed_up_over_another_baseline_is_not_compared() -> None:
    ours = report(row(model_sha256="f" * 64), row("int8"))
    found = figures(held(report(row(), row("int8")), ours))
    assert found["int8", "p50_ms"].outcome is Replicated.REPLICATED
    assert found["int8", "speedup"].reason == (
        "it refers to another model: fp32 aaaaaaaaaaaa there, fp32 ffffffffffff here"
    )


def test_a_difference_under_a_flag_is_no_difference() -> None:
    flagged = row(flags=[{"name": "foreign_cpu", "caps": True}])
    found = held(report(scaled(row(), "p50_ms", 2.0)), report(flagged))
    one = figures(found)["fp32", "p50_ms"]
    assert (one.outcome, one.reason) == (
        Replicated.UNTOLD,
        "differs, but flagged here: foreign_cpu",
    )
    both = [flagged, row("int8")]  # the base of a speed-up counts, too
    moved = held(report(row(), scaled(row("int8"), "speedup", 2.0)), report(*both))
    assert "flagged here" in figures(moved)["int8", "speedup"].reason
    drifts = [one | {"flags": [{"name": "drift", "caps": True}]} for one in both]
    shared = held(report(row(), scaled(row("int8"), "speedup", 2.0)), report(*drifts))
    assert figures(shared)["int8", "speedup"].outcome is Replicated.NOT
    assert held(report(row()), report(flagged)).outcome is Replicated.REPLICATED


def test_rows_that_are_not_there_say_why() -> None:
    theirs = report()
    lacking = held(theirs, report(row()), lacking={"int8": "its file is nowhere"})
    reasons = {
        (one.row.variant, one.row.scenario): one.reason for one in lacking.rows if one.reason
    }
    assert reasons == {
        ("int8", "latency"): "its file is nowhere", ("int8", "quality"): "its file is nowhere",
        ("fp32", "quality"): "run r1 has no such settings",
    }  # fmt: skip
    nothing = replicate(theirs, None, None, lacking={"int8": "gone"})
    assert {one.outcome for one in nothing.rows} == {Replicated.UNTOLD}
    assert nothing.exit_code == 4
    skip = {"device": "pi", "variant": "int8", "backend": "onnxruntime", "scenario": "latency b1",
            "reason": "not installed"}  # fmt: skip
    skipped = held(report(row(), row("int8")), report(row(), row("int8", "quality"), skips=[skip]))
    assert [one.reason for one in skipped.rows] == ["", "not measured here: not installed"]


def test_what_failed_here_alone_fails() -> None:
    failed = row("int8", status="failed", reason="no such operator", p50_ms=None, speedup=None)
    found = held(report(row(), row("int8")), report(row(), failed))
    assert found.exit_code == 3
    assert found.failed == (
        "int8: onnxruntime, latency, batch 1, 1 thread, on pi: no such operator",
    )
    assert (
        held(report(row(), failed), report(row(), row("int8"))).exit_code == 0
    )  # theirs claims none


def test_a_report_of_nothing_tells_nothing() -> None:
    empty = report(row("none", model_sha256=""), variants=[])
    found = held(empty, report())
    assert (found.outcome, found.exit_code, found.rows) == (Replicated.UNTOLD, 4, ())


def test_versions_and_suites_that_differ_are_named() -> None:
    ours = document(row(backend_version="2.0"))
    ours["run"] |= {"effort": "quick", "suite_sha256": "t"}
    found = held(report(row()), report(*ours["rows"], run=ours["run"]))
    assert found.differences == (
        "effort: standard there, quick here", "the file of suite tiny is another one here",
        "onnxruntime: 1.0 there, 2.0 here",
    )  # fmt: skip


def test_a_speed_up_that_its_own_medians_belie_is_named() -> None:
    theirs = report(row(), scaled(row("int8"), "speedup", 1.3))
    found = held(theirs, report(row(), row("int8")))
    assert found.rows[1].notes == (
        "the report says 2.6 times as fast as fp32, and its own medians make it 2",
    )
    assert held(report(), report()).rows[1].notes == ()
