from __future__ import annotations

from dataclasses import replace

from rows import changed
from synthetic import results

from benchhub.model.flag import Flag, FlagKind
from benchhub.model.row import Results, Row
from benchhub.model.scenario import VerdictOutcome
from benchhub.report.tables.conclude import conclusions, overall
from benchhub.report.tables.front import front, losses, shown_faster
from benchhub.report.tables.points import overlap, points


def _said(source: Results, device: str = "raspberry-pi-4") -> str:
    return " ".join(next(c.sentences for c in conclusions(source) if c.device == device))


def _fastest(source: Results) -> Row:
    rows = [p.row for p in points(source.rows) if p.row.device == "raspberry-pi-4"]
    return min(rows, key=lambda row: row["p50_ms"].value or 0)


def test_names_the_fastest_that_keeps_the_budget() -> None:
    source = results()
    best = _fastest(source)
    assert f"the lowest median latency is {best.variant} on {best.backend}" in _said(source)
    assert "keep all budgets" in _said(source)


def test_a_budget_for_one_thread_says_nothing_of_two() -> None:
    source = results(hostile=False)
    kept = [
        replace(v, outcome=VerdictOutcome.PASS)
        for v in source.verdicts
        if v.device == "raspberry-pi-4"
    ]
    latency = [v for v in kept if v.threads == 1]
    memory = [replace(v, column="peak_rss_mib") for v in kept]
    said = _said(replace(source, verdicts=(*latency, *memory)))
    assert said.startswith(
        "8 of 16 configurations keep all budgets (8 are not covered by every budget). "
        "Of these, the lowest median latency is int8-static on openvino with 1 thread ("
    )


def test_the_null_backend_is_the_overhead_and_no_candidate() -> None:
    source = results(hostile=False)
    said = _said(source)
    assert said.count("null") == 1
    assert "Harness overhead: null backend p50 0.071 µs a call." in said
    assert all(point.row.variant != "none" for point in points(source.rows))


def test_overlapping_intervals_cannot_be_told() -> None:
    source = results(hostile=False)
    assert "Which is fastest cannot be told" not in _said(source)
    rows = [
        changed(row, p50_low_ms=0.0, p50_high_ms=1e6) if row["p50_ms"].value is not None else row
        for row in source.rows
    ]
    assert "Which is fastest cannot be told" in _said(replace(source, rows=tuple(rows)))


def test_an_interval_that_is_missing_overlaps() -> None:
    row = _fastest(results())
    other = changed(row, p50_ms=1e6, p50_low_ms=None)
    assert overlap(row, other)
    assert not overlap(row, changed(row, p50_low_ms=1e6, p50_high_ms=1e7))


def test_emulated_devices_are_not_ranked() -> None:
    said = _said(results(), "emulated-arm64")
    assert "emulated time" in said
    assert "lowest" not in said


def test_garbage_that_runs_fast_is_left_out() -> None:
    source = results(hostile=False)
    best = _fastest(source)
    far = changed(best, flags=(Flag(FlagKind.GARBAGE, "relative difference 1.2"),))
    source = replace(source, rows=tuple(far if row is best else row for row in source.rows))
    assert _said(source).startswith("Left out, because the outputs disagree with the baseline's: ")
    assert not any(point.row is far for point in front(points(source.rows)))


def test_no_budget_and_no_pass() -> None:
    source = results()
    assert "No budget applies" in _said(replace(source, verdicts=()))
    failed = tuple(replace(v, outcome=VerdictOutcome.FAIL) for v in source.verdicts)
    said = _said(replace(source, verdicts=failed))
    assert "None of 16 configurations is shown to keep all budgets (16 break one)." in said


def test_what_was_measured_and_withheld_is_not_said_to_be_unmeasured() -> None:
    source = results()
    hidden = {"p50_ms": "its outputs are garbage"}
    rows = tuple(
        changed(row, withheld=hidden) if row["p50_ms"].value else row for row in source.rows
    )
    assert _said(replace(source, rows=rows)).startswith(
        "Latency was measured and is withheld (its outputs are garbage), so nothing can be ranked."
    )
    untimed = tuple(row for row in source.rows if row.scenario != "latency")
    assert _said(replace(source, rows=untimed)).startswith("No latency was measured, so nothing")


def test_lost_device_says_why() -> None:
    assert _said(results(), "board-7").startswith("Not measured: no route")


def test_overall_is_what_the_gate_answers() -> None:
    source = results()
    assert overall([source]) == "ERROR"  # a device was lost
    assert overall([replace(source, verdicts=())]) == "NO BUDGETS"
    sound = replace(
        source,
        rows=tuple(row for row in source.rows if row.status != "failed"),
        devices=tuple(device for device in source.devices if not device.error),
    )
    assert overall([sound]) == "FAIL"
    kept = tuple(v for v in source.verdicts if v.outcome is not VerdictOutcome.FAIL)
    assert overall([replace(sound, verdicts=kept)]) == "INCONCLUSIVE"
    passed = tuple(v for v in source.verdicts if v.outcome is VerdictOutcome.PASS)
    assert overall([replace(sound, verdicts=passed)]) == "PASS"
    assert overall([replace(sound, verdicts=passed, unjudged=("edge",))]) == "INCONCLUSIVE"


def test_front_is_not_beaten_by_anything() -> None:
    found = [p for p in points(results().rows) if p.row.device == "raspberry-pi-4"]
    best = front(found)
    assert best
    for point in best:
        mine = losses(point)
        assert mine is not None
        for other in found:
            theirs = losses(other)
            assert theirs is not None
            if shown_faster(other.row, point.row):
                assert theirs.low > mine.high  # it is shown to lose more


def test_where_another_batch_was_judged_speed_is_not_weighed_and_it_says_so() -> None:
    source = results(hostile=False)
    why = "quality was not measured at batch 1 (but at 8)"
    rows = [
        replace(row, quality=None, unjudged={"": why})
        if row.scenario != "quality"
        else replace(row, batch=8)
        for row in source.rows
    ]
    said = _said(replace(source, rows=tuple(rows)))
    assert f"Speed cannot be weighed against loss of quality: {why}." in said
    rows = [replace(row, quality=None) for row in source.rows]
    assert "quality: it was not measured." in _said(replace(source, rows=tuple(rows)))
