import itertools
import json

import numpy as np
import onnxruntime
import pytest
import torch
from blobs import draw
from blobs_model import UNet
from ingredients import trainable
from torch import nn

from benchhub.compress.build.cached import build
from benchhub.compress.files.architecture import Architecture, build_net, read_net, write_onnx
from benchhub.compress.files.look import inspect_onnx
from benchhub.compress.networks.importance import Channels, choose
from benchhub.compress.recipes.structured import ChannelPruner
from benchhub.errors import ConfigError, Interrupted
from benchhub.model.asked import VariantSpec
from benchhub.model.recipe import Recipe

pytestmark = pytest.mark.usefixtures("torch")

EXAMPLE = torch.zeros(1, 1, 32, 32)
RATIOS = (0.0, 0.2, 0.5, 0.7, 0.9, 0.95, 0.97, 0.99, 0.999)


def _source(folder, net="unet", seed=1, **options):
    """A network of fresh weights as a variant; its scales differ, as after training."""
    architecture = Architecture("blobs", net, options)
    made = build_net(architecture, seed)
    generator = torch.Generator().manual_seed(seed)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            with torch.no_grad():
                module.weight.uniform_(0.1, 2.0, generator=generator)
    path = folder / f"{net}-{seed}.onnx"
    write_onnx(made, architecture, EXAMPLE, path, "image", "logits")
    return inspect_onnx("fp32", path)


def _prune(source, folder, progress=lambda line: None, **options):
    spec = VariantSpec("slim", source="fp32", recipe=Recipe("prune-structured", options))
    return build(spec, source, trainable(folder, progress), folder / "cache")


def _params(net):
    return sum(weight.numel() for weight in net.parameters())


@pytest.mark.parametrize("scope", ["local", "global"])
def test_parameters_shrink_with_the_ratio_to_a_thousandth_and_below(scope):
    sizes, channels = [], []
    for ratio in RATIOS:
        net = build_net(Architecture("blobs", "unet", {"width": 16, "depth": 4}))
        before = _params(net)
        pruner = ChannelPruner(net, EXAMPLE, "l2", scope)
        pruner.prune_to(1 - ratio)
        pruner.check_output()
        sizes.append(_params(net))
        layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
        channels.append([layer.out_channels for layer in layers])
    assert sizes[0] == before
    assert all(a > b for a, b in itertools.pairwise(sizes[:-1])), sizes
    assert sizes[-1] <= sizes[-2]
    assert before / sizes[-1] > 1148
    assert min(itertools.chain(*channels)) == 1
    for few, many in itertools.pairwise(reversed(channels)):
        assert all(a <= b for a, b in zip(few, many, strict=True))


@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize("importance", ["l1", "l2", "bn", "taylor", "lamp", "random"])
def test_every_importance_in_every_scope(tmp_path, importance, scope):
    source = _source(tmp_path, "mixed")
    slim = _prune(source, tmp_path, ratio=0.5, importance=importance, scope=scope)
    assert slim.params < 0.6 * source.params
    assert slim.macs < source.macs
    facts = slim.provenance
    assert facts["requested_ratio"] == "0.5"
    assert 0.4 < float(facts["achieved_ratio"]) < 0.55
    assert facts["torch-pruning"].startswith("1.")
    assert (int(facts["params"]), int(facts["macs"])) == (slim.params, slim.macs)
    assert (int(facts["source_params"]), int(facts["source_macs"])) == (source.params, source.macs)
    net, _ = read_net(slim.path)
    assert net.left.out_features + net.right.out_features == 3
    assert net.grouped[0].groups == 2
    images = draw(2, 9).inputs["image"]
    session = onnxruntime.InferenceSession(str(slim.path), providers=["CPUExecutionProvider"])
    assert np.isfinite(session.run(None, {"image": images})[0]).all()


def _silence_every_other_channel(net):
    """Zero what makes the even channels and what reads them; heads go on making all of theirs."""
    heads = {net.get_submodule(name) for name in net.heads}
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight[::2] = module.bias[::2] = 0
            if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                continue
            weight = module.weight
            made, read = (1, 0) if isinstance(module, nn.ConvTranspose2d) else (0, 1)
            if module not in heads:
                weight.transpose(0, made)[::2] = 0
                if module.bias is not None:
                    module.bias[::2] = 0
            pixels = 4 if weight.shape == (16, 64) else 1  # behind the flattened map
            if weight.shape[read] > 1:
                reading = weight.transpose(0, read)
                reading.view(-1, pixels, *reading.shape[1:])[::2] = 0


@pytest.mark.parametrize("name", ["unet", "mixed"])
def test_what_matters_least_goes_first(tmp_path, name):
    """Channels that are silent go, all of them, and the network answers as before."""
    architecture = Architecture("blobs", name, {"width": 8})
    net = build_net(architecture)
    _silence_every_other_channel(net)
    path = tmp_path / "silent.onnx"
    write_onnx(net, architecture, EXAMPLE, path, "image", "logits")
    source = inspect_onnx("fp32", path)
    slim = _prune(source, tmp_path, ratio=0.5, importance="l1", recalibrate=0)
    images = torch.from_numpy(draw(3, 9).inputs["image"])
    with torch.no_grad():
        wanted = net(images)
        found = read_net(slim.path)[0](images)
    assert (found - wanted).abs().max() < 1e-3 * wanted.std()
    assert slim.params < 0.4 * source.params


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    source = _source(tmp_path, width=4, depth=2)
    options = {"ratio": 0.5, "steps": 2, "finetune_epochs": 1, "importance": "taylor"}
    one, two, three = (
        _prune(source, tmp_path / name, **options, seed=seed)
        for name, seed in (("one", 0), ("two", 0), ("three", 1))
    )
    assert one.sha256 == two.sha256
    assert one.sha256 != three.sha256


def test_iterative_pruning_tells_what_it_does(tmp_path):
    source, lines = _source(tmp_path, width=4, depth=2), []
    slim = _prune(
        source, tmp_path, lines.append, ratio=0.75, steps=2, finetune_epochs=1, finetune_cases=16
    )
    assert [line.partition(", loss")[0] for line in lines] == [
        "slim: pruning channels to 50.000%, step 1 of 2",
        "slim: training, epoch 1 of 1",
        "slim: pruning channels to 25.000%, step 2 of 2",
        "slim: training, epoch 1 of 1",
    ]
    log = json.loads((slim.path.parent / "training.json").read_text())
    assert set(log) == {"step 1", "step 2"}
    assert log["step 2"]["cases"] == 16
    assert slim.provenance["finetune_last_loss"]
    net, _ = read_net(slim.path)
    assert isinstance(net, UNet)
    assert net.down[0][0][0].out_channels == 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Interrupted])
def test_interrupted_while_fine_tuning_it_goes_on_there(tmp_path, stop):
    source = _source(tmp_path, width=4, depth=2)
    options = {"ratio": 0.75, "steps": 2, "finetune_epochs": 2}
    wanted = _prune(source, tmp_path / "whole", **options)
    told = []

    def interrupt(line):
        told.append(line)
        if len(told) == 5:  # the first epoch of the second step
            raise stop

    with pytest.raises(stop):
        _prune(source, tmp_path, interrupt, **options)
    lines = []
    resumed = _prune(source, tmp_path, lines.append, **options)
    assert [line.partition(", loss")[0] for line in lines] == [
        "slim: pruning channels to 50.000%, step 1 of 2",
        "slim: pruning channels to 25.000%, step 2 of 2",
        "slim: training, epoch 2 of 2",
    ]
    assert resumed.sha256 == wanted.sha256
    assert len(list((tmp_path / "cache" / "variants").iterdir())) == 1


def test_pruned_networks_are_pruned_further(tmp_path):
    source = _source(tmp_path, width=8, depth=2)
    once = _prune(source, tmp_path, ratio=0.5)
    twice = _prune(once, tmp_path, ratio=0.5)
    assert twice.provenance["baseline_sha256"] == once.sha256
    assert [
        read_net(variant.path)[0].down[0][0][0].out_channels for variant in (source, once, twice)
    ] == [8, 4, 2]


def test_statistics_are_renewed_unless_told_not_to(tmp_path):
    source = _source(tmp_path, width=4, depth=2)
    renewed, left = (
        read_net(_prune(source, tmp_path, ratio=0.5, recalibrate=batches).path)[0]
        for batches in (8, 0)
    )
    assert torch.equal(renewed.head.weight, left.head.weight)
    fresh = left.down[0][0][1].running_mean
    assert torch.equal(fresh, torch.zeros_like(fresh))
    assert not torch.equal(renewed.down[0][0][1].running_mean, fresh)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"ratio": 1.0}, "prune-structured.ratio must be a number from 0 to 0.9999, not 1.0"),
        ({"ratio": -0.1}, "must be a number from 0 to 0.9999"),
        ({"ratio": float("nan")}, "must be a number from 0 to 0.9999"),
        ({"ratio": "half"}, "must be a number from 0 to 0.9999, not 'half'"),
        ({"importance": "l3"}, "importance = 'l3' is unknown"),
        ({"importance_cases": 1000, "importance": "taylor"}, "1000 cases were asked for"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, options, wanted):
    source = _source(tmp_path, width=2, depth=2)
    with pytest.raises(ConfigError) as caught:
        _prune(source, tmp_path, **options)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("cache/variants/*"))


def test_a_network_that_does_not_name_its_head(tmp_path):
    architecture = Architecture("blobs", "unnamed", {"width": 4, "depth": 2})
    net = build_net(architecture)
    net.head = nn.Conv2d(4, 3, 1)
    pruner = ChannelPruner(net, EXAMPLE, "l2", "local")
    pruner.prune_to(0.5)
    with pytest.raises(ConfigError, match=r"output has become \(1, 2, 32, 32\)"):
        pruner.check_output()


def test_a_model_of_somebody_elses(tmp_path, linear):
    with pytest.raises(ConfigError, match="does not say which network it is"):
        _prune(inspect_onnx("fp32", linear()), tmp_path)


def _channels(*scores):
    return Channels(nn.Identity(), print, scores, 1)


def test_choice_is_the_lowest_and_never_the_last():
    groups = [_channels(3.0, 1.0, 2.0), _channels(0.1, 0.2)]
    assert choose(groups, [3, 2], 1.0, "local") == [[], []]
    assert choose(groups, [3, 2], 0.34, "local") == [[1, 2], [0]]
    assert choose(groups, [3, 2], 0.01, "local") == [[1, 2], [0]]
    assert choose(groups, [3, 2], 0.8, "global") == [[], [0]]
    assert choose(groups, [3, 2], 0.6, "global") == [[1], [0]]
    assert choose(groups, [3, 2], 0.01, "global") == [[1, 2], [0]]
    # sizes before the first step count, not those that are left
    assert choose(groups, [6, 4], 0.5, "local") == [[], []]
    assert choose(groups, [6, 4], 0.4, "global") == [[], [0]]


def test_channels_of_grouped_layers_go_in_sets():
    assert Channels(nn.Identity(), print, (1.0, 2.0, 3.0), 2).indices([2, 0]) == [0, 2, 3, 5]
