"""Model files without a suite, from the request to the plan; nothing is measured."""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from builders import make_cell, make_device, make_launch
from onnx import TensorProto, helper, numpy_helper
from project import FEATURES, make_project, write_model
from recorded_runs import stored

from benchhub.errors import ConfigError
from benchhub.model.cell import CellKind, SkipKind
from benchhub.model.launch import Launch
from benchhub.model.request import BenchRequest
from benchhub.model.row import Results
from benchhub.report.compare.files import sentences
from benchhub.report.run import render
from benchhub.results.compare.files import races
from benchhub.results.load import load_results
from benchhub.run.bench import make_bench, names_of
from benchhub.run.execute import Ready
from benchhub.store import Store

REQUEST = BenchRequest(suite="bench", devices=(), backends=("onnxruntime",), effort="standard")


def write_pool(path: Path, opset: int = 17) -> Path:
    """The mean over height and width, both open."""
    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["img"], ["y"])],
        "pool",
        [helper.make_tensor_value_info("img", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, 1, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, str(path))
    return path


def ready(tmp_path: Path, *models: Path, **changes: object) -> Ready:
    folder = make_project(tmp_path / "project").folder
    device = str(folder / "device_profiles" / "here.toml")
    given = {"devices": (device,), "models": tuple(map(str, models)), **changes}
    return make_bench(dataclasses.replace(REQUEST, **given), tmp_path / "cache")


def settings(made: Ready) -> list[tuple[str, int, int, str]]:
    cells = [cell for cell in made.plan.cells if cell.runs_model]
    return [(cell.variant, cell.threads, cell.batch, cell.shapes) for cell in cells]


def arrays(made: Ready, variant: str, shapes: str = "") -> dict[str, np.ndarray]:
    files = made.prepared.inputs_of[variant, shapes]
    return {name: np.load(file.path) for name, file in files.items()}


def test_each_shape_thread_count_and_batch_is_a_cell_with_inputs_of_its_own(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "pool.onnx")
    made = ready(tmp_path, pool, shapes=("img=1x3x8x8,1x3x16x9",), threads=(1, 2), batches=(1, 4))
    texts = ["img=1x3x8x8", "img=4x3x8x8", "img=1x3x16x9", "img=4x3x16x9"]
    assert sorted(settings(made)) == sorted(
        ("pool", threads, int(text[4]), text) for text in texts for threads in (1, 2)
    )
    assert len({cell.key for cell in made.plan.cells}) == len(made.plan.cells)
    for text in texts:
        sizes = tuple(map(int, text.removeprefix("img=").split("x")))
        assert arrays(made, "pool", text)["img"].shape == sizes
    assert [cell.kind for cell in made.plan.cells].count(CellKind.CANARY) == 1


def test_files_of_other_inputs_are_measured_side_by_side(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "pool.onnx")
    tiny = write_model(tmp_path / "tiny.onnx")
    made = ready(tmp_path, pool, tiny, shapes=("img=2x3x8x8",))
    assert settings(made) == [("pool", 1, 2, "img=2x3x8x8"), ("tiny", 1, 1, "")]
    assert arrays(made, "tiny")["x"].shape == (2, FEATURES)
    assert made.resolved.suite.baseline == "pool"
    assert "img float32 2x3x8x8 standard normal" in made.prepared.provenance["dataset"]


def test_without_backends_all_that_read_the_files_are_planned(tmp_path: Path) -> None:
    made = ready(tmp_path, write_model(tmp_path / "tiny.onnx"), backends=())
    backends = {cell.backend for cell in made.plan.cells if cell.runs_model}
    assert {"onnxruntime", "openvino"} <= backends
    assert not backends & {"tflite", "torch", "null", "faulty"}
    assert not made.plan.skips


def test_what_an_asked_backend_cannot_read_is_a_skip(tmp_path: Path) -> None:
    tiny = write_model(tmp_path / "tiny.onnx")
    made = ready(tmp_path, tiny, backends=("onnxruntime", "tflite"))
    assert [(skip.backend, skip.reason.kind) for skip in made.plan.skips] == [
        ("tflite", SkipKind.FORMAT)
    ]
    with pytest.raises(ConfigError, match="nothing to measure: tiny on tflite: tflite reads"):
        ready(tmp_path / "more", tiny, backends=("tflite",))


def test_session_options_and_precisions_are_axes_of_the_backends_that_have_them(
    tmp_path: Path,
) -> None:
    made = ready(
        tmp_path, write_model(tmp_path / "tiny.onnx"), backends=("onnxruntime", "openvino"),
        options=("graph_optimization_level=basic,all", "openvino.hyper_threading=on"),
        precisions=("f32", "bf16"),
    )  # fmt: skip
    cells = [cell for cell in made.plan.cells if cell.runs_model]
    assert [(c.backend, c.precision, json.loads(c.options)) for c in cells] == [
        ("onnxruntime", "f32", {"graph_optimization_level": "basic"}),
        ("onnxruntime", "f32", {"graph_optimization_level": "all"}),
        ("openvino", "f32", {"hyper_threading": "on"}),
        ("openvino", "bf16", {"hyper_threading": "on"}),
    ]
    assert {s.reason.kind for s in made.plan.skips} == {SkipKind.PRECISION}


def test_inputs_of_ones_own_are_taken_as_they_are(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "pool.onnx")
    img = np.arange(5 * 3 * 4 * 6, dtype=np.float32).reshape(5, 3, 4, 6)
    np.savez(tmp_path / "cases.npz", img=img, labels=np.zeros(5))
    made = ready(tmp_path, pool, inputs=str(tmp_path / "cases.npz"), batches=(2,))
    assert settings(made) == [("pool", 1, 2, "img=2x3x4x6")]
    np.testing.assert_array_equal(arrays(made, "pool", "img=2x3x4x6")["img"], img)


def test_limits_become_a_budget_and_keep_cells_open(tmp_path: Path) -> None:
    tiny = write_model(tmp_path / "tiny.onnx")
    made = ready(tmp_path, tiny, limits={"latency_p95_ms": 20.0, "model_bytes": 9000.0})
    (budget,) = made.resolved.suite.budgets
    assert dict(budget.limits) == {"latency_p95_ms": 20.0, "model_bytes": 9000}
    assert made.more_at_most > 0


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"shapes": ("imag=1x3x8x8",)}, r"pool.onnx has no such input; did you mean img\?"),
        ({"shapes": ("img=1x4x8x8",)}, "does not fit pool.onnx, whose input img is nx3xhxw"),
        (
            {"shapes": ("img=1x3x99999999x99999",)},
            r"pool.onnx: input img of 1x3x99.* GiB.* are free",
        ),
        (
            {"shapes": ("img=1x3x8x8",), "batches": (10**12,)},
            r"input img of 10+x3x8x8 takes .* GiB",
        ),
        ({"backends": ("onnxruntme",)}, r"onnxruntme is unknown; did you mean onnxruntime\?"),
        ({"limits": {"quality_loss_max": 0.1}}, r"bench measures no quality; write a suite"),
        (
            {"limits": {"latency_p95_ms": -1.0}},
            r"--budget latency_p95_ms = -1.0: .*more than 0",
        ),
        ({"inputs": "cases.npz", "shapes": ("img=1x3x8x8",)}, "--inputs brings its own shapes"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, changes: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigError, match=match) as refused:
        ready(tmp_path, write_pool(tmp_path / "pool.onnx"), **changes)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"x": np.ones((4, 3, 8, 8), np.float32)}, "no array for input 'img'.* holds x; name it"),
        ({"img": np.ones((4, 1, 8, 8), np.float32)}, "1x8x8 per case"),
        ({"img": np.ones((4, 3, 8, 8))}, "float64"),
        ({"img": np.ones((0, 3, 8, 8), np.float32)}, "0"),
    ],
)
def test_given_inputs_that_do_not_fit_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], match: str
) -> None:
    np.savez(tmp_path / "cases.npz", **arrays)
    with pytest.raises(ConfigError, match=match):
        ready(tmp_path, write_pool(tmp_path / "pool.onnx"), inputs=str(tmp_path / "cases.npz"))


@pytest.mark.usefixtures("processes")
def test_what_is_suggested_for_open_sizes_is_what_runs(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "pool.onnx")
    with pytest.raises(ConfigError, match=r"img is nx3xhxw.* example --shape img=1x3x224x224$"):
        ready(tmp_path, pool)
    weights = np.ones((1, 1, 4_000), np.float32)  # a filter longer than texts are
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "filter",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, "t"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, "u"])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(tmp_path / "filter.onnx"))
    with pytest.raises(ConfigError, match=r"for example --shape x=1x1x16000$"):
        ready(tmp_path / "2", tmp_path / "filter.onnx")
    graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones((1, 2, 3), np.float32), "w"))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
              str(tmp_path / "never.onnx"))  # fmt: skip
    with pytest.raises(ConfigError, match=r"as in --shape x=1x1x128 \(an example of how"):
        ready(tmp_path / "3", tmp_path / "never.onnx")


def test_a_batch_of_given_inputs_needs_memory_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "cases.npz", img=np.ones((4, 3, 8, 8), np.float32))
    with pytest.raises(ConfigError, match=r"input img of 10+x3x8x8 takes .* GiB"):
        ready(
            tmp_path, write_pool(tmp_path / "pool.onnx"), inputs=str(tmp_path / "cases.npz"),
            batches=(10**12,),
        )  # fmt: skip


def test_a_file_that_is_no_model_or_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.onnx").write_text("no model")
    with pytest.raises(ConfigError, match="neither an ONNX, a TFLite nor a torch file"):
        ready(tmp_path, tmp_path / "notes.onnx")
    with pytest.raises(ConfigError, match="no such file"):
        ready(tmp_path / "2", tmp_path / "none.onnx")
    with pytest.raises(ConfigError, match="no such file or directory; download it first"):
        ready(tmp_path / "3", Path("https://example.org/model.onnx"))


def test_names_tell_files_apart() -> None:
    assert names_of(["/m/a.onnx", "/m/b.tflite"]) == ["a", "b"]
    assert names_of(["/m/a.onnx", "/m/a.tflite"]) == ["a.onnx", "a.tflite"]
    assert names_of(["/m/a.onnx", "/n/a.onnx"]) == ["m/a.onnx", "n/a.onnx"]
    assert names_of(["/w/m/x/y/a.onnx", "/w/n/x/y/a.onnx"]) == ["m/x/y/a.onnx", "n/x/y/a.onnx"]
    assert names_of(["/x/a.onnx", "/m/x/a.onnx"]) == ["x/a.onnx", "m/x/a.onnx"]
    assert names_of(["/a.onnx", "/x/a.onnx"]) == ["a.onnx", "x/a.onnx"]
    with pytest.raises(ConfigError, match="given twice"):
        names_of(["/m/a.onnx", "/m/a.onnx"])


def test_state_for_several_cases_is_counted_for_one(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["h", "w"], ["a"]),
            helper.make_node("ReduceSum", ["a", "axis"], ["s"], keepdims=0),
            helper.make_node("MatMul", ["x", "w"], ["b"]),
            helper.make_node("Add", ["s", "b"], ["y"]),
        ],
        "cell",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4]),
            helper.make_tensor_value_info("h", TensorProto.FLOAT, [2, "n", 4]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
        [
            numpy_helper.from_array(np.ones((4, 4), np.float32), "w"),
            numpy_helper.from_array(np.array([0]), "axis"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "cell.onnx")
    for folder, batches in (("1", (3,)), ("2", (3, 5))):
        made = ready(tmp_path / folder, tmp_path / "cell.onnx", batches=batches)
        assert made.prepared.variants[0].macs == 3 * 16


def write_graph_network(path: Path) -> Path:
    """(nodes, 4) times (4, 2), and what the edges add to all of them."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["nodes", "w"], ["found"]),
            helper.make_node("Gather", ["found", "edges"], ["ends"]),
            helper.make_node("Gather", ["ends", "zero"], ["begins"]),
            helper.make_node("Mul", ["begins", "weights"], ["weighted"]),
            helper.make_node("ReduceSum", ["weighted", "axis"], ["added"], keepdims=1),
            helper.make_node("Add", ["found", "added"], ["y"]),
        ],
        "network",
        [
            helper.make_tensor_value_info("nodes", TensorProto.FLOAT, ["nodes", 4]),
            helper.make_tensor_value_info("edges", TensorProto.INT64, [2, "edges"]),
            helper.make_tensor_value_info("weights", TensorProto.FLOAT, ["edges", 1]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["nodes", 2])],
        [
            numpy_helper.from_array(np.ones((4, 2), np.float32), "w"),
            numpy_helper.from_array(np.array(0), "zero"),
            numpy_helper.from_array(np.array([0]), "axis"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_a_graph_of_nodes_and_edges_is_one_call(tmp_path: Path) -> None:
    path = write_graph_network(tmp_path / "m.onnx")
    text = "nodes=10x4 edges=2x30 weights=30x1"
    made = ready(tmp_path, path, shapes=tuple(text.split()))
    assert settings(made) == [("m", 1, 1, text)]
    fed = arrays(made, "m", text)
    assert {name: one.shape for name, one in fed.items()} == {
        "nodes": (10, 4), "edges": (2, 30), "weights": (30, 1),
    }  # fmt: skip
    assert all(spec.whole for spec in made.prepared.variants[0].inputs)
    assert made.prepared.variants[0].macs == 10 * 4 * 2
    np.savez(tmp_path / "cases.npz", **fed)
    given = ready(tmp_path / "2", path, inputs=str(tmp_path / "cases.npz"))
    assert settings(given) == settings(made)
    np.savez(tmp_path / "cases.npz", **{**fed, "weights": fed["weights"][:29]})
    with pytest.raises(ConfigError, match=r"inputs hold \[10, 29\] cases"):
        ready(tmp_path / "3", path, inputs=str(tmp_path / "cases.npz"))


def write_sequence_first(path: Path) -> Path:
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["a"]),
            helper.make_node("Add", ["a", "h"], ["y"]),
        ],
        "steps",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["steps", "batch", 4]),
            helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, "batch", 5]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["steps", "batch", 5])],
        [numpy_helper.from_array(np.ones((4, 5), np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_an_axis_that_is_called_a_batch_is_one_wherever_it_stands(tmp_path: Path) -> None:
    path = write_sequence_first(tmp_path / "m.onnx")
    made = ready(tmp_path / "2", path, shapes=("x=50x1x4",), batches=(1, 3))
    assert settings(made) == [
        ("m", 1, 1, "x=50x1x4 h=1x1x5"), ("m", 1, 3, "x=50x3x4 h=1x3x5"),
    ]  # fmt: skip
    fed = arrays(made, "m", "x=50x3x4 h=1x3x5")
    assert {name: one.shape for name, one in fed.items()} == {"x": (50, 3, 4), "h": (1, 3, 5)}
    assert made.prepared.variants[0].macs == 50 * 20
    swept = ready(tmp_path / "3", path, shapes=("x=50x1x4,60x1x4",))
    assert swept.prepared.variants[0].macs is None, "one for each length"
    np.savez(tmp_path / "cases.npz", **fed)
    given = ready(tmp_path / "4", path, inputs=str(tmp_path / "cases.npz"))
    assert settings(given) == settings(made)[1:]
    assert given.prepared.variants[0].macs == 50 * 20
    with pytest.raises(ConfigError, match="batch is 2 elsewhere"):
        ready(tmp_path / "5", path, inputs=str(tmp_path / "cases.npz"), batches=(2,))


def write_cache(path: Path, batch: int | str) -> Path:
    """What came before, of no length, beside (batch, t, 4)."""
    graph = helper.make_graph(
        [helper.make_node("Concat", ["past", "x"], ["y"], axis=1)],
        "cache",
        [
            helper.make_tensor_value_info("past", TensorProto.FLOAT, [batch, 0, 4]),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, "t", 4]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, "t", 4])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_a_size_of_0_is_one_but_of_the_batch(tmp_path: Path) -> None:
    path = write_cache(tmp_path / "m.onnx", "n")
    made = ready(tmp_path, path, shapes=("x=1x3x4",), batches=(2,))
    fed = arrays(made, "m", "x=2x3x4")
    assert {name: one.shape for name, one in fed.items()} == {"past": (2, 0, 4), "x": (2, 3, 4)}


@pytest.mark.usefixtures("processes")
def test_what_is_suggested_is_called_with_as_many_cases_as_the_file_fixes(tmp_path: Path) -> None:
    path = write_cache(tmp_path / "m.onnx", 7)
    with pytest.raises(ConfigError, match=r"x is 7x\w+x4.* for example --shape x=7x128x4$"):
        ready(tmp_path, path)


def test_text_of_open_sizes_is_refused_for_being_text(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Equal", ["s", "s"], ["y"])],
        "text",
        [helper.make_tensor_value_info("s", TensorProto.STRING, ["n", "words"])],
        [helper.make_tensor_value_info("y", TensorProto.BOOL, ["n", "words"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match="input s is string, which cannot be made up"):
        ready(tmp_path, tmp_path / "m.onnx")


# --- which is faster --------------------------------------------------------------------------


def launches(
    variant: str, medians_ms: Sequence[float], backend: str = "onnxruntime", **changes: Any
) -> list[Launch]:
    settings = {"threads": 1, **changes}
    cell = make_cell(variant=variant, backend=backend, model_sha256=variant * 64, **settings)
    return [
        make_launch(cell, samples_ns=np.full(60, round(1e6 * median), np.int64), index=index,
                    round=index)
        for index, median in enumerate(medians_ms)
    ]  # fmt: skip


def said(*sides: list[Launch]) -> list[str]:
    every = [launch for side in sides for launch in side]
    cells = list(dict.fromkeys(launch.cell for launch in every))
    return sentences(races(cells, lambda cell: [one for one in every if one.cell == cell]))


NOISE = np.linspace(-0.01, 0.01, 10)


def test_the_faster_file_is_named_with_an_interval_of_launches_in_pairs() -> None:
    common = np.exp(np.sin(np.arange(10)))  # a device whose speed moves: pairs do not care
    a = launches("a", list(2 * common * (1 + NOISE)))
    b = launches("b", list(common * (1 - NOISE)))
    (sentence,) = said(a, b)
    assert sentence.startswith("b is 2x [")
    assert sentence.endswith("as fast as a (on onnxruntime)")


def test_a_tie_is_named_as_one() -> None:
    wobble = np.array([1.02, 0.98] * 5)
    (sentence,) = said(launches("a", list(wobble)), launches("b", list(wobble[::-1])))
    assert "cannot be told apart" in sentence
    assert "faster" not in sentence
    assert sentence.endswith("no number of launches that anybody makes would tell) cannot be told"
                             " apart (on onnxruntime)")  # fmt: skip
    near = list(1.02 * wobble * (1 + 3 * NOISE[::-1]))
    (sentence,) = said(launches("a", list(wobble[::-1])), launches("b", near))
    (needed,) = re.findall(r"if that stays so, about (\d+) launches of each would tell", sentence)
    assert 10 < int(needed) < 400


def test_of_three_files_one_may_lead_while_two_tie() -> None:
    wobble = np.array([1.02, 0.98] * 5)
    sides = (launches("a", list(wobble)), launches("b", list(wobble[::-1])),
             launches("c", list(3 * wobble)))  # fmt: skip
    (sentence,) = said(*sides)
    assert "cannot be told apart" in sentence
    assert "as fast as c" in sentence


def test_files_of_other_backends_meet_each_on_its_fastest() -> None:
    a = launches("a", list(2 * (1 + NOISE)))
    b = launches("b", list(1 + NOISE), backend="tflite")
    (sentence,) = said(a, b)
    assert sentence.startswith("b on tflite is 2x [")
    assert sentence.endswith("as fast as a on onnxruntime (each on its fastest backend)")


def test_each_setting_and_option_is_a_race_of_its_own() -> None:
    fast, slow = list(1 + NOISE), list(2 * (1 + NOISE))
    by_threads = [
        launches(name, times, threads=threads)
        for threads in (1, 2) for name, times in (("a", fast), ("b", slow))
    ]  # fmt: skip
    assert [one.partition(" (")[2] for one in said(*by_threads)] == [
        "on onnxruntime, 1 thread batch 1)", "on onnxruntime, 2 threads batch 1)",
    ]  # fmt: skip
    options = ('{"arena": false}', '{"arena": true}')
    one = [launches("a", fast, options=options[0]), launches("a", slow, options=options[1])]
    other = [launches("b", slow, options=options[0]), launches("b", fast, options=options[1])]
    sentences_of = said(*one, *other)
    assert sentences_of[0].endswith("as fast as b (on onnxruntime arena=False)")
    assert sentences_of[1].endswith("as fast as a (on onnxruntime arena=True)")
    assert "each on its fastest backend" in sentences_of[2]
    assert "a on onnxruntime arena=False" in sentences_of[2]


@pytest.mark.usefixtures("native")
def test_a_tie_stands_in_every_report_and_an_emulated_device_has_none(tmp_path: Path) -> None:
    wobble = np.array([1.02, 0.98] * 5)
    of = [*launches("a", list(wobble)), *launches("b", list(wobble[::-1]))]

    def reports(emulated: bool) -> tuple[Results, dict[str, str]]:
        with Store.open(f"sqlite:///{tmp_path / str(emulated)}.db") as store:
            stored(store, of[0].run, of, device=make_device(of[0].cell.device, emulated=emulated),
                   request=REQUEST)  # fmt: skip
            loaded = load_results(store, of[0].run)
        formats = ("html", "markdown", "json")
        return loaded, {name: render(name, [loaded]) for name in formats}

    loaded, made = reports(emulated=False)
    (sentence,) = sentences(loaded.races)
    for name, text in made.items():
        plain = html.unescape(text).replace("\\", "")
        assert plain.count(sentence) == 1, name
    told = json.loads(made["json"])["races"]
    assert [(one["fastest"]["variant"], one["leads"][0]["told"]) for one in told] == [("a", False)]
    assert "lowest median" not in made["markdown"], "one ranking, not two by other intervals"
    assert not reports(emulated=True)[0].races


def test_given_state_says_nothing_of_the_batch(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["state"], ["m"], keepdims=0),
            helper.make_node("Add", ["x", "m"], ["y"]),
        ],
        "stateful",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4]),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [2, None, 8]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 4])],
    )
    path, cases = tmp_path / "stateful.onnx", tmp_path / "cases.npz"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    x, state = np.ones((4, 4), np.float32), np.zeros((2, 1, 8), np.float32)
    np.savez(cases, x=x, state=state)
    made = ready(tmp_path, path, inputs=str(cases))
    assert settings(made) == [("stateful", 1, 1, "state=2x1x8")]
    np.savez(cases, x=x)
    with pytest.raises(
        ConfigError, match=r"for input 'state' of stateful.onnx; the archive holds x;"
    ):
        ready(tmp_path / "again", path, inputs=str(cases))


def test_a_scalar_among_given_inputs_is_the_same_for_all_cases(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "s"], ["y"])],
        "scaled",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4]),
            helper.make_tensor_value_info("s", TensorProto.FLOAT, []),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
    )
    path = tmp_path / "scaled.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    np.savez(tmp_path / "cases.npz", x=np.ones((3, 4), np.float32), s=np.float32(2))
    made = ready(tmp_path, path, inputs=str(tmp_path / "cases.npz"), batches=(1, 2))
    assert settings(made) == [("scaled", 1, 1, ""), ("scaled", 1, 2, "")]
    assert arrays(made, "scaled")["s"].shape == ()
    assert arrays(made, "scaled")["x"].shape == (3, 4)
    assert {one.name: one.whole for one in made.prepared.variants[0].inputs} == {
        "x": False, "s": True,
    }  # fmt: skip


def test_a_batch_that_the_shape_and_the_option_say_otherwise_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"  # no size is open but the batch, so none has a name
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 6])],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    with pytest.raises(ConfigError, match=r"x=2x6 does not fit m.onnx: it is called at batch 4"):
        ready(tmp_path / "2", path, shapes=("x=2x6",), batches=(4,))
    for shape in ("x=1x6", "x=4x6"):
        assert [
            at[2] for at in settings(ready(tmp_path / shape, path, shapes=(shape,), batches=(4,)))
        ] == [4]
    assert [at[2] for at in settings(ready(tmp_path / "3", path, shapes=("x=2x6,8x6",)))] == [2, 8]
