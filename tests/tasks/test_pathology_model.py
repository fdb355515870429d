from pathlib import Path

import numpy as np
import pytest
import torch

from benchhub.tasks import get_model, get_task
from benchhub.tasks.pathology.metric import BPQ, MPQ
from benchhub.tasks.pathology.names import TYPES
from benchhub.tasks.pathology.watershed import nuclei
from benchhub.tasks.predictions import get_predictor, predicted
from benchhub.tasks.stained.instances import relabel

pytestmark = pytest.mark.usefixtures("torch")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Two threads that wait for each other on busy cores take ten times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    settings = {"seed": 2, "train_images": 12, "validation_images": 1, "test_images": 4, "size": 48}
    return get_task("pathology")(settings, folder, None, folder).training(None)


def _ideal(labels):
    """The maps that a network which knows the truth would give."""
    from benchhub.tasks.pathology.model import distance_maps

    maps = np.zeros((len(labels), 10, *labels.shape[2:]), dtype=np.float32)
    maps[:, 1] = np.where(labels[:, 0] > 0, 4, -4)
    maps[:, 2:4] = distance_maps(torch.from_numpy(labels[:, 0]).long()).numpy()
    for kind in range(len(TYPES) + 1):
        maps[:, 4 + kind] = 5 * (labels[:, 1] == kind)
    return maps


def test_the_net_has_one_input_and_ten_maps_and_names_its_heads():
    model = get_model("pathology")
    net = model.NETS["unet"](width=4)
    assert net(torch.zeros(2, 3, 32, 24)).shape == (2, 10, 32, 24)
    assert net.get_submodule(net.heads[0]).out_channels == 10
    convolutions = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == len(convolutions) - len(net.heads)


def test_width_16_fits_the_shipped_size():
    net = get_model("pathology").NETS["unet"]()
    assert 4 * sum(p.numel() for p in net.parameters()) < 2e6


def test_distances_by_hand():
    from benchhub.tasks.pathology.model import distance_maps

    numbers = torch.zeros(1, 6, 9, dtype=torch.long)
    numbers[0, 1:4, 1:4], numbers[0, 1:4, 4:9] = 1, 2
    across, down = distance_maps(numbers)[0].numpy()
    np.testing.assert_allclose(across[2], [0, -1, 0, 1, -1, -0.5, 0, 0.5, 1], atol=1e-6)
    np.testing.assert_allclose(down[:, 2], [0, -1, 0, 1, 0, 0], atol=1e-6)
    assert not distance_maps(torch.zeros(2, 4, 4, dtype=torch.long)).any()


def test_the_loss_is_least_for_the_truth_and_finite_without_nuclei(cases):
    model = get_model("pathology")
    labels = torch.from_numpy(cases.labels[:4])
    ideal = torch.from_numpy(_ideal(cases.labels[:4]))
    right = float(model.loss(2 * ideal, labels))
    assert right < float(model.loss(ideal.roll(5, 3), labels)) / 3
    bare = torch.zeros_like(labels)
    assert torch.isfinite(model.loss(ideal, bare))


def test_a_few_steps_lower_the_loss(cases):
    model = get_model("pathology")
    torch.manual_seed(0)
    net = model.NETS["unet"](width=4)
    images, labels = torch.from_numpy(cases.inputs["image"][:4]), torch.from_numpy(cases.labels[:4])
    losses = []
    for _ in range(12):
        loss = model.loss(net(images), labels)
        net.zero_grad()
        loss.backward()
        with torch.no_grad():  # by hand: torch.optim takes seconds to import
            for weight in net.parameters():
                weight -= 0.05 * weight.grad
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_augmenting_moves_images_and_labels_alike(cases):
    model = get_model("pathology")
    labels = torch.from_numpy(cases.labels)
    images = (labels[:, 1:2] > 0).float().repeat(1, 3, 1, 1) * 10
    seen = set()
    for seed in range(8):
        moved, truth = model.augment(images, labels, np.random.default_rng(seed))
        assert ((moved[:, 0] > 5) == (truth[:, 1] > 0)).all()
        seen.add(truth.numpy().tobytes())
        again, _ = model.augment(images, labels, np.random.default_rng(seed))
        assert (again == moved).all()
    assert len(seen) > 3


def test_the_watershed_gives_the_truth_back(cases):
    found = nuclei(_ideal(cases.labels))
    assert found.shape == (12, 2, 48, 48)
    assert found.dtype == np.int16
    ones = np.ones((1, 12))
    assert BPQ.weighted(found, cases.labels, ones)[0] > 0.85
    assert MPQ.weighted(found, cases.labels, ones)[0] > 0.75


def test_touching_nuclei_are_parted_and_typed_each():
    labels = np.zeros((1, 3, 24, 32), dtype=np.int16)
    labels[0, 0, 6:17, 3:14], labels[0, 0, 6:17, 14:25] = 1, 2
    labels[0, 1] = np.array([0, 3, 5])[labels[0, 0]]
    found = nuclei(_ideal(labels))
    np.testing.assert_array_equal(relabel(found[0, 0]) > 0, labels[0, 0] > 0)
    assert found[0, 0].max() == 2
    assert BPQ.weighted(found, labels, np.ones((1, 1)))[0] > 0.9
    assert (found[0, 1, 10, 5], found[0, 1, 10, 20]) == (3, 5)


@pytest.mark.parametrize(
    "value", [0.0, 1e30, -1e30, np.nan, np.inf], ids=["zero", "huge", "low", "nan", "inf"]
)
def test_constant_outputs_do_not_crash(value):
    found = nuclei(np.full((2, 10, 16, 16), value, dtype=np.float32))
    assert not found.any(), "as likely ground as nucleus is ground"


def test_noise_and_holes_do_not_crash():
    rng = np.random.default_rng(0)
    maps = rng.normal(0, 5, (3, 10, 24, 24)).astype(np.float32)
    maps[rng.random(maps.shape) < 0.02] = np.nan
    found = nuclei(maps)
    assert ((found[:, 0] > 0) == (found[:, 1] > 0)).all()
    assert found[:, 1].max() <= len(TYPES)
    assert nuclei(maps[:0]).shape == (0, 2, 24, 24)


def test_predictions_have_it_by_name(cases):
    maps = _ideal(cases.labels[:3])
    found, took_ns = predicted(get_predictor("pathology", Path()), [maps])
    np.testing.assert_array_equal(found, nuclei(maps))
    assert (took_ns > 0).all()


def test_the_net_survives_onnx_and_back(tmp_path, cases):
    from benchhub.compress.files.architecture import Architecture, build_net, read_net, write_onnx

    what = Architecture("pathology", "unet", {"width": 4})
    net, image = build_net(what), torch.from_numpy(cases.inputs["image"][:2])
    write_onnx(net, what, image[:1], tmp_path / "net.onnx", "image", "maps")
    again, told = read_net(tmp_path / "net.onnx")
    assert told == what
    with torch.no_grad():
        torch.testing.assert_close(again(image), net(image))
