import numpy as np
import pytest
import torch

from benchhub.tasks import get_model, is_trainable
from benchhub.tasks.nuclei.distance import targets

pytestmark = pytest.mark.usefixtures("torch")

MODEL = get_model("nuclei")


def _net():
    torch.manual_seed(0)
    return MODEL.NETS["dual"](widths=(2, 3, 4)).eval()


def _labels():
    maps = np.zeros((2, 16, 16), dtype=np.int32)
    maps[:, 2:9, 3:10] = 1
    maps[1, 9:14, 3:9] = 2
    return torch.from_numpy(np.stack([targets(one) for one in maps]))


def test_the_task_can_be_trained():
    assert is_trainable("nuclei")
    assert (MODEL.INPUT, MODEL.OUTPUT) == ("image", "maps")


def test_two_maps_of_the_image_whatever_its_size():
    net = _net()
    with torch.no_grad():
        assert net(torch.zeros(3, 3, 16, 24)).shape == (3, 2, 16, 24)


def test_branches_share_nothing():
    net = _net()
    image = torch.randn(1, 3, 16, 16)
    with torch.no_grad():
        before = net(image)
        for parameter in net.distance.parameters():
            parameter.zero_()
        after = net(image)
    torch.testing.assert_close(before[:, 0], after[:, 0])
    assert not torch.equal(before[:, 1], after[:, 1])
    names = [name for name, _ in net.named_parameters()]
    assert {name.split(".")[0] for name in names} == {"semantic", "distance"}


def test_widths_may_come_from_json():
    net = MODEL.NETS["dual"](widths=[2, 3])
    with torch.no_grad():
        assert net.eval()(torch.zeros(1, 3, 8, 8)).shape == (1, 2, 8, 8)


def test_heads_are_submodules():
    net = _net()
    for head in net.heads:
        assert net.get_submodule(head).out_channels == 1


def test_the_shipped_widths_stay_below_two_megabytes():
    count = sum(one.numel() for one in MODEL.NETS["dual"]().parameters())
    assert 300_000 < count <= 480_000


def test_what_is_right_costs_least():
    labels = _labels()
    right = torch.stack([20.0 * (labels > 0) - 10.0, labels / 255], dim=1)
    moved = torch.roll(right, 3, dims=3)
    assert float(MODEL.loss(right, labels)) < 0.01
    assert float(MODEL.loss(moved, labels)) > 0.5
    blind = right.clone()
    blind[:, 1] = 0
    assert float(MODEL.loss(right, labels)) < float(MODEL.loss(blind, labels))


def test_loss_is_finite_without_nuclei_and_for_large_logits():
    nothing = torch.zeros(2, 16, 16, dtype=torch.uint8)
    for size in (0.0, -1e4, 1e4):
        assert torch.isfinite(MODEL.loss(torch.full((2, 2, 16, 16), size), nothing))


def test_every_weight_of_both_branches_gets_a_gradient():
    net = _net().train()
    MODEL.loss(net(torch.randn(2, 3, 16, 16)), _labels()).backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in net.parameters())


@pytest.mark.parametrize("shape", [(16, 16), (16, 24)])
def test_augmentation_moves_image_and_labels_together(shape):
    labels = torch.randint(0, 255, (2, *shape), dtype=torch.uint8)
    images = labels[:, None].repeat(1, 3, 1, 1).float()
    rng, seen = np.random.default_rng(0), set()
    for _ in range(40):
        turned, same = MODEL.augment(images, labels, rng)
        torch.testing.assert_close(turned[:, 1], same.float())
        assert turned.shape == images.shape
        seen.add(same.numpy().tobytes())
    assert len(seen) == (8 if shape[0] == shape[1] else 4)


def test_augmentation_follows_its_generator():
    labels = torch.randint(0, 255, (1, 8, 8), dtype=torch.uint8)
    images = torch.randn(1, 3, 8, 8)
    one, two = (MODEL.augment(images, labels, np.random.default_rng(3))[0] for _ in range(2))
    torch.testing.assert_close(one, two)
