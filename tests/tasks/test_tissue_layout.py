import numpy as np
import pytest
from PIL import Image

from benchhub.errors import ConfigError
from benchhub.tasks import get_task
from benchhub.tasks.tissue.layout import CLASSES, TEST, TRAIN
from benchhub.tasks.tissue.phantom import TissuePhantom, patch, write_phantom


class Copy:
    """A tiny copy of NCT-CRC-HE; tests spoil its files, then open it."""

    def __init__(self, folder):
        self.folder = folder
        for shelf, count in ((TRAIN, 3), (TEST, 2)):
            for kind, name in enumerate(CLASSES):
                (folder / shelf / name).mkdir(parents=True)
                for index in range(count):
                    self.save(shelf, name, index, np.full((8, 8, 3), 20 * kind + index, np.uint8))

    def path(self, shelf, name, index):
        return self.folder / shelf / name / f"{name}-{index:04d}.tif"

    def save(self, shelf, name, index, pixels, **how):
        Image.fromarray(pixels, **how).save(self.path(shelf, name, index))

    def open(self, **settings):
        return get_task("tissue")(settings, self.folder, self.folder, self.folder / "cache")


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


def _refused(act, *wanted):
    with pytest.raises(ConfigError) as caught:
        act()
    message = str(caught.value)
    assert "\n" not in message
    for text in wanted:
        assert text in message


def test_reads_the_layout(copy):
    data = copy.open()
    cases = data.cases(None)
    assert cases.inputs["image"].shape == (18, 3, 8, 8)
    assert sorted(cases.labels.tolist()) == sorted([*range(9)] * 2)
    assert cases.label_names == CLASSES
    assert cases.groups == cases.ids, "the files name no patients: a patch is its own group"
    row = cases.ids.index("LYM/LYM-0001.tif")
    assert cases.labels[row] == CLASSES.index("LYM")
    np.testing.assert_allclose(cases.inputs["image"][row], (61 / 255 - 0.65) / 0.2, rtol=1e-5)
    assert len(data.training(None).ids) == 27
    assert data.calibration(4)["image"].shape == (4, 3, 8, 8)


def test_classes_take_turns_and_subsets_are_stable(copy):
    data = copy.open(seed=5)
    assert sorted(data.cases(9).labels.tolist()) == list(range(9))
    assert data.cases(None).ids[:5] == data.cases(5).ids
    assert data.training(7).ids == data.training(None).ids[:7]
    assert copy.open(seed=5).cases(9).ids == data.cases(9).ids


def test_patches_are_shrunk_by_areas(copy):
    fine = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    copy.save(TEST, "TUM", 0, fine)
    cases = copy.open(size=4).cases(None)
    row = cases.ids.index("TUM/TUM-0000.tif")
    areas = fine.reshape(4, 2, 4, 2, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
    np.testing.assert_allclose(cases.inputs["image"][row], (areas / 255 - 0.65) / 0.2, atol=0.02)


def test_missing_class_folder(copy):
    for path in (copy.folder / TEST / "MUC").iterdir():
        path.unlink()
    _refused(copy.open, str(copy.folder / TEST / "MUC"), "no .tif")
    (copy.folder / TEST / "MUC").rmdir()
    _refused(copy.open, str(copy.folder / TEST / "MUC"), "class MUC is missing")


def test_missing_split(copy):
    (copy.folder / TRAIN).rename(copy.folder / "NCT")
    _refused(copy.open, TRAIN, "no such folder")


@pytest.mark.filterwarnings("ignore:Truncated File Read")
def test_unreadable_file(copy):
    data = copy.open()
    path = copy.path(TEST, "STR", 1)
    path.write_bytes(path.read_bytes()[:120])
    _refused(lambda: data.cases(None), str(path), "not a readable 8-bit TIFF")
    path.write_bytes(b"nothing of a kind")
    _refused(lambda: data.cases(None), str(path), "unknown format")


def test_other_sizes(copy):
    data = copy.open()
    copy.save(TEST, "NORM", 0, np.zeros((8, 9, 3), np.uint8))
    _refused(lambda: data.cases(None), "NORM-0000.tif", "9 x 8 pixels", "8 x 8")


def test_other_modes(copy):
    data = copy.open()
    copy.save(TRAIN, "DEB", 2, np.zeros((8, 8, 4), np.uint8))
    _refused(lambda: data.training(None), "DEB-0002.tif", "mode RGBA")
    copy.save(TRAIN, "DEB", 2, np.zeros((8, 8), np.uint16))
    _refused(lambda: data.training(None), "DEB-0002.tif", "mode I;16")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"sede": 1}, "data.sede is unknown; did you mean seed?"),
        ({"size": 0}, "data.size must be a whole number of at least 1"),
    ],
)
def test_wrong_settings(copy, settings, wanted):
    _refused(lambda: copy.open(**settings), wanted)


def test_more_cases_than_there_are(copy):
    data = copy.open()
    _refused(lambda: data.cases(19), "19 cases", "are 18", "scenarios.quality.cases")
    _refused(lambda: data.calibration(28), "28 calibration cases", "are 27")


def test_phantom_is_read_by_the_same_loader(tmp_path):
    settings = {"seed": 1, "train_patches": 1, "test_patches": 2, "size": 24}
    data = get_task("tissue")(settings, tmp_path, None, tmp_path)
    cases = data.cases(None)
    assert cases.inputs["image"].shape == (18, 3, 24, 24)
    assert (np.bincount(cases.labels) == 2).all()
    phantom = TissuePhantom(1, 1, 2, 24)
    folder = write_phantom(phantom, tmp_path)
    assert (folder / TRAIN / "TUM" / "TUM-000000.tif").is_file()
    row = cases.ids.index("ADI/ADI-000001.tif")
    wanted = (patch(phantom, "test", 0, 1) / 255 - 0.65) / 0.2
    np.testing.assert_allclose(cases.inputs["image"][row], wanted.transpose(2, 0, 1), atol=1e-5)
    assert (patch(phantom, "train", 0, 0) != patch(phantom, "test", 0, 0)).any()
    assert len(data.provenance["sha256"]) == 64
    dense, bare = (
        patch(phantom, "test", CLASSES.index(name), 0).mean() for name in ("LYM", "BACK")
    )
    assert dense < bare
