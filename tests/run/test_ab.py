"""An A/B as a run of two cells, on a device that follows a script."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from builders import make_cell, make_device, make_launch, make_plan, make_run, make_variant
from onnx import TensorProto, helper, numpy_helper
from scripted import Board, BoardSession, Diary, Record, work

from benchhub.cli.show.ab import exit_code, plain
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.cell import TensorSpec
from benchhub.model.device import DeviceProfile
from benchhub.model.launch import Launch
from benchhub.model.request import ABRequest
from benchhub.ondevice.wire import Failure, Job, Outcome
from benchhub.results.compare.ab import look
from benchhub.results.load_ab import _difference, compare_sides
from benchhub.run.ab import make_ab, until_decided
from benchhub.run.inputs.given import given_inputs
from benchhub.stats.paired_ab import ABChange
from benchhub.store import Store

A = make_cell(device="board", variant="a", launches=10, iterations=60)
B = make_cell(device="board", variant="b", launches=10, iterations=60)
REQUEST = ABRequest(suite="ab", devices=("board",), backends=("onnxruntime",))

#: (cell's key, launch's index) -> samples, or None for a launch that fails.
Times = Callable[[str, int], Array | None]


@dataclass
class Meter(Board):
    """A device whose launches take the times that it is told to take."""

    times: Times = field(kw_only=True)

    def connect(self, profile: DeviceProfile) -> BoardSession:
        return MeterSession(self)


class MeterSession(BoardSession):
    def __init__(self, board: Meter) -> None:
        super().__init__(board)
        self._times = board.times

    def expects(self, left_s: float) -> int:
        return 0

    def launch(self, job: Job, **_more: Any) -> Outcome:
        samples = self._times(job.cell, job.launch)
        if samples is None:
            outcome = Outcome(status="failed")
            outcome.failure = Failure("time", "raised", "a fault")
            return outcome
        outcome = Outcome(status="finished")
        outcome.samples_ns.extend(samples.tolist())
        return outcome


def times(slower: float, noise: float = 0.005) -> Times:
    """Milliseconds with noise of launches; B takes `slower` times as long."""

    def sample(cell: str, index: int) -> Array:
        rng = np.random.default_rng([index, cell == B.key])
        centre = 1e6 * (slower if cell == B.key else 1.0) * np.exp(noise * rng.standard_normal())
        return (centre * np.exp(0.02 * rng.standard_normal(60))).astype(np.int64)

    return sample


def measured(sample: Times) -> list[Launch]:
    whole = dataclasses.replace(work((A, B)), more=until_decided(A.key, B.key, REQUEST))
    return Record().measured(whole, Meter(times=sample).connect, Diary(), (0.01,))


def decided(launches: list[Launch]) -> ABChange | None:
    sides = [[one.samples_ns for one in launches if one.cell == cell] for cell in (A, B)]
    return look(sides[0], sides[1], REQUEST, final=True)[0].change


def test_a_clear_difference_ends_after_the_first_look() -> None:
    launches = measured(times(1.05))
    assert len(launches) == 20
    assert decided(launches) is ABChange.REGRESSED
    assert decided(measured(times(1 / 1.05))) is ABChange.IMPROVED


def test_the_same_times_are_equivalent() -> None:
    launches = measured(times(1.0))
    assert decided(launches) is ABChange.EQUIVALENT
    assert len(launches) in (20, 40, 80)


def test_what_cannot_be_told_goes_on_to_the_last_look_both_cells_in_every_round() -> None:
    launches = measured(times(1.0, noise=0.2))
    assert decided(launches) is ABChange.INCONCLUSIVE
    by_round: dict[int, list[str]] = {}
    for launch in launches:
        by_round.setdefault(launch.round, []).append(launch.cell.variant)
    assert len(by_round) == 40
    assert all(sorted(cells) == ["a", "b"] for cells in by_round.values())
    assert len({tuple(cells) for cells in by_round.values()}) == 2  # in both orders


def test_when_one_side_fails_the_other_does_not_go_on_for_ever() -> None:
    sample = times(1.0, noise=0.2)
    launches = measured(lambda cell, index: sample(cell, index) if cell == A.key else None)
    assert [one.status for one in launches if one.cell == B] == ["failed"]
    assert len([one for one in launches if one.cell == A]) == 10


def test_a_slow_start_of_both_is_dropped_from_both() -> None:
    sample = times(1.0)

    def warming(cell: str, index: int) -> Array:
        samples = np.array(sample(cell, index))
        samples[:10] *= 3
        return samples

    a, b = ([warming(cell.key, index) for index in range(10)] for cell in (A, B))
    decision, drop = look(a, b, REQUEST, final=True)
    assert drop == 10
    assert decision.iterations == 2 * 10 * 50


# --- inputs -----------------------------------------------------------------------------------


def test_given_inputs_are_taken_by_name(tmp_path: Path) -> None:
    variant = make_variant(inputs=(TensorSpec("x", "float32", (None, 2)),))
    cases = tmp_path / "cases.npz"
    x = np.ones((5, 2), np.float32)
    np.savez(cases, x=x, labels=np.zeros(5))
    np.testing.assert_array_equal(given_inputs(cases, variant)["x"], x)
    np.savez(cases, y=x)
    with pytest.raises(ConfigError, match="no array for input 'x' of"):
        given_inputs(cases, variant)
    np.savez(cases, x=x[:0])
    with pytest.raises(ConfigError, match="0"):
        given_inputs(cases, variant)
    cases.write_text("no archive")
    with pytest.raises(ConfigError, match=r"not an \.npz archive"):
        given_inputs(cases, variant)
    with pytest.raises(ConfigError, match="no such file"):
        given_inputs(tmp_path / "none.npz", variant)


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    from project import make_project, write_model

    folder = make_project(tmp_path / "p").folder
    for side in ("old", "new"):
        (tmp_path / side).mkdir()
        write_model(tmp_path / side / "model.onnx", hidden=8 if side == "old" else 16)
    request = dataclasses.replace(
        REQUEST,
        devices=(str(folder / "device_profiles" / "here.toml"),),
        model_a=str(tmp_path / "old" / "model.onnx"),
        model_b=str(tmp_path / "new" / "model.onnx"),
    )
    ready = make_ab(request, tmp_path / "cache")
    assert [cell.variant for cell in ready.plan.cells] == ["model (A)", "model (B)"]
    assert [cell.launches for cell in ready.plan.cells] == [10, 10]
    assert set(ready.prepared.inputs) == {"x"}


def write_scaled(path: Path, times: int) -> Path:
    """(n, t) times a scalar, so many times: what `bench` takes, too."""
    names = ["x", *(f"y{step}" for step in range(times))]
    graph = helper.make_graph(
        [helper.make_node("Mul", [one, "s"], [other]) for one, other in pairwise(names)],
        "scaled",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", "t"]),
            helper.make_tensor_value_info("s", TensorProto.FLOAT, []),
        ],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, ["n", "t"])],
    )
    graph.node[-1].output[0] = graph.output[0].name = "y"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


def test_it_takes_the_inputs_that_bench_takes(tmp_path: Path) -> None:
    from project import make_project

    folder = make_project(tmp_path / "p").folder
    one, other = (write_scaled(tmp_path / f"{n}.onnx", n) for n in (1, 3))
    request = dataclasses.replace(
        REQUEST,
        devices=(str(folder / "device_profiles" / "here.toml"),),
        model_a=str(one),
        model_b=str(other),
    )
    shaped = make_ab(dataclasses.replace(request, shapes=("x=2x7",)), tmp_path / "cache")
    assert [(cell.batch, cell.shapes) for cell in shaped.plan.cells] == [(2, "x=2x7")] * 2
    made = {name: np.load(file.path).shape for name, file in shaped.prepared.inputs.items()}
    assert made["s"] == ()
    assert made["x"][1:] == (7,)
    np.savez(tmp_path / "cases.npz", x=np.ones((5, 4), np.float32), s=np.float32(2))
    given = dataclasses.replace(request, inputs=str(tmp_path / "cases.npz"), batch=3)
    ready = make_ab(given, tmp_path / "cache")
    assert [(cell.batch, cell.shapes) for cell in ready.plan.cells] == [(3, "x=3x4")] * 2
    assert {one.name: one.whole for one in ready.prepared.variants[1].inputs} == {
        "x": False, "s": True,
    }  # fmt: skip
    with pytest.raises(ConfigError, match="--inputs brings its own shapes"):
        make_ab(dataclasses.replace(given, shapes=("x=2x7",)), tmp_path / "cache")
    with pytest.raises(ConfigError, match="compares at one shape"):
        make_ab(dataclasses.replace(request, shapes=("x=2x7,2x8",)), tmp_path / "cache")


def write_table(path: Path, rows: int, length: int | str) -> Path:
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["y"])],
        "table",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", length])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", length, 2])],
        [numpy_helper.from_array(np.ones((rows, 2), np.float32), "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_both_are_called_with_what_both_take(tmp_path: Path) -> None:
    from project import make_project

    folder = make_project(tmp_path / "p").folder
    whole, pruned = (write_table(tmp_path / f"{n}.onnx", n, "length") for n in (1000, 10))
    fixed = write_table(tmp_path / "fixed.onnx", 1000, 5)
    request = dataclasses.replace(
        REQUEST,
        devices=(str(folder / "device_profiles" / "here.toml"),),
        model_a=str(whole),
        model_b=str(pruned),
        shapes=("ids=1x64",),
    )
    ready = make_ab(request, tmp_path / "cache")
    assert np.load(ready.prepared.inputs["ids"].path).max() == 9
    with pytest.raises(ConfigError, match=r"fixed\.onnx does not take what 1000\.onnx.* 64 per"):
        make_ab(dataclasses.replace(request, model_b=str(fixed)), tmp_path / "cache")


# --- what was found ---------------------------------------------------------------------------


def stored(tmp_path: Path, emulated: bool = False, wrong: bool = False) -> Store:
    """A comparison in a store: B takes 5 % longer and answers 0.5 more, or in another shape."""
    store = Store.open(f"sqlite:///{tmp_path}/results.db")
    cells = [dataclasses.replace(cell, model_sha256=c * 64) for cell, c in ((A, "a"), (B, "b"))]
    variants = [make_variant("a"), make_variant("b", sha256="b" * 64)]
    store.create_run(make_run(task="ab"), make_plan(*cells), None, variants, ())
    store.put_device(make_run().id, make_device("board", emulated=emulated))
    sample = times(1.05)
    for cell, key in zip(cells, (A.key, B.key), strict=True):
        answer = np.zeros((4, 3 if wrong and key == B.key else 2), np.float32)
        answer += 0.5 if key == B.key else 0.0
        for index in range(10):
            samples = sample(key, index)
            store.add(make_launch(cell, index, samples_ns=samples, outputs=(answer,)))
    return store


def test_a_comparison_is_read_anew_from_the_store(tmp_path: Path) -> None:
    with stored(tmp_path) as store:
        found = compare_sides(store, make_run().id, REQUEST)
    assert found.decision.change is ABChange.REGRESSED
    assert found.decision.pairs == 10
    assert found.outputs_differ == 0.5
    assert found.a.typical_ms["p50"] == pytest.approx(1.0, rel=0.02)
    assert found.b.typical_ms["p50"] == pytest.approx(1.05, rel=0.02)
    assert (found.a.failure, found.b.failure) == (None, None)
    assert exit_code(found) == 1
    assert plain(found)["verdict"] == "regressed"


def test_an_emulated_device_decides_nothing(tmp_path: Path) -> None:
    with stored(tmp_path, emulated=True) as store:
        found = compare_sides(store, make_run().id, REQUEST)
    assert exit_code(found) == 4
    assert plain(found)["verdict"] == "inconclusive"
    assert "emulated" in plain(found)["reason"]


def test_outputs_of_other_shapes_are_not_compared(tmp_path: Path) -> None:
    with stored(tmp_path, wrong=True) as store:
        found = compare_sides(store, make_run().id, REQUEST)
    assert found.outputs_differ == float("inf")
    assert plain(found)["outputs_max_abs_difference"] is None


def test_another_statistic_may_be_what_it_is_about(tmp_path: Path) -> None:
    with stored(tmp_path) as store:
        tail = dataclasses.replace(REQUEST, statistic="p95", delta=0.2)
        found = compare_sides(store, make_run().id, tail)
    assert found.decision.change is ABChange.EQUIVALENT
    assert found.decision.reason.startswith("p95 of B")
    assert exit_code(found) == 0


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ([1.0, 2.0], [1.5, 2.0], 0.5),
        ([1.0, 2.0], [1.0, np.nan], np.inf),
        ([np.nan, 2.0], [1.0, 2.0], np.inf),
        ([np.nan, 2.0], [np.nan, 2.25], 0.25),
        ([np.inf, 2.0], [np.inf, 2.0], 0.0),
        ([np.inf, 2.0], [-np.inf, 2.0], np.inf),
        ([np.nan], [np.inf], np.inf),
    ],
)
def test_outputs_that_are_no_numbers_are_no_small_difference(one, other, wanted) -> None:
    mine, theirs = (
        [make_launch(A, outputs=(np.float32([values]),))] for values in (one, other)
    )  # fmt: skip
    assert _difference(mine, theirs) == wanted
