"""What is recommended of one device, of rows made by hand."""

from __future__ import annotations

import pytest
from builders import make_budget
from choices import DEVICE, chosen, latency, names, quality
from rows import make_row

from benchhub.model.flag import Flag, FlagKind
from benchhub.model.row import Row
from benchhub.model.scenario import VerdictOutcome as Outcome
from benchhub.results.recommend.answer import Advice
from benchhub.results.recommend.choose import choose
from benchhub.stats.looks import ALPHA
from benchhub.stats.widened import widening


def test_the_fastest_that_keeps_every_limit_is_shipped() -> None:
    found = chosen(
        latency("fp32", 10.0), quality("fp32", 0.0, 0.0001),
        latency("fp16", 6.0), quality("fp16", 0.001, 0.002),
        latency("int8", 3.0), quality("int8", 0.05, 0.08, quality_loss_low=0.03),
        quality_loss_max=0.01, latency_p95_ms=20.0,
    )  # fmt: skip
    assert found.kind is Advice.OPEN  # of int8's loss the lower limit is not known to break it
    assert found.pick is not None
    assert found.pick.row.variant == "fp16"
    assert names(found.rivals) == ["int8"]
    assert found.runner_up is not None
    assert found.runner_up.candidate.row.variant == "fp32"
    assert found.runner_up.ratio == pytest.approx(10 / 6, rel=0.02)


def test_what_breaks_a_limit_is_no_rival() -> None:
    slow = latency("fp32", 10.0), latency("int8", 3.0)
    lossy = make_row(
        device="pi", variant="int8", scenario="quality", cell="q", quality_loss=0.05, launches=1,
        intervals={"quality_loss": {"low": 0.03, "high": 0.07, "upper_one_sided": 0.065}},
    )  # fmt: skip
    found = chosen(*slow, quality("fp32", 0.0, 0.001), lossy, quality_loss_max=0.01)
    assert (found.kind, found.rivals) == (Advice.SHIP, ())
    assert found.pick is not None
    assert found.pick.row.variant == "fp32"


def test_what_cannot_be_told_apart_is_a_tie() -> None:
    found = chosen(latency("a", 5.0, noise=0.2), latency("b", 5.8, noise=0.2), latency("c", 20.0))
    assert (found.kind, names(found.ties)) == (Advice.TIE, ["b"])
    assert found.ties[0].launches is not None
    assert found.runner_up is not None
    assert found.runner_up.candidate.row.variant == "c"


def test_what_is_within_the_margin_is_as_good() -> None:
    """The pick is the faster of two that are known to be 1 % apart, and nothing is open."""
    found = chosen(latency("a", 5.0, noise=0.001), latency("b", 5.05, noise=0.001))
    assert (found.kind, found.ties) == (Advice.SHIP, ())


def test_a_limit_that_is_kept_alone_may_not_be_kept_as_one_of_many() -> None:
    few = [latency("fp32", 9.0), quality("fp32", 0.0, 0.0001)]
    close = [latency("int8", 3.0), quality("int8", 0.004, 0.0095)]
    alone = chosen(*close, quality_loss_max=0.01)
    assert alone.kind is Advice.SHIP
    found = chosen(*few, *close, quality_loss_max=0.01)
    (held,) = found.rivals[0].candidate.by_limit
    assert (held.verdict.outcome, held.outcome) == (Outcome.PASS, Outcome.INCONCLUSIVE)
    assert held.worst == pytest.approx(0.004 + 0.0055 * widening(2, 200, 0.90))
    assert "as one of 2 that were looked at" in held.reason
    assert found.kind is Advice.OPEN


def test_percentiles_are_moved_out_look_by_look() -> None:
    rows = [latency(name, 10.0) for name in "abcdefgh"]
    high = 10.0 * 1.05 ** widening(8, 10, 1 - 2 * ALPHA)
    assert chosen(*rows, latency_p95_ms=high * 1.001).pick is not None
    found = chosen(*rows, latency_p95_ms=high * 0.999)
    assert found.kind is Advice.UNDECIDED
    assert {one.outcome for one in found.candidates} == {Outcome.INCONCLUSIVE}


def test_where_all_break_a_limit_the_nearest_miss_is_named() -> None:
    def slow(variant: str, ms: float) -> Row:
        look = {"launches": 10, "iterations": 2000, "estimate": ms, "low": ms * 0.9,
                "high": ms * 1.1, "n_eff": 100.0}  # fmt: skip
        return make_row(
            device="pi", variant=variant, p50_ms=ms, p95_ms=ms, launches=10, cell=variant,
            intervals={"p95_ms": {"low": ms * 0.9, "high": ms * 1.1, "looks": [look]}},
        )  # fmt: skip

    found = chosen(slow("fp32", 30.0), slow("int8", 20.0), latency_p95_ms=5.0)
    assert found.kind is Advice.NONE
    assert found.nearest is not None
    assert found.nearest.row.variant == "int8"
    assert "breaks it" in found.why


def test_settings_that_a_limit_leaves_out_are_no_candidates() -> None:
    rows = [latency("int8", 5.0), latency("int8", 3.0, threads=2)]
    one = make_budget("ward", latency_p95_ms=20.0, threads=(1,))
    found = choose(DEVICE, rows, [one], "p50_ms")
    assert [of.row.threads for of in found.candidates] == [1]
    both = choose(DEVICE, rows, [make_budget("ward", latency_p95_ms=20.0)], "p50_ms")
    assert both.pick is not None
    assert both.pick.row.threads == 2


def test_calls_of_other_sizes_are_no_alternatives() -> None:
    rows = [latency("int8", 5.0), latency("int8", 3.0, batch=8, threads=2)]
    found = chosen(*rows)
    assert [of.row.batch for of in found.candidates] == [1]


@pytest.mark.parametrize(("kind", "told"), [(FlagKind.DRIFT, True), (FlagKind.THROTTLED, False)])
def test_doubts_that_a_round_shares_leave_the_comparison(kind: FlagKind, told: bool) -> None:
    found = chosen(latency("a", 5.0), latency("b", 9.0, flags=(Flag(kind, "seen"),)))
    assert found.kind is (Advice.SHIP if told else Advice.TIE)
    if not told:
        assert found.ties[0].doubt == "throttled: seen"


@pytest.mark.parametrize("kind", [FlagKind.NO_STEADY_STATE, FlagKind.THROTTLED])
def test_a_doubt_of_speed_leaves_open_what_it_could_turn_around(kind: FlagKind) -> None:
    def held(slow: float, of: FlagKind = kind) -> Advice:
        flagged = latency("b", slow, flags=(Flag(of, "seen"),))
        return chosen(latency("a", 5.0), flagged).kind

    assert (held(12.0), held(20.0)) == (Advice.TIE, Advice.SHIP)
    assert held(20.0, FlagKind.COARSE_CLOCK) is Advice.TIE


def test_nothing_is_said_where_nothing_was_measured() -> None:
    failed = latency("a", 5.0, status="failed", reason="out of memory")
    found = chosen(failed)
    assert (found.kind, found.pick) == (Advice.NOTHING, None)
    assert found.why == "no cell finished; a on onnxruntime: out of memory"
    assert chosen(quality("a", 0.0, 0.001)).why == "p50_ms was not measured"


def test_wrong_outputs_are_never_shipped() -> None:
    garbage = Flag(FlagKind.GARBAGE, "1.4 from the reference")
    found = chosen(
        latency("fp32", 9.0), quality("fp32", 0.0, 0.001),
        latency("int8", 3.0), quality("int8", 0.0, 0.001, flags=(garbage,)),
        quality_loss_max=0.01,
    )  # fmt: skip
    assert found.kind is Advice.SHIP
    assert found.pick is not None
    assert found.pick.row.variant == "fp32"


def test_wrong_outputs_are_not_shipped_without_any_limit_either() -> None:
    garbage = Flag(FlagKind.GARBAGE, "1.4 from the reference")
    found = chosen(
        latency("fp32", 9.0), latency("int8", 3.0), quality("int8", 0, 1, flags=(garbage,))
    )
    assert found.pick is not None
    assert found.pick.row.variant == "fp32"
