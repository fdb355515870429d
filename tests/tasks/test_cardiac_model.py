import numpy as np
import onnxruntime
import pytest
import torch
from repository import ROOT

from benchhub.compress import Ingredients, get_recipe, recipe_names
from benchhub.compress.options import complete
from benchhub.config.suite import load_suite
from benchhub.tasks import get_model, get_task
from benchhub.tasks.cardiac import model
from benchhub.tasks.cardiac.metric import DICE, class_map, encode

pytestmark = pytest.mark.usefixtures("torch")

TINY = {"seed": 5, "train_patients": 3, "test_patients": 2, "slices": 2, "size": 32,
        "spacing_mm": 5.0}  # fmt: skip


def _parameters(net):
    return sum(value.numel() for value in net.parameters())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("unet", {"width": 2, "depth": 3}),
        ("unet", {"width": 2, "depth": 4, "growth": 2.5}),
        ("unet", {"width": 1, "depth": 1}),
        ("deeplab", {"width": 2, "blocks": [1, 1, 1, 1], "pyramid": 4}),
    ],
)
def test_every_net_answers_with_a_logit_for_every_class(name, options):
    net = model.NETS[name](**options).eval()
    for head in net.heads:
        net.get_submodule(head)
    with torch.no_grad():
        assert net(torch.zeros(2, 1, 32, 32)).shape == (2, 4, 32, 32)
    convolutions = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == len(convolutions) - len(net.heads)


def test_sizes():
    # 4 bytes a parameter, so the shipped one stays below 2 MB
    assert _parameters(model.CardiacUNet()) == 450_356
    assert _parameters(model.CardiacUNet(width=8, depth=5, growth=3.0)) == 7_248_716
    # one channel a layer: how far sculpting can go
    assert _parameters(model.CardiacUNet(width=1, growth=1.0)) == 198
    with torch.device("meta"):
        assert _parameters(model.DeepLab()) == pytest.approx(40e6, rel=0.05)


def test_loss_is_smallest_where_the_truth_is():
    truth = torch.randint(0, 4, (3, 8, 8), generator=torch.Generator().manual_seed(1))
    labels = torch.from_numpy(encode(truth.numpy(), 6))
    right = 20 * torch.nn.functional.one_hot(truth, 4).permute(0, 3, 1, 2).float()
    assert float(model.loss(right, labels)) == pytest.approx(0, abs=1e-3)
    # no opinion: ln 4 of entropy, and of Dice what a quarter of each pixel overlaps
    even = model.loss(torch.zeros(3, 4, 8, 8), labels)
    share = [(0.5 * n + 1) / (0.25 * 192 + n + 1) for n in torch.bincount(truth.flatten())[1:]]
    assert float(even) == pytest.approx(np.log(4) + 1 - float(np.mean(share)), rel=1e-4)
    assert float(model.loss(-right, labels)) > float(even)


def test_loss_of_empty_truth_is_finite_and_has_a_gradient():
    outputs = torch.zeros(2, 4, 4, 4, requires_grad=True)
    loss = model.loss(outputs, torch.zeros(2, 4, 4, dtype=torch.int16))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(outputs.grad).all()
    assert outputs.grad.abs().sum() > 0


def test_augmented_labels_move_with_the_image():
    labels = torch.zeros(4, 32, 32, dtype=torch.int16)
    labels[:, 8:20, 10:24] = 3
    images = (labels[:, None] == 3).float()
    moved, told = model.augment(images, labels, np.random.default_rng(2))
    assert told.dtype == labels.dtype
    assert set(told.unique().tolist()) == {0, 3}
    assert not torch.equal(told, labels)
    for image, label in zip(moved[:, 0], told, strict=True):
        bright, dark = image[label == 3], image[label == 0]
        assert bright.min() > dark.max() - 0.6
        assert bright.mean() > dark.mean() + 0.7
    again = model.augment(images, labels, np.random.default_rng(2))
    assert torch.equal(again[0], moved)
    assert torch.equal(again[1], told)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return get_task("cardiac")(TINY, cache, None, cache)


@pytest.fixture
def make(dataset, tmp_path):
    """Make a variant as a suite would, from the tiny phantom."""

    def run(name, source, output, **options):
        entry = get_recipe(name)
        own = {key: value for key, value in options.items() if key in entry.options}
        others = {key: value for key, value in options.items() if key not in own}
        folder = tmp_path / f"scratch-{output.stem}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        given = Ingredients(
            dataset.calibration, dataset.training, "cardiac", folder, lambda line: None
        )
        whole = {**complete(name, own, entry.options), **others}
        return entry.make(source, output, whole, given)

    return run


def _dice(path, dataset):
    cases = dataset.cases(None)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = session.run([model.OUTPUT], {model.INPUT: cases.inputs["image"]})[0]
    return DICE.weighted(class_map(outputs), cases.labels, np.ones((1, len(outputs))))[0]


def test_is_trained_pruned_and_quantized(dataset, make, tmp_path):
    """The whole chain of the suite at tiny size: each step writes a model that still answers."""
    assert get_model("cardiac") is model
    trained, pruned, small = (tmp_path / f"{name}.onnx" for name in ("net", "pruned", "int8"))
    facts = make("train", None, trained, width=4, depth=3, epochs=25, learning_rate=0.03)
    assert float(facts["train_last_loss"]) < 0.9 * float(facts["train_first_loss"])
    assert 0 <= _dice(trained, dataset) <= 1
    facts = make("prune-structured", trained, pruned, ratio=0.5, finetune_epochs=2)
    assert float(facts["achieved_ratio"]) == pytest.approx(0.5)
    assert 0 <= _dice(pruned, dataset) <= 1
    make("int8-static", pruned, small, calibration_cases=4)
    assert small.stat().st_size > 0
    assert 0 <= _dice(small, dataset) <= 1


@pytest.mark.parametrize(
    ("net", "options"),
    [
        ("unet", {"width": 4, "depth": 3}),
        ("deeplab", {"width": 4, "blocks": [1, 1, 1, 1], "pyramid": 8}),
    ],
)
def test_one_channel_a_layer_still_answers(net, options, dataset, make, tmp_path):
    trained, least = tmp_path / "net.onnx", tmp_path / "least.onnx"
    make("train", None, trained, net=net, **options, epochs=1)
    for scope in ("local", "global"):
        facts = make(
            "prune-structured", trained, least, ratio=0.999, scope=scope, importance="lamp"
        )
        assert facts["fewest_channels"].startswith("1 in ")
        score = _dice(least, dataset)
        assert np.isnan(score) or 0 <= score <= 1


@pytest.mark.parametrize("name", ["suite", "gpu", "small", "deeplab", "train"])
def test_suites_are_whole(name):
    folder = ROOT / "suites" / "cardiac-sculpting"
    suite = load_suite(folder / f"{name}.toml")
    assert suite.task == "cardiac"
    for variant in suite.variants:
        if variant.model is not None:
            assert variant.model.is_file()
            assert variant.model.stat().st_size < 2_000_000
        else:
            assert variant.recipe.name in recipe_names()
