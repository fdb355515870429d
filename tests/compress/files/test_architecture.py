import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch_pruning
from blobs_model import Mixed
from torch import nn

from benchhub.compress.files.architecture import (
    KEY,
    Architecture,
    build_net,
    example_of,
    read_net,
    write_like,
    write_onnx,
)
from benchhub.compress.files.look import inspect_onnx
from benchhub.compress.networks.channel_graph import channel_graph
from benchhub.errors import ConfigError

pytestmark = pytest.mark.usefixtures("torch")

MIXED = Architecture("blobs", "mixed", {"width": 8})
EXAMPLE = torch.zeros(1, 1, 32, 32)


def _fresh(architecture: Architecture = MIXED) -> nn.Module:
    """A network whose normalisations are not the identity."""
    net = build_net(architecture, seed=3)
    generator = torch.Generator().manual_seed(4)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    return net


def _write(net: nn.Module, path: Path, architecture: Architecture = MIXED) -> Path:
    write_onnx(net, architecture, EXAMPLE, path, "image", "logits")
    return path


def _check_same(net: nn.Module, path: Path) -> None:
    """Torch, onnxruntime and the network read back agree, at a batch that was not exported."""
    images = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(5))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": images.numpy()})
    again, _ = read_net(path)
    with torch.no_grad():
        wanted = net(images)
        assert torch.equal(again(images), wanted)
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


@pytest.mark.parametrize("name", ["mixed", "unet"])
def test_a_network_comes_back_as_it_was(tmp_path, name):
    architecture = Architecture("blobs", name, {"width": 8})
    net = _fresh(architecture)
    path = _write(net, tmp_path / "net.onnx", architecture)
    _check_same(net, path)
    assert read_net(path)[1] == architecture
    variant = inspect_onnx("net", path)
    counted = [v for v in net.state_dict().values() if v.dim()]
    assert variant.params == sum(value.numel() for value in counted)
    assert variant.macs is not None
    assert [spec.shape[0] for spec in (*variant.inputs, *variant.outputs)] == [None, None]


def test_names_are_those_of_the_state_dict_and_norms_stay(tmp_path):
    net = _fresh()
    model = onnx.load(_write(net, tmp_path / "net.onnx"))
    names = {tensor.name for tensor in model.graph.initializer}
    assert names == {name for name, value in net.state_dict().items() if value.dim()}
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("BatchNormalization") == 5
    # equal weights are each kept, and sizes that are constant are constants
    assert not {"Identity", "Shape"} & set(kinds)


def test_the_same_network_gives_the_same_bytes(tmp_path):
    one, two = (_write(_fresh(), tmp_path / name) for name in ("one.onnx", "two.onnx"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("keep", [1, 3])
def test_a_pruned_network_comes_back(tmp_path, keep):
    net = _fresh()
    assert isinstance(net, Mixed)
    graph = channel_graph(net, EXAMPLE)
    prune = torch_pruning
    for layer, function, channels in [
        (net.narrow, prune.prune_conv_out_channels, 16),
        (net.wide, prune.prune_conv_out_channels, 8),
        (net.hidden, prune.prune_linear_out_channels, 16),
    ]:
        graph.get_pruning_group(layer, function, list(range(keep, channels))).prune()
    # the stem goes through the depthwise and into the grouped convolution, in pairs
    gone = [c for c in range(8) if c % 4 >= keep]
    graph.get_pruning_group(net.stem[0], prune.prune_conv_out_channels, gone).prune()
    assert net.depthwise[0].groups == 2 * keep
    before = _write(_fresh(), tmp_path / "before.onnx")
    path = tmp_path / "pruned.onnx"
    write_like(net, before, path)
    _check_same(net, path)
    again = read_net(path)[0]
    assert isinstance(again, Mixed)
    assert again.depthwise[0].groups == again.depthwise[0].in_channels == 2 * keep
    assert again.grouped[0].groups == 2
    assert again.wide.in_channels == again.narrow.out_channels == keep
    assert again.hidden.out_features == keep


def test_pruned_and_then_trained_further(tmp_path):
    """What was read back has layers that training can change."""
    net = read_net(_write(_fresh(), tmp_path / "net.onnx"))[0]
    net.train()
    net(torch.randn(4, 1, 32, 32)).sum().backward()
    assert all(weight.grad is not None for weight in net.parameters())


def test_zero_weights_of_one_size_stay_apart(tmp_path):
    net = _fresh()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.bias.zero_()
                module.weight.zero_()
    _check_same(net, _write(net, tmp_path / "net.onnx"))


def test_the_example_has_the_size_of_the_input(tmp_path):
    assert example_of(_write(_fresh(), tmp_path / "net.onnx")).shape == (1, 1, 32, 32)


def _with_props(path: Path, text: str) -> None:
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {KEY: text})
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{", "metadata benchhub.architecture is damaged"),
        ('{"net": "mixed"}', "metadata benchhub.architecture is damaged"),
        (json.dumps({"task": "blobs", "net": "mixde", "options": {}}), "did you mean mixed?"),
        (json.dumps({"task": "blob", "net": "mixed", "options": {}}), "did you mean blobs?"),
        (json.dumps({"task": "npz", "net": "mixed", "options": {}}), "no model that can be"),
        (
            json.dumps({"task": "blobs", "net": "mixed", "options": {"widht": 1}}),
            "mixed.widht is unknown; did you mean width?",
        ),
        (
            json.dumps({"task": "blobs", "net": "unet", "options": {"width": 0}}),
            "unet cannot be built with {'width': 0}: width must be at least 1",
        ),
        (json.dumps({"task": "blobs", "net": "unet", "options": {}}), "it has no weights"),
    ],
)
def test_metadata_that_does_not_fit_is_one_line(tmp_path, text, wanted):
    path = _write(_fresh(), tmp_path / "net.onnx")
    _with_props(path, text)
    with pytest.raises(ConfigError) as caught:
        read_net(path)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_somebody_elses(linear):
    with pytest.raises(ConfigError, match="does not say which network it is"):
        read_net(linear())
