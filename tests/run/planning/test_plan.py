"""Suite x variants x devices -> cells, and skips with reasons."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from benchhub.backends import described
from benchhub.model.asked import EFFORTS, Agreement, ScenarioSpec, Suite, VariantSpec
from benchhub.model.cell import SkipKind, SkipReason, TensorSpec, Variant, without
from benchhub.model.device import DeviceProfile
from benchhub.model.scenario import Scenario
from benchhub.run.planning.plan import plan

ORT, NULL = (described("onnxruntime"),), (described("null"),)
DEVICES = (DeviceProfile("a", "local"), DeviceProfile("b", "local"))


def variant(name: str, batch: int | None = None, format_: str = "onnx") -> Variant:
    tensor = TensorSpec("x", "float32", (batch, 3))
    return Variant(name, Path(name), name * 4, format_, 10, 5, (tensor,), (tensor,))


def suite(*scenarios: ScenarioSpec, backends: tuple[str, ...] = ("onnxruntime",)) -> Suite:
    return Suite(
        name="s", path=Path("s.toml"), task="npz", baseline="fp32", backends=backends,
        variants=tuple(VariantSpec(name) for name in ("fp32", "int8", "lite")),
        scenarios=scenarios, budgets=(), effort="standard",
        data={}, precisions=("f32",), agreement=Agreement(), seed=0,
    )  # fmt: skip


GONE = SkipReason(SkipKind.NO_BACKEND, "not installed")


def test_every_combination_is_a_cell() -> None:
    made = plan(
        suite(ScenarioSpec(Scenario.LATENCY, threads=(1, 2)), ScenarioSpec(Scenario.MEMORY)),
        [variant("fp32"), variant("int8")], DEVICES, ORT, EFFORTS["standard"],
    )  # fmt: skip
    assert len(made.cells) == 2 * 2 * 3
    assert not made.skips
    assert len({cell.key for cell in made.cells}) == len(made.cells)


def test_a_fixed_batch_is_skipped_with_the_reason() -> None:
    made = plan(
        suite(ScenarioSpec(Scenario.THROUGHPUT, batches=(1, 8))),
        [variant("fp32", batch=1)], DEVICES[:1], ORT, EFFORTS["quick"],
    )  # fmt: skip
    assert [cell.batch for cell in made.cells] == [1]
    assert [skip.what for skip in made.skips] == ["throughput batch 8"]
    assert "fixed at batch 1" in made.skips[0].reason.text


def test_a_format_the_backend_cannot_read_is_skipped() -> None:
    made = plan(
        suite(ScenarioSpec(Scenario.LATENCY)),
        [variant("fp32"), variant("lite", format_="tflite")], DEVICES[:1], ORT,
        EFFORTS["quick"],
    )  # fmt: skip
    assert [str(skip.reason) for skip in made.skips] == ["onnxruntime reads onnx, not tflite"]


def test_null_is_measured_once_a_device_whatever_the_variants() -> None:
    made = plan(
        suite(ScenarioSpec(Scenario.LATENCY, threads=(1, 2)), backends=("null",)),
        [variant("fp32"), variant("int8")], DEVICES, NULL, EFFORTS["quick"],
    )  # fmt: skip
    assert [(c.device, c.variant, c.model_sha256) for c in made.cells] == [
        ("a", "none", ""), ("b", "none", ""),
    ]  # fmt: skip


def test_effort_and_the_suite_decide_launches() -> None:
    scenarios = (
        ScenarioSpec(Scenario.LATENCY),
        ScenarioSpec(Scenario.QUALITY),
        ScenarioSpec(Scenario.MEMORY, launches=7),
    )
    made = plan(suite(*scenarios), [variant("fp32")], DEVICES[:1], ORT, EFFORTS["standard"])
    launches = {cell.scenario: cell.launches for cell in made.cells}
    assert launches == {Scenario.LATENCY: 10, Scenario.QUALITY: 1, Scenario.MEMORY: 7}


def test_a_missing_backend_turns_its_cells_into_skips() -> None:
    made = plan(
        suite(ScenarioSpec(Scenario.LATENCY, threads=(1, 2)), ScenarioSpec(Scenario.MEMORY)),
        [variant("fp32")], DEVICES, ORT, EFFORTS["quick"],
    )  # fmt: skip
    less = without(made, "a", "onnxruntime", GONE)
    assert {cell.device for cell in less.cells} == {"b"}
    assert [(s.device, s.scenario, str(s.reason)) for s in less.skips] == [
        ("a", "latency", "not installed"), ("a", "memory", "not installed"),
    ]  # fmt: skip


def test_a_backend_that_nobody_asked_for_is_left_out_without_a_skip() -> None:
    made = plan(
        suite(ScenarioSpec(Scenario.LATENCY, threads=(1, 2))),
        [variant("fp32")], DEVICES, ORT, EFFORTS["quick"],
    )  # fmt: skip
    less = without(made, "a", "onnxruntime", None)
    assert {cell.device for cell in less.cells} == {"b"}
    assert not less.skips


def test_the_key_names_everything_that_matters() -> None:
    cell = plan(
        suite(ScenarioSpec(Scenario.LATENCY)), [variant("fp32")], DEVICES[:1], ORT,
        EFFORTS["quick"],
    ).cells[0]  # fmt: skip
    for change in ({"threads": 9}, {"model_sha256": "x"}, {"device": "z"}, {"options": "{1}"}):
        assert dataclasses.replace(cell, **change).key != cell.key
    assert dataclasses.replace(cell).key == cell.key


def test_a_variant_meant_for_some_backends_is_skipped_on_the_others() -> None:
    both = suite(ScenarioSpec(Scenario.LATENCY), backends=("onnxruntime", "openvino"))
    specs = (VariantSpec("fp32"), VariantSpec("int8", backends=("onnxruntime",)))
    made = plan(
        dataclasses.replace(both, variants=specs), [variant("fp32"), variant("int8")],
        DEVICES[:1], (*ORT, described("openvino")), EFFORTS["quick"],
    )  # fmt: skip
    assert len(made.cells) == 3
    assert [(s.backend, s.variant, str(s.reason)) for s in made.skips] == [
        ("openvino", "int8", "the suite means it for onnxruntime")
    ]


def test_what_was_measured_before_a_backend_went_away_stays_in_the_plan() -> None:
    both = suite(ScenarioSpec(Scenario.LATENCY, batches=(1, 2)))
    made = plan(both, [variant("fp32")], DEVICES[:1], ORT, EFFORTS["quick"])
    first, second = made.cells
    less = without(made, "a", "onnxruntime", GONE, measured={first.key})
    assert less.cells == (first,)
    assert [(skip.backend, str(skip.reason)) for skip in less.skips] == [
        (second.backend, "not installed")
    ]


def test_what_a_backend_does_not_offer_is_skipped_with_the_reason() -> None:
    wanted = dataclasses.replace(
        suite(ScenarioSpec(Scenario.LATENCY), ScenarioSpec(Scenario.PROFILE)),
        precisions=("f32", "tf32", "f16"),
        options={"onnxruntime": {"provider": ["cpu", "cuda"]}},
    )
    made = plan(wanted, [variant("fp32")], DEVICES[:1], ORT, EFFORTS["quick"])
    cuda = '{"provider": "cuda"}'
    measured = {(c.scenario.value, c.precision, c.options == cuda) for c in made.cells}
    assert measured == {
        (name, precision, on_cuda)
        for name in ("latency", "profile")
        for precision, on_cuda in (("f32", False), ("f32", True), ("tf32", True))
    }
    assert {str(skip.reason) for skip in made.skips} == {
        "onnxruntime computes in f32, tf32, not f16; convert the model instead",
        "onnxruntime computes in tf32 only with provider = cuda",
    }
    silent = ORT[0]._replace(profiles=False)
    made = plan(wanted, [variant("fp32")], DEVICES[:1], (silent,), EFFORTS["quick"])
    assert {cell.scenario for cell in made.cells} == {Scenario.LATENCY}
    assert "onnxruntime does not tell what its operators take" in {
        str(s.reason) for s in made.skips
    }


def test_an_option_that_is_not_set_counts_at_its_default() -> None:
    """A precision that the default offers needs nothing to be said."""
    always = ORT[0]._replace(precision_needs={"f32": ("provider", "cpu")})
    wanted = suite(ScenarioSpec(Scenario.LATENCY))
    made = plan(wanted, [variant("fp32")], DEVICES[:1], (always,), EFFORTS["quick"])
    assert (len(made.cells), made.skips) == (1, ())


def test_quality_is_judged_at_every_batch_or_at_the_models_own() -> None:
    quality = ScenarioSpec(Scenario.QUALITY, batches=(1, 8))
    for fixed, cells, skipped in [
        (None, [1, 8], []),
        (1, [1], ["quality batch 8"]),
        (4, [4], ["quality batch 1", "quality batch 8"]),
    ]:
        made = plan(
            suite(quality), [variant("fp32", batch=fixed)], DEVICES[:1], ORT, EFFORTS["quick"]
        )
        assert [cell.batch for cell in made.cells] == cells
        assert [skip.what for skip in made.skips] == skipped


def test_session_options_are_axes_and_those_that_change_nothing_are_skipped() -> None:
    wanted = dataclasses.replace(
        suite(ScenarioSpec(Scenario.LATENCY)),
        options={
            "onnxruntime": {
                "execution_mode": ["sequential", "parallel"],
                "graph_optimization_level": ["basic", "all"],
                "inter_op_threads": [1, 2],
            }
        },
    )
    made = plan(wanted, [variant("fp32")], DEVICES[:1], ORT, EFFORTS["quick"])
    told = [json.loads(cell.options) for cell in made.cells]
    assert [one["graph_optimization_level"] for one in told] == ["basic"] * 1 + ["all"] * 1 + [
        "basic"] * 2 + ["all"] * 2  # fmt: skip
    assert [(one["execution_mode"], one["inter_op_threads"]) for one in told] == [
        ("sequential", 1), ("sequential", 1),
        ("parallel", 1), ("parallel", 2), ("parallel", 1), ("parallel", 2),
    ]  # fmt: skip
    assert len({cell.key for cell in made.cells}) == 6
    assert [(skip.reason.kind, str(skip.reason)) for skip in made.skips] == [
        (
            SkipKind.IDLE_OPTION,
            "onnxruntime: inter_op_threads changes nothing without execution_mode = parallel",
        )
    ]


def test_options_that_are_not_set_are_not_in_a_cell() -> None:
    """So cells keep their keys when a backend gets another option."""
    made = plan(
        suite(ScenarioSpec(Scenario.LATENCY)), [variant("fp32")], DEVICES[:1], ORT, EFFORTS["quick"]
    )
    assert [cell.options for cell in made.cells] == ["{}"]


def test_what_runtimes_here_cannot_load_is_left_to_other_devices() -> None:
    lacking = {("fp32", "onnxruntime"): SkipReason(SkipKind.UNREADABLE, "no operator Foo")}
    devices = (
        DeviceProfile("here", "local"),
        DeviceProfile("own-python", "local", python="/opt/python3.12"),
        DeviceProfile("board", "ssh", host="board"),
    )
    made = plan(
        suite(ScenarioSpec(Scenario.LATENCY)), [variant("fp32"), variant("int8")], devices, ORT,
        EFFORTS["quick"], unreadable=lacking,
    )  # fmt: skip
    assert [(skip.device, skip.variant, skip.reason) for skip in made.skips] == [
        ("here", "fp32", lacking["fp32", "onnxruntime"])
    ]
    assert {cell.device for cell in made.cells if cell.variant == "fp32"} == {"own-python", "board"}
