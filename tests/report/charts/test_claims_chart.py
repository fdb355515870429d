"""The chart of what compression buys and costs: drawn for runs with claims, from their rows."""

from __future__ import annotations

import dataclasses

from claim_runs import emulated, judged, run_of, timed, variant

from benchhub.model.claim import ClaimAnswer, ClaimOutcome
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.row import Results, Row
from benchhub.report.charts import drawn as charts
from benchhub.report.charts.compression import compression

CLAIM = ClaimAnswer("c", "t", "s", None, None, None, ClaimOutcome.UNTOLD, "no GPU")


def pruned() -> list[Row]:
    rows = [timed("fp32", 10.0), judged("fp32", 0.0)]
    for family in ("layer", "network"):
        for ratio in (2, 16):
            name = f"{family}-{ratio}"
            rows.append(timed(name, 9.9, compression_params=float(ratio)))
            rows.append(judged(name, ratio / 1000, compression_params=float(ratio)))
    return rows


def run(rows: list[Row]) -> Results:
    return run_of(rows, [variant(name) for name in dict.fromkeys(row.variant for row in rows)])


def test_it_is_drawn_for_runs_with_claims_only(native: None) -> None:
    plain = run(pruned())
    assert "compression" not in charts.specs([plain])
    made = charts.specs([dataclasses.replace(plain, claims=(CLAIM,))])
    assert "<svg" in charts.to_svg(made["compression"])


def drawn(rows: list[Row]) -> tuple[list[set[str]], set[float], set[float]]:
    """The labels of each panel, and the ratios and figures that points stand at."""
    spec = compression(rows).to_dict()
    panels = spec["vconcat"][0]["concat"]
    labels, ratios, figures = [], set(), set()
    for panel in panels:
        data = [spec["datasets"][layer["data"]["name"]] for layer in panel["layer"]]
        labels.append({one["text"] for items in data for one in items if "text" in one})
        ratios |= {one["x"] for items in data for one in items if "said" in one}
        figures |= {one["y"] for items in data for one in items if "said" in one}
    return labels, ratios, figures


def test_a_line_a_family_and_every_figure() -> None:
    labels, ratios, figures = drawn(pruned())
    assert labels == [{"layer", "network"}] * 2  # of speed-up and of loss
    assert ratios == {2, 16}
    assert figures == {0.002, 0.016} | {row["speedup"].value for row in pruned()} - {1.0, None}


def test_emulated_devices_have_losses_and_no_speed_up() -> None:
    assert drawn([emulated(row) for row in pruned()])[2] == {0.002, 0.016}


def test_nothing_to_draw() -> None:
    assert compression([]) is None
    assert compression([timed("fp32", 10.0), timed("same", 10.0, compression_params=1.0)]) is None
    far = (Flag(FlagKind.GARBAGE, "far off"),)
    assert compression([dataclasses.replace(row, flags=far) for row in pruned()]) is None
