"""What a failed cell asks for: what helps by how it failed, and no second try that cannot help."""

from __future__ import annotations

import pytest
from builders import make_budget
from rows import make_row

from benchhub.model.asked import Suite
from benchhub.model.facts import Provenance
from benchhub.model.scenario import Scenario
from benchhub.results.verdicts.after_failure import DEADLINE_S, after_failure, lasting
from benchhub.results.verdicts.judge import judge

#: As ONNX Runtime says it of weights that were quantized channel by channel.
ZERO_POINT = "IsBQuantParamSupported(..) was false. MatmulInteger : b zero point is not valid"


def failed(reason: str, **changes: object):
    """A failed row."""
    return make_row(status="failed", reason=reason, **changes)


@pytest.mark.parametrize(
    ("reason", "changes", "said", "again"),
    [
        ("time: deadline: not done after 5 s; killed", {}, "raise deadline_s in [suite]", True),
        ("time: deadline: killed", {"of_suite": False}, "a launch has 120 s", False),
        ("load: deadline: killed", {"of_suite": False, "threads": 9999},
         "as many threads as there are cores", False),
        ("import: missing: tflite cannot be imported", {"device": "pi"},
         "benchhub devices provision pi", True),
        (f"first: raised: Fail: {ZERO_POINT}", {"recipe": "int8-dynamic", "variant": "q"},
         "set per_channel = false in the recipe of q", False),
        (f"first: raised: Fail: {ZERO_POINT}", {"variant": "q"},
         "quantize q with one scale a tensor, or leave onnxruntime", False),
        ("load: raised: bad file", {"recipe": "int8-static"}, "fix the cause", True),
        ("load: unsupported: no Foo", {"variant": "v"}, "change v, or leave onnxruntime", False),
        ("load: unsupported: no Foo", {"of_suite": False}, "name another backend", False),
        ("outputs: shape: (1, 2) is not (1, 3)", {}, "it would fail again as it is", False),
        ("time: crashed: signal 11", {}, "fix the cause", True),
        ("no cause given", {}, "fix the cause", True),
    ],
)  # fmt: skip
def test_the_step_is_of_the_kind_of_failure(reason, changes, said, again) -> None:
    step = after_failure(failed(reason, **changes))
    assert said in step
    assert ("--rerun-failed" in step) is again


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("load: raised: x", True), ("first: raised: x", True), ("time: raised: x", False),
     ("time: deadline: x", False), ("load: unsupported: x", True), ("time: crashed: x", False),
     ("link: link: x", False), ("no cause given", False)],
)  # fmt: skip
def test_what_would_fail_again_is_known(reason, expected) -> None:
    assert lasting(failed(reason)) is expected


def test_the_deadline_that_is_named_is_the_suites_own_default() -> None:
    fields = {field: Suite.__dataclass_fields__[field].default for field in ("deadline_s",)}
    assert fields["deadline_s"] == DEADLINE_S


@pytest.mark.parametrize(
    ("left_out", "step"),
    [((), "add [scenarios.quality] to the suite"),
     (("quality", "memory"), "run with --scenario quality as well")],
)  # fmt: skip
def test_a_scenario_that_is_there_is_not_to_be_added(left_out, step) -> None:
    row = make_row(p50_ms=1.0, launches=10, left_out=left_out)
    (verdict,) = judge([row], [make_budget(quality_loss_max=0.01)])
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.next_step.startswith(step)


def test_what_a_run_was_narrowed_down_without_is_read_back() -> None:
    assert Provenance({}).left_out == ()
    left = Provenance({"scenarios_left_out": "quality memory"}).left_out
    assert left == (Scenario.QUALITY, Scenario.MEMORY)
