"""Which configurations nothing beats, in time and in quality at once."""

from __future__ import annotations

from rows import make_row

from benchhub.model.flag import Flag, FlagKind
from benchhub.report.tables.front import front as front_of
from benchhub.report.tables.points import comparable, points


def point(variant, p50_ms, loss, **changes):
    values = {"device": "d", "backend": "b", "variant": variant, "p50_ms": p50_ms}
    if p50_ms is not None:
        values |= {"p50_low_ms": 0.99 * p50_ms, "p50_high_ms": 1.01 * p50_ms}
    if loss is not None:
        values |= {"quality_loss": loss, "quality_loss_low": loss - 1e-3}
        values |= {"quality_loss_high": loss + 1e-3}
    return make_row(**(values | changes))


def front(rows):
    found = front_of(comparable(points(rows)))
    return {(one.row.device, one.row.backend, one.row.variant) for one in found}


def test_the_front_has_what_nothing_beats():
    rows = [
        point("fp32", 10, 0.0),
        point("fp16", 8, 0.0),
        point("int8", 4, 0.02),
        point("int8-bad", 5, 0.03),
        point("failed", None, 0.0, status="failed"),
        point("garbage", 1, 0.0, flags=(Flag(FlagKind.GARBAGE, "x"),)),
        point("unjudged", 1, None),
        point("unmeasured", None, 0.0),
        point("throughput", 1, -1.0, scenario="throughput"),
    ]
    assert front(rows) == {("d", "b", "fp16"), ("d", "b", "int8")}


def test_a_choice_has_its_best_threads_and_devices_do_not_compete():
    rows = [
        point("fp32", 10, 0.0),
        point("fp32", 3, 0.0, threads=2),
        point("int8", 4, 0.02),
        point("int8", 99, 0.02, device="slow"),
        point("twin", 3, 0.0),
    ]
    assert front(rows) == {("d", "b", "fp32"), ("d", "b", "twin"), ("slow", "b", "int8")}


def test_emulated_devices_are_on_no_front():
    rows = [point("fp32", 10, 0.0), point("fp32", 1, 0.0, device="vm", emulated=True)]
    assert front(rows) == {("d", "b", "fp32")}


def test_larger_batches_do_not_compete():
    rows = [point("fp32", 10, 0.0), point("int8", 4, 0.1), point("fp16", 5, 0.0, batch=8)]
    assert front(rows) == {("d", "b", "fp32"), ("d", "b", "int8")}


def test_a_configuration_is_named_with_what_it_has_of_the_settings_that_vary():
    hinted = [point("fp32", 9, 0.0, options=f"hint={hint}") for hint in ("fast", "slow")]
    assert [one.label for one in points([point("fp32", 10, 0.0, backend="o"), *hinted])] == [
        "fp32 on o with 1 thread",
        "fp32 on b with 1 thread, hint=fast",
        "fp32 on b with 1 thread, hint=slow",
    ]
