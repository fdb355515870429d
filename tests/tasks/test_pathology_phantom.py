import numpy as np
import pytest

from benchhub.tasks import get_task
from benchhub.tasks.pathology.names import CHANNELS, TISSUES
from benchhub.tasks.pathology.phantom import PathologyPhantom, picture, write_phantom

SMALL = PathologyPhantom(seed=3, train_images=4, validation_images=1, test_images=19, size=32)
SETTINGS = {
    "seed": 3, "train_images": 4, "validation_images": 1, "test_images": 19, "size": 32,
}  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    write_phantom(SMALL, cache)
    return cache


@pytest.fixture(scope="module")
def data(cache):
    return get_task("pathology")(SETTINGS, cache, None, cache)


def test_layout_is_that_of_pannuke(cache):
    folder = write_phantom(SMALL, cache)
    for fold, count in enumerate((4, 1, 19), start=1):
        images = np.load(folder / f"Fold {fold}" / "images" / f"fold{fold}" / "images.npy")
        masks = np.load(folder / f"Fold {fold}" / "masks" / f"fold{fold}" / "masks.npy")
        types = np.load(folder / f"Fold {fold}" / "images" / f"fold{fold}" / "types.npy")
        assert images.shape == (count, 32, 32, 3)
        assert masks.shape == (count, 32, 32, len(CHANNELS))
        np.testing.assert_array_equal(masks[..., 5] == 1, (masks[..., :5] == 0).all(axis=-1))
        assert list(types) == [TISSUES[k % 19] for k in range(count)]


def test_the_same_seed_gives_the_same_images(tmp_path):
    one, other = (picture(SMALL, 3, 5)[0] for _ in range(2))
    np.testing.assert_array_equal(one.image, other.image)
    assert (picture(SMALL, 3, 6)[0].image != one.image).any()
    assert (picture(SMALL, 1, 5)[0].image != one.image).any()
    more = PathologyPhantom(seed=3, test_images=99, size=32)
    np.testing.assert_array_equal(picture(more, 3, 5)[0].image, one.image)
    assert more.key != SMALL.key


def test_the_loader_reads_it_with_every_tissue_and_touching_nuclei(data):
    cases = data.cases(None)
    assert cases.labels.shape == (19, 3, 32, 32)
    assert sorted({int(tissue) for tissue in cases.labels[:, 2, 0, 0]}) == list(range(19))
    assert cases.label_names[5:] == TISSUES
    numbers = cases.labels[:, 0]
    beside = (numbers[:, :, :-1] > 0) & (numbers[:, :, 1:] > 0)
    assert (beside & (numbers[:, :, :-1] != numbers[:, :, 1:])).any(), "no two nuclei touch"
    assert (cases.labels[:, 1] > 0).any(axis=(1, 2)).sum() >= 18
    assert np.ptp(cases.inputs["image"]) > 2
    assert "phantom" in data.description
    assert len(data.provenance["sha256"]) == 64


def test_some_images_show_no_nucleus():
    bare, _ = picture(SMALL, 3, 47)
    assert not bare.instances.any()


def test_a_finished_folder_is_not_written_again(cache):
    folder = write_phantom(SMALL, cache)
    before = (folder / "phantom.json").stat().st_mtime_ns
    assert write_phantom(SMALL, cache) == folder
    assert (folder / "phantom.json").stat().st_mtime_ns == before
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]
