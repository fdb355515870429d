import json

import numpy as np
import pytest
import torch
from torch import nn

from benchhub.compress.files.architecture import Architecture, read_net, write_onnx
from benchhub.compress.networks.training import fit
from benchhub.model.quality import Cases
from benchhub.tasks import get_model, get_task
from benchhub.tasks.chest_xray import model
from benchhub.tasks.chest_xray.lesions import LABELS

pytestmark = pytest.mark.usefixtures("torch")

NETS = pytest.mark.parametrize("name", sorted(model.NETS))


def _small(name, **options):
    torch.manual_seed(1)
    return model.NETS[name](width=4, **options).eval()


def test_the_task_names_its_model():
    assert get_model("chest_xray") is model
    assert set(model.NETS) == {"residual", "dense"}


@NETS
def test_a_net_is_as_large_as_promised_and_takes_any_size(name):
    net = model.NETS[name]()
    assert sum(weight.numel() for weight in net.parameters()) <= 480_000
    for size in (32, 64, 96):
        with torch.inference_mode():
            assert _small(name, size=size)(torch.zeros(2, 1, size, size)).shape == (2, 14)


@NETS
def test_heads_are_the_last_layer_and_norms_follow_convolutions(name):
    net = model.NETS[name]()
    assert [type(net.get_submodule(head)) for head in net.heads] == [nn.Linear]
    assert net.get_submodule(net.heads[0]).out_features == len(LABELS)
    convolutions = sum(isinstance(one, nn.Conv2d) for one in net.modules())
    assert convolutions == sum(isinstance(one, nn.BatchNorm2d) for one in net.modules()) > 6


@NETS
def test_an_onnx_file_is_the_net_again(name, tmp_path):
    net = _small(name)
    path = tmp_path / "net.onnx"
    example = torch.zeros(1, 1, 64, 64)
    made = Architecture("chest_xray", name, {"width": 4})
    write_onnx(net, made, example, path, model.INPUT, model.OUTPUT)
    again, architecture = read_net(path)
    assert architecture == made
    json.dumps(architecture.options)
    images = torch.randn(3, 1, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(again(images), net(images), rtol=1e-5, atol=1e-5)


def test_folding_changes_no_answer():
    net = _small("residual").train()
    net(torch.randn(8, 1, 64, 64))  # statistics other than 0 and 1
    net.eval()
    images = torch.randn(3, 1, 64, 64)
    with torch.inference_mode():
        before = net(images)
        net.fold()
        torch.testing.assert_close(net(images), before, rtol=1e-4, atol=1e-5)
    assert not any(isinstance(one, nn.BatchNorm2d) for one in net.modules())


def test_loss_is_the_mean_cross_entropy():
    logits, labels = torch.tensor([[0.0, 2.0]]), torch.tensor([[1, 0]], dtype=torch.uint8)
    expected = (np.log(2) + np.log1p(np.exp(2))) / 2
    assert float(model.loss(logits, labels)) == pytest.approx(expected)
    weighed = model.loss(logits, labels, torch.tensor([3.0, 1.0]))
    assert float(weighed) == pytest.approx((3 * np.log(2) + np.log1p(np.exp(2))) / 2)


def test_augmenting_moves_a_batch_and_keeps_its_labels():
    images = torch.arange(64.0).reshape(1, 1, 8, 8).repeat(2, 1, 1, 1)
    labels = torch.ones(2, 14)
    moves = set()
    for seed in range(40):
        moved, kept = model.augment(images, labels, np.random.default_rng(seed))
        assert kept is labels
        assert torch.equal(moved[0], moved[1])
        row, column = divmod(int((moved[0, 0] == 0).nonzero()[0] @ torch.tensor([8, 1])), 8)
        moves.add(((row + 4) % 8 - 4, (column + 4) % 8 - 4))
    assert len(moves) > 15
    assert all(-3 <= down <= 3 and -3 <= right <= 3 for down, right in moves)


@pytest.mark.parametrize(("name", "options"), [("residual", {}), ("dense", {"layers": (1, 1)})])
def test_training_learns_from_the_task(name, options, tmp_path):
    settings = {"seed": 3, "train_patients": 30, "test_patients": 20, "size": 32}
    data = get_task("chest_xray")(settings, tmp_path, None, tmp_path)
    whole = data.training(48)
    assert isinstance(whole, Cases)
    torch.manual_seed(1)
    net = model.NETS[name](width=4, size=32, **options)
    log = fit(net, whole, model, epochs=3, seed=0, folder=tmp_path / "f", progress=lambda _: None)
    assert log.losses[-1] < log.losses[0]
