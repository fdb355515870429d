import numpy as np
import pytest
import torch

from benchhub.tasks import get_model

pytestmark = pytest.mark.usefixtures("torch")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Two threads that wait for each other on busy cores take ten times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_resnet18_is_as_published_at_width_64():
    net = get_model("tissue").NETS["resnet18"]()
    # the published one has 11,689,512 parameters, of which 512 * 1000 + 1000 are its head
    assert sum(p.numel() for p in net.parameters()) == 11_689_512 - 513_000 + 512 * 9 + 9
    convolutions = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == len(convolutions) == 20
    assert net.eval()(torch.zeros(1, 3, 224, 224)).shape == (1, 9)


def test_narrow_ones_fit_the_shipped_size():
    net = get_model("tissue").NETS["resnet18"](width=12, stem=2)
    assert 4 * sum(p.numel() for p in net.parameters()) < 2e6
    assert net.eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 9)
    assert net.get_submodule(net.heads[0]).out_features == 9


def test_a_few_steps_lower_the_loss():
    model = get_model("tissue")
    torch.manual_seed(0)
    net = model.NETS["resnet18"](width=4, stem=2)
    labels = torch.arange(9)
    images = torch.randn(9, 3, 32, 32) + labels[:, None, None, None] / 3
    losses = []
    for _ in range(10):
        loss = model.loss(net(images), labels)
        net.zero_grad()
        loss.backward()
        with torch.no_grad():  # by hand: torch.optim takes seconds to import
            for weight in net.parameters():
                weight -= 0.05 * weight.grad
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_augmenting_keeps_classes_and_repeats_itself():
    model = get_model("tissue")
    images, labels = torch.randn(3, 3, 8, 8), torch.arange(3)
    one, same = model.augment(images, labels, np.random.default_rng(1))
    again, _ = model.augment(images, labels, np.random.default_rng(1))
    assert (one == again).all()
    assert one.shape == images.shape
    assert (same == labels).all()


def test_the_net_survives_onnx_and_back(tmp_path):
    from benchhub.compress.files.architecture import Architecture, build_net, read_net, write_onnx

    what = Architecture("tissue", "resnet18", {"width": 4, "stem": 2})
    net, image = build_net(what), torch.randn(2, 3, 32, 32)
    write_onnx(net, what, image[:1], tmp_path / "net.onnx", "image", "logits")
    again, told = read_net(tmp_path / "net.onnx")
    assert told == what
    with torch.no_grad():
        torch.testing.assert_close(again(image), net(image))
