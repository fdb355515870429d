"""One choice for several devices, of answers made by hand."""

from __future__ import annotations

from builders import make_budget, make_device
from choices import latency
from rows import changed

from benchhub.results.recommend.answer import DeviceAnswer
from benchhub.results.recommend.choose import choose
from benchhub.results.recommend.for_all import one_for_all


def on(device: str, **p95: float) -> DeviceAnswer:
    rows = [changed(latency(name, ms), device=device) for name, ms in p95.items()]
    return choose(make_device(device), rows, [make_budget("edge", latency_p95_ms=10.0)], "p50_ms")


def test_no_device_has_no_choice() -> None:
    assert one_for_all([], "p50_ms").why == "no device was measured"


def test_what_is_undecided_somewhere_may_be_the_one() -> None:
    """b costs 1.96 times the best where it lies at the limit, a 2.5 times it on the other."""
    found = one_for_all([on("here", a=5.0, b=2.0), on("there", a=5.0, b=9.8)], "p50_ms")
    assert (found.setting, found.undecided) == (
        "a on onnxruntime, 1 thread", ("b on onnxruntime, 1 thread",)
    )  # fmt: skip


def test_settings_that_are_known_on_one_device_each_are_none_for_all() -> None:
    found = one_for_all([on("here", a=5.0), on("there", b=5.0)], "p50_ms")
    assert (found.setting, found.undecided) == ("", ())
    assert found.why == "no setting is known to keep all limits on every device"


def test_of_many_devices_without_a_choice_three_are_named() -> None:
    slow = [on(f"d{number}", a=9.8) for number in range(9)]
    assert one_for_all(slow, "p50_ms").why.startswith("on d0, d1, d2, 6 more nothing is known")
