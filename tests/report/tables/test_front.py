"""Noise is not ranked: what is alike is told as a tie, what differs is told apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from rows import make_row

from benchhub.model.device import DeviceInfo
from benchhub.model.facts import Facts
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.row import Results, Row
from benchhub.report.tables.conclude import conclusions
from benchhub.report.tables.front import (
    front,
    shown_faster,
    time_ratio,
    undecided,
)
from benchhub.report.tables.points import Configuration, points
from benchhub.stats.interval import launches_to_tell


def row(
    variant: str,
    medians: np.ndarray | list[float] = (),
    loss: tuple[float, float, float] | None = None,
    **changes: object,
) -> Row:
    """A latency row whose launches have these medians, in rounds; its loss with its limits."""
    times = np.asarray(medians, dtype=float)
    told: dict[str, object] = {"device": "d", "variant": variant, "launches": times.size}
    if times.size:
        middle, spread = float(np.median(times)), 3 * float(times.std())
        told |= {"p50_ms": middle, "p50_low_ms": middle - spread, "p50_high_ms": middle + spread}
    if loss is not None:
        told |= dict(zip(("quality_loss", "quality_loss_low", "quality_loss_high"), loss,
                         strict=True))  # fmt: skip
        told |= {"quality_metric": "accuracy", "quality_cases": 240}
    made = make_row(**(told | changes))
    return dataclasses.replace(made, medians_ms=tuple(enumerate(times.tolist())))


def baseline(medians: np.ndarray) -> Row:
    """The row of the baseline, whose loss is 0 by definition."""
    made = row("fp32", medians, (0.0, 0.0, 0.0))
    assert made.quality is not None
    return dataclasses.replace(
        made, quality=dataclasses.replace(made.quality, method=BY_DEFINITION)
    )


def named(found: list[Configuration]) -> list[str]:
    """The variants of configurations, in their order."""
    return [point.row.variant for point in found]


def said(rows: list[Row]) -> str:
    """What a report concludes of device `d`."""
    from builders import make_run

    info = DeviceInfo("d", "local", emulated=False, facts=Facts({}))
    results = Results(make_run(), (info,), tuple(rows), (), (), ())
    return " ".join(conclusions(results)[0].sentences)


def alike(rng: np.random.Generator, count: int, launches: int = 10) -> list[Row]:
    """Variants of one speed: rounds drift together, and every launch has a level of its own."""
    drift = np.exp(np.cumsum(rng.normal(0, 0.02, launches)))
    return [
        row(f"v{index}", 10 * drift * np.exp(rng.normal(0, 0.015, launches)), (0.01, 0.0, 0.02))
        for index in range(count)
    ]


@pytest.mark.parametrize(("variants", "launches"), [(2, 5), (2, 10), (2, 25), (4, 10)])
def test_of_what_is_alike_one_is_named_the_fastest_in_5_of_100(variants, launches) -> None:
    """1,500 repeats: at a chance of 5 %, more than 102 of them has one of 1e-3 (binomial)."""
    rng = np.random.default_rng(12 + variants + launches)
    alarms = 0
    for _ in range(1500):
        rows = alike(rng, variants, launches)
        best, *rest = sorted(rows, key=lambda one: one["p50_ms"].value or 0)
        alarms += all(shown_faster(best, other) for other in rest)
    assert alarms <= 102


def test_a_fifth_is_seen_through_a_drift_that_hides_it_from_the_intervals() -> None:
    rng = np.random.default_rng(1)
    seen = 0
    for _ in range(200):
        one, other = alike(rng, 2)
        slower = row("slow", [1.2 * value for _, value in other.medians_ms])
        seen += shown_faster(one, slower)
    assert seen >= 198


def test_the_words_say_a_tie_and_what_would_tell() -> None:
    rng = np.random.default_rng(5)
    level = np.exp(rng.normal(0, 0.01, 10))
    rows = [row("a", 10 * level), row("b", 10.05 * np.exp(rng.normal(0, 0.02, 10)))]
    text = said(rows)
    assert "Which is fastest cannot be told: no difference is shown to " in text
    assert " times as long" in text
    clear = said([row("a", 10 * level), row("b", 12 * level)])
    assert "the lowest median latency is a on " in clear
    assert "cannot be told" not in clear


def test_the_launches_that_would_tell_do_tell() -> None:
    """Ten launches leave 2 % open; as many as it says show it in most repeats."""
    rng = np.random.default_rng(3)

    def pair(count: int) -> tuple[Row, Row]:
        return tuple(
            row(name, level * np.exp(rng.normal(0, 0.02, count)))
            for name, level in (("a", 10.0), ("b", 10.2))
        )

    def to_tell(one: Row, other: Row) -> int | None:
        ratio = time_ratio(one, other)
        assert ratio is not None
        return launches_to_tell(ratio)

    wanted = [to_tell(*reversed(pair(10))) for _ in range(200)]
    usual = int(np.median([count or 400 for count in wanted]))
    assert 10 < usual < 100
    shown = sum(shown_faster(*pair(4 * usual)) for _ in range(100))
    assert shown >= 90
    assert to_tell(row("a", [1, 1, 1]), row("b", [1, 1, 1])) is None
    assert time_ratio(row("a"), row("b")) is None


def test_a_loss_that_noise_explains_puts_no_slow_variant_on_the_front() -> None:
    level = np.exp(np.random.default_rng(2).normal(0, 0.01, 10))
    rows = [
        row("fast", 5 * level, (0.001, -0.004, 0.006)),
        row("slow", 10 * level, (-0.0042, -0.0177, 0.0125)),
        row("worse", 4 * level, (0.08, 0.06, 0.10)),
        row("ruined", 6 * level, (0.3, 0.2, 0.4)),
    ]
    assert named(front(points(rows))) == ["worse", "fast"]
    (left,) = undecided(points(rows))
    assert (left.point.row.variant, left.faster.row.variant) == ("slow", "fast")
    # Half-widths .0151 and .005 against a gap of .0052: 240 cases times their ratio squared.
    assert left.cases == pytest.approx(240 * ((0.0151 + 0.005) / 0.0052) ** 2, rel=0.1)
    text = said(rows)
    assert "Best trade-offs by their intervals, loss in accuracy: worse on " in text
    assert "Not told apart in quality: slow on " in text
    assert "cases would tell" in text


def test_the_baseline_stays_where_what_is_faster_is_shown_to_lose() -> None:
    level = np.exp(np.random.default_rng(2).normal(0, 0.01, 10))
    lossy = row("int8", 5 * level, (0.01, 0.004, 0.016))
    assert named(front(points([baseline(10 * level), lossy]))) == ["int8", "fp32"]
    free = row("fp16", 5 * level, (0.0002, -0.001, 0.0014))
    assert named(front(points([baseline(10 * level), free]))) == ["fp16"]
    twin = row("twin", 10 * level[::-1], (0.0002, -0.001, 0.0014))
    assert set(named(front(points([baseline(10 * level), twin])))) == {"fp32", "twin"}


def test_equal_speed_and_a_loss_that_is_shown_is_beaten() -> None:
    level = np.exp(np.random.default_rng(4).normal(0, 0.01, 10))
    other = np.exp(np.random.default_rng(6).normal(0, 0.01, 10))
    rows = [row("good", 10 * level, (0.0, -0.01, 0.01)), row("bad", 10 * other, (0.1, 0.08, 0.12))]
    assert not shown_faster(rows[0], rows[1])
    assert not shown_faster(rows[1], rows[0])
    assert named(front(points(rows))) == ["good"]


def test_what_has_no_interval_is_a_tie() -> None:
    rows = [
        row("a", [10.0], (0.0, 0.0, 0.0)),
        row("b", [5.0], (0.1, float("-inf"), float("inf"))),
    ]
    assert time_ratio(rows[0], rows[1]) is not None
    assert not shown_faster(rows[1], rows[0])
    assert set(named(front(points(rows)))) == {"a", "b"}
    bare = [
        make_row(device="d", variant=name, p50_ms=value) for name, value in (("a", 1), ("b", 9))
    ]
    assert not shown_faster(bare[0], bare[1])
    assert time_ratio(bare[0], bare[1]) is None


def test_launches_without_a_common_round_are_held_against_each_other() -> None:
    level = np.exp(np.random.default_rng(4).normal(0, 0.01, 10))
    one = row("a", 10 * level)
    late = dataclasses.replace(
        row("b", 12 * level),
        medians_ms=tuple((100 + n, 12 * value) for n, value in enumerate(level.tolist())),
    )
    ratio = time_ratio(late, one)
    assert ratio is not None
    assert ratio.method == "rank-sum"
    assert ratio.estimate == pytest.approx(1.2, rel=0.02)
    assert shown_faster(one, late)
