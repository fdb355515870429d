import gzip
import json

import numpy as np
import onnx
import pytest
import torch
from blobs_model import loss
from blobs_unet import IMAGES, LABELS, distance, make, run_onnx, trained
from ingredients import calibrating, trainable
from onnx import helper
from onnx.numpy_helper import from_array, to_array
from project import write_model

from benchhub.compress.build.cached import build
from benchhub.compress.files.architecture import read_net
from benchhub.compress.files.look import inspect_onnx
from benchhub.compress.files.sparse_size import sparse_bytes
from benchhub.compress.networks.prunable import prunable_weights
from benchhub.errors import ConfigError
from benchhub.model.asked import VariantSpec
from benchhub.model.recipe import Recipe

pytestmark = pytest.mark.usefixtures("torch")


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("unet"))


def _nothing(count):
    raise AssertionError("pruning without training needs no data")


def _prune(source, folder, **options):
    """One-shot, with nothing but the file."""
    spec = VariantSpec("sparse", source="fp32", recipe=Recipe("prune-magnitude", options))
    return build(spec, source, calibrating(_nothing), folder / "cache")


def _weights(path):
    graph = onnx.load(str(path)).graph
    names = {weight.name for weight in prunable_weights(graph)}
    return {t.name: to_array(t) for t in graph.initializer if t.name in names}


def _loss(variant):
    """On cases that nothing was trained with."""
    logits = torch.from_numpy(run_onnx(variant.path, IMAGES))
    return float(loss(logits, torch.from_numpy(LABELS)))


def _refused(act, *wanted):
    with pytest.raises(ConfigError) as caught:
        act()
    assert "\n" not in str(caught.value)
    for text in wanted:
        assert text in str(caught.value)


@pytest.mark.parametrize("scope", ["layer", "network"])
def test_any_onnx_file_is_pruned_in_one_shot(baseline, tmp_path, scope):
    sparse = _prune(baseline, tmp_path, compression=16, scope=scope)
    before, after = _weights(baseline.path), _weights(sparse.path)
    assert len(before) == len(after) == 10
    total = sum(weight.size for weight in after.values())
    left = sum(np.count_nonzero(weight) for weight in after.values())
    assert left / total == pytest.approx(1 / 16, abs=1e-4)
    assert all(np.isin(after[n][after[n] != 0], before[n]).all() for n in after)
    assert not any(np.signbit(weight[weight == 0]).any() for weight in after.values())
    facts = sparse.provenance
    assert float(facts["sparsity"]) == pytest.approx(0.9375, abs=1e-4)
    assert float(facts["achieved_compression"]) == pytest.approx(16, abs=0.01)
    assert facts["emptied_layers"] == "none"
    assert "torch" not in facts
    assert (sparse.params, sparse.macs) == (baseline.params, baseline.macs)
    assert sparse.nonzero_params == left + baseline.params - total
    assert sparse.gzip_bytes < baseline.gzip_bytes / 6
    assert run_onnx(sparse.path, np.zeros((3, 1, 64, 64), np.float32)).shape == (3, 14)


def test_clean_zeros_make_a_smaller_gzip(baseline, tmp_path):
    sparse = _prune(baseline, tmp_path, compression=10)
    model = onnx.load(str(sparse.path))
    given = {t.name: to_array(t) for t in onnx.load(str(baseline.path)).graph.initializer}
    for tensor in model.graph.initializer:
        kept = to_array(tensor) != 0
        tensor.CopyFrom(from_array(given[tensor.name] * kept, tensor.name))
    spoilt = model.SerializeToString()
    assert len(spoilt) == sparse.model_bytes
    assert len(gzip.compress(spoilt, 6)) > 1.1 * sparse.gzip_bytes


def test_sparse_bytes_are_a_bitmap_and_the_nonzeros(baseline, tmp_path):
    assert sparse_bytes(baseline.path) == baseline.model_bytes
    sparse = _prune(baseline, tmp_path, compression=20)
    tensors = [t for t in onnx.load(str(sparse.path)).graph.initializer if len(t.dims) > 1]
    dense = sum(to_array(t).nbytes for t in tensors)
    packed = sum(-(-to_array(t).size // 8) + 4 * np.count_nonzero(to_array(t)) for t in tensors)
    assert int(sparse.provenance["sparse_bytes"]) == sparse.model_bytes - dense + packed


def test_linear_layers_and_their_heads(tmp_path):
    source = inspect_onnx("fp32", write_model(tmp_path / "mlp.onnx"))
    whole = _weights(_prune(source, tmp_path, compression=4).path)
    assert [np.count_nonzero(whole[name]) for name in ("first", "second")] == [128, 24]
    body = _weights(_prune(source, tmp_path, compression=4, heads=False).path)
    assert [np.count_nonzero(body[name]) for name in ("first", "second")] == [128, 96]


def test_weights_in_constant_nodes_are_pruned(tmp_path):
    weight = np.random.default_rng(5).standard_normal((16, 4)).astype(np.float32)
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Constant", [], ["w"], value=from_array(weight)),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    sides = [value("x", 1, ["n", 16])], [value("y", 1, ["n", 4])]
    graph = helper.make_graph(nodes, "g", *sides)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(
        helper.make_model(graph, opset_imports=opsets, ir_version=9), str(tmp_path / "c.onnx")
    )
    sparse = _prune(inspect_onnx("fp32", tmp_path / "c.onnx"), tmp_path, compression=4)
    kept = np.sort(np.abs(weight), axis=None)[-16]
    assert np.array_equal(_weights(sparse.path)["w"], weight * (np.abs(weight) >= kept))
    x = np.eye(16, dtype=np.float32)
    assert np.array_equal(run_onnx(sparse.path, x), weight * (np.abs(weight) >= kept))


def test_only_names_submodules(unet, tmp_path):
    sparse = _prune(unet, tmp_path, compression=8, only="down.2, join")
    before, after = _weights(unet.path), _weights(sparse.path)
    touched = {n for n in after if np.count_nonzero(after[n]) < np.count_nonzero(before[n])}
    assert touched == {n for n in after if n.startswith(("down.2.", "join."))}
    _refused(
        lambda: _prune(unet, tmp_path, only="jion"), "no weights in jion", "did you mean join?"
    )
    _refused(lambda: _prune(unet, tmp_path, only="head", heads=False), "nothing is left to prune")


def test_a_layer_may_be_emptied_if_it_is_asked_for(unet, tmp_path):
    small = tmp_path / "small.onnx"
    model = onnx.load(str(unet.path))
    for tensor in model.graph.initializer:
        if tensor.name == "up.0.weight":
            tensor.CopyFrom(from_array(to_array(tensor) * np.float32(1e-4), tensor.name))
    onnx.save(model, str(small))
    source = inspect_onnx("fp32", small)
    options = {"compression": 8, "scope": "network"}
    emptied = _prune(source, tmp_path, keep=0, **options)
    assert emptied.provenance["emptied_layers"] == "up.0.weight"
    assert emptied.provenance["lowest_density_layer"] == "up.0.weight"
    kept = _prune(source, tmp_path, **options)
    assert kept.provenance["emptied_layers"] == "none"
    assert np.count_nonzero(_weights(kept.path)["up.0.weight"]) == 1
    assert run_onnx(emptied.path, IMAGES).shape == run_onnx(kept.path, IMAGES).shape


def test_fine_tuning_keeps_the_mask_and_repairs(unet, tmp_path):
    blunt = make(unet, tmp_path, "prune-magnitude", compression=8)
    tuned = make(unet, tmp_path, "prune-magnitude", compression=8, finetune_epochs=4)
    again = make(unet, tmp_path / "again", "prune-magnitude", compression=8, finetune_epochs=4)
    other = make(unet, tmp_path, "prune-magnitude", compression=8, finetune_epochs=4, seed=1)
    before, after = _weights(blunt.path), _weights(tuned.path)
    for name, weight in after.items():
        assert not weight[before[name] == 0].any()
        assert not np.signbit(weight[weight == 0]).any()
    assert _loss(tuned) < 0.92 * _loss(blunt)
    assert tuned.sha256 == again.sha256 != other.sha256
    facts = tuned.provenance
    assert float(facts["achieved_compression"]) >= 7.5
    assert facts["finetune_epochs"] == "4"
    assert facts["torch"].startswith("2.")
    log = json.loads(tuned.path.with_name("training.json").read_text())
    assert len(log["step 1"]["losses"]) == 4
    read_net(tuned.path)  # it can be taken apart again


def test_steps_end_at_the_same_ratio(unet, tmp_path):
    options = {"compression": 16, "scope": "network", "finetune_epochs": 1, "steps": 4}
    lines = []
    spec = VariantSpec("sparse", source="fp32", recipe=Recipe("prune-magnitude", options))
    using = trainable(tmp_path, lines.append)
    sparse = build(spec, unet, using, tmp_path / "cache")
    steps = [line for line in lines if "pruning" in line]
    ratios = [line.partition("to 1/")[2].partition(",")[0] for line in steps]
    assert ratios == ["2", "4", "8", "16"]
    assert float(sparse.provenance["achieved_compression"]) == pytest.approx(16, rel=0.02)
    log = json.loads(sparse.path.with_name("training.json").read_text())
    assert list(log) == [f"step {n}" for n in (1, 2, 3, 4)]


def test_an_interrupted_fine_tuning_goes_on_to_the_same_bytes(unet, tmp_path):
    options = {"compression": 8, "finetune_epochs": 2, "steps": 2}
    spec = VariantSpec("sparse", source="fp32", recipe=Recipe("prune-magnitude", options))

    def stop(line):
        if "step 2" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(spec, unet, trainable(tmp_path, stop), tmp_path / "cut")
    lines = []
    resumed = build(spec, unet, trainable(tmp_path, lines.append), tmp_path / "cut")
    assert sum("epoch" in line for line in lines) == 2  # those of step 2
    whole = build(spec, unet, trainable(tmp_path), tmp_path / "whole")
    assert resumed.sha256 == whole.sha256


def test_recalibration_renews_statistics_and_leaves_weights(unet, tmp_path):
    plain = make(unet, tmp_path, "prune-magnitude", compression=8)
    renewed = make(unet, tmp_path, "prune-magnitude", compression=8, recalibrate=4)
    one, two = _weights(plain.path), _weights(renewed.path)
    assert all(np.array_equal(one[name], two[name]) for name in one)
    wanted = run_onnx(unet.path, IMAGES)
    errors = [distance(run_onnx(v.path, IMAGES), wanted) for v in (plain, renewed)]
    assert errors[1] < errors[0]


def test_pruned_then_quantized(unet, tmp_path, processes):
    sparse = make(unet, tmp_path, "prune-magnitude", compression=4, finetune_epochs=3)
    small = make(sparse, tmp_path, "int8-static", calibration_cases=16)
    found, wanted = (run_onnx(v.path, IMAGES) for v in (small, sparse))
    assert 0 < distance(found, wanted) < 0.25
    assert small.gzip_bytes < sparse.gzip_bytes < unet.gzip_bytes
    assert small.nonzero_params < 0.4 * small.params
    assert small.provenance["baseline_sha256"] == sparse.sha256


def test_what_cannot_be_pruned_is_one_line(unet, baseline, tmp_path, linear):
    half = make(unet, tmp_path, "fp16")
    _refused(lambda: _prune(half, tmp_path), "no prunable weights", "prune before quantizing")
    _refused(lambda: _prune(unet, tmp_path, compression=0.5), "compression", "at least 1")
    _refused(lambda: _prune(unet, tmp_path, compression=1e5), "leaves 0 of", "at most")
    _refused(lambda: _prune(unet, tmp_path, scop="layer"), "did you mean scope?")
    _refused(lambda: _prune(unet, tmp_path, finetune_epochs=1), "task npz has no model")
    foreign = inspect_onnx("fp32", linear())
    spec = VariantSpec("s", source="fp32", recipe=Recipe("prune-magnitude", {"recalibrate": 1}))
    _refused(
        lambda: build(spec, baseline, trainable(tmp_path), tmp_path),
        "does not say which network it is",
    )
    assert np.count_nonzero(_weights(_prune(foreign, tmp_path, compression=2).path)["w"]) == 3
    assert not list(tmp_path.rglob("*.partial"))
