"""A detector of several outputs from its file to a verdict, held against pycocotools."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from answer_keys import key_of
from coco_oracle import coco
from onnx import TensorProto, helper, numpy_helper
from project import Project, make_project

from benchhub.errors import ConfigError
from benchhub.results.load import load_results
from benchhub.store import Store

CASES, BOXES, CLASSES = 60, 12, 3
BUDGET = """
[[budgets]]
name = "kept"
quality_loss_max = 0.15
quality_min_cases = 50
"""
BAD = '\n[[variants]]\nname = "bad"\nmodel = "bad.onnx"\n'


def write_detector(path, off: float = 0.0) -> None:
    """Write a detector: x (n, 12, 7) holds boxes of 64 x 64 and logits; `off` moves the boxes.

    Boxes come through a product of matrices, so that there is something to quantize.
    """
    ends = {"zero": [0], "four": [4], "seven": [7], "axis": [2]}
    given = {name: np.array(at, np.int64) for name, at in ends.items()}
    given |= {"eye": np.eye(4, dtype=np.float32), "off": np.full(1, off, np.float32)}
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["x", "zero", "four", "axis"], ["raw"]),
            helper.make_node("MatMul", ["raw", "eye"], ["same"]),
            helper.make_node("Add", ["same", "off"], ["boxes"]),
            helper.make_node("Slice", ["x", "four", "seven", "axis"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["each"]),
            helper.make_node("ReduceMax", ["each"], ["scores"], axes=[2], keepdims=0),
            helper.make_node("ArgMax", ["each"], ["labels"], axis=2, keepdims=0),
        ],
        "detector",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", BOXES, 4 + CLASSES])],
        [
            helper.make_tensor_value_info("labels", TensorProto.INT64, ["n", BOXES]),
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", BOXES, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", BOXES]),
        ],
        [numpy_helper.from_array(array, name) for name, array in given.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))


def write_suppressing(path, batched: bool, off: float = 0.0) -> None:
    """Write the same with its suppression inside, for one image: (d, 4) boxes, or (1, d, 4)."""
    write_detector(path, off)
    model = onnx.load(str(path))
    graph = model.graph
    axis = ["axis0"] if batched else []
    add = {"axis0": [0], "axis1": [1], "most": [9], "two": [2], "flat": [-1]}
    given = {name: np.array(at, np.int64) for name, at in add.items()}
    given |= {name: np.full(1, at, np.float32) for name, at in {"iou": 0.6, "least": 0.3}.items()}
    nodes = [
        helper.make_node("Unsqueeze", ["scores", "axis1"], ["each_box"]),
        helper.make_node(
            "NonMaxSuppression", ["boxes", "each_box", "most", "iou", "least"], ["kept"]
        ),
        helper.make_node("Gather", ["kept", "two"], ["places"], axis=1),
        helper.make_node("Reshape", ["places", "flat"], ["at"]),
    ]
    outputs = []
    for name, kind in (("labels", 7), ("boxes", 1), ("scores", 1)):
        nodes.append(helper.make_node("Squeeze", [name, "axis0"], [f"{name}_one"]))
        last = f"{name}_{'flat' if batched else 'found'}"
        nodes.append(helper.make_node("Gather", [f"{name}_one", "at"], [last], axis=0))
        if batched:
            nodes.append(helper.make_node("Unsqueeze", [last, *axis], [f"{name}_found"]))
        shape = [*([1] if batched else []), "d", *([4] if name == "boxes" else [])]
        outputs.append(helper.make_tensor_value_info(f"{name}_found", kind, shape))
    del graph.output[:]
    graph.output.extend(outputs)
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(one, name) for name, one in given.items())
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def scenes() -> tuple[np.ndarray, np.ndarray]:
    """Candidates, (n, 12, 7), and the true boxes, (n, 5, 5), of which some are 0."""
    rng = np.random.default_rng(7)
    corner = rng.uniform(0, 40, (CASES, 5, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(8, 24, (CASES, 5, 2))], axis=2)
    truth = np.concatenate([boxes, rng.integers(0, CLASSES, (CASES, 5, 1))], axis=2)
    truth[rng.random((CASES, 5)) < 0.4] = 0
    x = rng.normal(-2, 1, (CASES, BOXES, 4 + CLASSES))
    at = rng.uniform(0, 40, (CASES, BOXES, 2))
    x[..., :4] = np.concatenate([at, at + rng.uniform(8, 24, (CASES, BOXES, 2))], axis=2)
    x[:, :5, :4] = truth[..., :4] + rng.normal(0, 0.8, (CASES, 5, 4))
    for case, one in enumerate(truth):
        for index in np.flatnonzero(one[:, 2]):
            x[case, index, 4 + int(one[index, 4])] += rng.normal(3, 1.5)
    return x.astype(np.float32), truth.astype(np.float32)


def make(folder, said: str = '{ form = "xyxy" }') -> Project:
    project = make_project(folder)
    write_detector(project.suite.parent / "model.onnx")
    write_detector(project.suite.parent / "bad.onnx", off=4)
    x, truth = scenes()
    np.savez(project.suite.parent / "cases.npz", x=x, labels=truth)
    project.edit(
        'metric = "macro_auc"\n',
        f'metric = "coco_map"\nalso = ["coco_map50"]\ndetections = {said}\n',
    )
    return project


def by_pycocotools(outputs) -> tuple[float, float, float]:
    """What pycocotools says of a bare runtime's outputs."""
    kinds, boxes, scores = outputs
    found = np.concatenate([boxes, scores[..., None], kinds[..., None]], axis=2)
    _, truth = scenes()
    labels = np.concatenate([truth, np.zeros((CASES, 5, 1))], axis=2).astype(float)
    labels[~truth.any(axis=2)] = [0, 0, 0, 0, -1, 0]
    return coco(found.astype(float), labels, list(range(CASES)))


def bare(path) -> tuple[float, float, float]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return by_pycocotools(session.run(None, {"x": scenes()[0]}))


def test_a_detector_is_judged_by_what_pycocotools_says_and_a_damaged_one_fails(tmp_path, processes):
    project = make(tmp_path)
    project.edit("[scenarios.latency]\nthreads = 1\nlaunches = 2\niterations = 40\n", "")
    project.add(BAD + BUDGET)
    done = project.run("run", "tiny", "--device", "here")
    assert done.code == 0, done.err
    with Store.open(f"sqlite:///{project.folder}/benchhub.db") as store:
        run = store.resolve("latest")
        rows = {
            row.variant: row for row in load_results(store, run).rows if row.scenario == "quality"
        }
        int8 = next(
            launch.outputs
            for launch in store.launches(run)
            if launch.cell.variant == "int8" and len(launch.outputs[0]) == CASES
        )
    told = {name: bare(project.suite.parent / f"{name}.onnx") for name in ("model", "bad")}
    told = {"fp32": told["model"], "bad": told["bad"], "int8": by_pycocotools(int8)}
    assert told["fp32"][0] > 0.4 > 0.25 > told["bad"][0]
    for name, (whole, half, _) in told.items():
        found = rows[name].quality
        assert (found.metric, found.value) == ("coco_map", pytest.approx(whole, abs=1e-6))
        assert rows[name].quality_also["coco_map50"].value == pytest.approx(half, abs=1e-6)
        assert found.loss.estimate == pytest.approx(told["fp32"][0] - whole, abs=1e-6)
        assert found.low < found.value < found.high
    bad, less = rows["bad"].quality.loss, rows["int8"].quality.loss
    assert 0.15 < bad.low < bad.estimate < bad.upper_one_sided
    assert less.upper_one_sided < 0.15
    gate = project.here("gate", "latest")
    assert gate.code == 1, gate.out
    said = {line.split()[2]: line.split()[0] for line in gate.out.splitlines() if "here: " in line}
    assert said == {"bad": "FAIL", "int8": "PASS", "fp32": "PASS"}


@pytest.mark.parametrize("batched", [True, False])
def test_a_detector_that_gives_as_many_boxes_as_it_finds(tmp_path, processes, batched):
    project = make(tmp_path)
    names = ("labels_found", "boxes_found", "scores_found")
    said = f"rows = {{ {', '.join(f'{name} = 12' for name in names)} }}\n"
    if not batched:
        said += f"batch_axis = {{ {', '.join(f'{name} = false' for name in names)} }}\n"
    for name, off in (("model", 0.0), ("bad", 4.0)):
        write_suppressing(project.suite.parent / f"{name}.onnx", batched, off)
    project.edit("[scenarios.latency]\nthreads = 1\nlaunches = 2\niterations = 40\n", "")
    project.edit(
        '[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', BAD + said
    )
    project.edit('model = "model.onnx"\n', f'model = "model.onnx"\n{said}')
    project.edit("batch = 8", "batch = 1")
    done = project.run("run", "tiny", "--device", "here")
    assert done.code == 0, done.err
    with Store.open(f"sqlite:///{project.folder}/benchhub.db") as store:
        rows = {row.variant: row for row in load_results(store, store.resolve("latest")).rows}
    x, _ = scenes()
    for variant, file in (("fp32", "model"), ("bad", "bad")):
        session = onnxruntime.InferenceSession(str(project.suite.parent / f"{file}.onnx"))
        filled = [np.zeros((CASES, 12)), np.zeros((CASES, 12, 4)), np.zeros((CASES, 12))]
        counts = set()
        for case in range(CASES):
            found = session.run(None, {"x": x[case : case + 1]})
            found = [one[0] for one in found] if batched else found
            counts.add(len(found[0]))
            for whole, one in zip(filled, found, strict=True):
                whole[case, : len(one)] = one
        filled[0][filled[2] == 0] = -1
        assert len(counts) > 3
        assert rows[variant].quality.value == pytest.approx(by_pycocotools(filled)[0], abs=1e-6)
    assert rows["fp32"].quality.value > 0.4 > rows["bad"].quality.value
    assert rows["bad"].quality.loss.low > 0.1


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("{ }", "how it writes a box is not to be seen"),
        ('{ form = "cxcywh" }', 'and with detections.form = "xyxy" it would be 0.'),
        ('{ form = "yxyx" }', 'and with detections.form = "xyxy" it would be 0.'),
    ],
)
def test_what_is_not_told_or_told_wrongly_ends_before_anything_is_measured(tmp_path, said, wanted):
    with pytest.raises(ConfigError, match="coco_map") as caught:
        key_of(make(tmp_path, said))
    assert wanted in str(caught.value)


def test_a_baseline_that_finds_nothing_is_refused(tmp_path):
    project = make(tmp_path)
    write_detector(project.suite.parent / "model.onnx", off=500)
    with pytest.raises(ConfigError, match="of the baseline is 0: no box that it finds is a true"):
        key_of(project)
