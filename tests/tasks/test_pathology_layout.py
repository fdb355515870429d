import numpy as np
import pytest

from benchhub.errors import ConfigError
from benchhub.tasks import get_task
from benchhub.tasks.pathology.layout import read_folds
from benchhub.tasks.pathology.names import TYPES

SIZE = 16
PLACES = {"images": "images", "types": "images", "masks": "masks"}


class Copy:
    """A tiny copy of PanNuke; tests spoil its arrays, then open it."""

    def __init__(self, folder, dtype=np.float64, form="Fold {n}/{shelf}/fold{n}"):
        self.folder, self.form = folder, form
        rng = np.random.default_rng(1)
        self.arrays = {}
        for fold, count in ((1, 4), (2, 2), (3, 3)):
            masks = np.zeros((count, SIZE, SIZE, 6), dtype=dtype)
            masks[:, 2:6, 2:6, 0] = 7
            masks[:, 8:12, 2:6, 0] = 9
            masks[:, 2:6, 10:14, 3] = 7
            masks[..., 5] = masks[..., :5].max(axis=-1) == 0
            self.arrays[fold] = {
                "images": rng.integers(0, 256, (count, SIZE, SIZE, 3)).astype(dtype),
                "masks": masks,
                "types": np.array(["Breast", "Colon", "Breast", "Liver"][:count]),
            }

    def path(self, fold, kind):
        place = self.form.format(n=fold, shelf=PLACES[kind])
        return self.folder / place / f"{kind}.npy"

    def open(self, **settings):
        for fold, arrays in self.arrays.items():
            for kind, array in arrays.items():
                path = self.path(fold, kind)
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, array)
        return self.reopen(**settings)

    def reopen(self, **settings):
        return get_task("pathology")(settings, self.folder, self.folder, self.folder / "cache")


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


@pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.float32])
@pytest.mark.parametrize("form", ["Fold {n}/{shelf}/fold{n}", "fold_{n}", "x/FOLD-{n}/deep/er"])
def test_reads_every_layout(tmp_path, dtype, form):
    copy = Copy(tmp_path, dtype, form)
    cases = copy.open().cases(None)
    assert cases.inputs["image"].shape == (3, 3, SIZE, SIZE)
    assert cases.inputs["image"].dtype == np.float32
    assert cases.label_names == (*TYPES, "Breast", "Colon", "Liver")
    assert cases.groups == cases.ids, "PanNuke names no patients: an image is its own group"
    row = cases.ids.index("fold3/00001")
    wanted = (copy.arrays[3]["images"][1] / 255 - 0.6) / 0.2
    np.testing.assert_allclose(cases.inputs["image"][row], wanted.transpose(2, 0, 1), atol=1e-5)
    assert (cases.labels[row, 2] == 1).all(), "the tissue's place among the names"


def test_numbers_are_new_across_channels(copy):
    numbers, kinds = copy.open().test.marks(0)
    assert [numbers[3, 3], numbers[9, 3], numbers[3, 11], numbers[0, 0]] == [1, 2, 3, 0]
    assert [kinds[3, 3], kinds[9, 3], kinds[3, 11], kinds[0, 0]] == [1, 1, 4, 0]


def test_where_channels_overlap_the_later_lies_on_top(copy):
    copy.arrays[3]["masks"][0, 4:8, 4:8, 4] = 1
    numbers, kinds = copy.open().test.marks(0)
    assert (numbers[5, 5], kinds[5, 5]) == (4, 5)
    assert (numbers[3, 3], kinds[3, 3]) == (1, 1)


def test_folds_have_roles(copy):
    data = copy.open(train_fold=2, validation_fold=3, test_fold=1)
    assert len(data.cases(None).ids) == 4
    assert set(data.training(None).groups) == {"fold2/00000", "fold2/00001"}
    assert len(data.validating(None).ids) == 3
    assert data.calibration(1)["image"].shape == (1, 3, SIZE, SIZE)
    assert data.provenance["test_fold"] == "1"


def test_two_folds_will_do_without_validation(copy):
    del copy.arrays[2]
    _refused(copy.open, "no fold 2")
    data = copy.reopen(validation_fold=0)
    _refused(lambda: data.validating(None), "no validation fold")


def test_arrays_stay_on_disk(copy):
    assert isinstance(copy.open().test.images, np.memmap)


def test_tissues_take_turns(tmp_path):
    copy = Copy(tmp_path)
    copy.arrays[3]["types"] = np.array(["Colon", "Colon", "Breast"])
    data = copy.open()
    first = data.cases(2)
    assert {first.label_names[5 + label[2, 0, 0]] for label in first.labels} == {"Breast", "Colon"}
    assert data.cases(None).ids[:2] == first.ids


def test_tiles_are_cases_and_share_a_group(copy):
    whole = copy.open()
    tiled = copy.reopen(size=8)
    cases = tiled.cases(None)
    assert len(cases.ids) == 12
    assert len(set(cases.groups)) == 3
    row = cases.ids.index("fold3/00001/3")
    other = whole.cases(None)
    at = other.ids.index("fold3/00001")
    np.testing.assert_array_equal(cases.inputs["image"][row], other.inputs["image"][at, :, 8:, 8:])
    np.testing.assert_array_equal(cases.labels[row], other.labels[at, :, 8:, 8:])
    assert tiled.cases(6).ids == cases.ids[:6]


def test_shrinking_averages_colours_and_keeps_whole_numbers(copy):
    data = copy.open(shrink=2)
    cases = data.cases(None)
    assert cases.labels.shape == (3, 3, 8, 8)
    row = cases.ids.index("fold3/00000")
    areas = copy.arrays[3]["images"][0].reshape(8, 2, 8, 2, 3).mean(axis=(1, 3))
    wanted = ((areas / 255 - 0.6) / 0.2).transpose(2, 0, 1)
    np.testing.assert_allclose(cases.inputs["image"][row], wanted, atol=1e-5)
    assert set(np.unique(cases.labels[row, 0])) == {0, 1, 2, 3}


@pytest.mark.parametrize("kind", ["images", "masks", "types"])
def test_missing_file_is_named_with_its_fold(copy, kind):
    copy.open()
    copy.path(2, kind).unlink()
    _refused(copy.reopen, "fold 2", f"no {kind}.npy")


def test_file_twice(copy, tmp_path):
    copy.open()
    again = tmp_path / "old" / "fold3" / "masks.npy"
    again.parent.mkdir(parents=True)
    np.save(again, copy.arrays[3]["masks"])
    _refused(copy.reopen, "fold 3", "twice", str(again))


def test_no_folds(tmp_path):
    _refused(lambda: Copy(tmp_path).reopen(), "no images.npy")
    _refused(lambda: read_folds(tmp_path / "no", (1,)), "no such folder")


def _crop_masks(arrays):
    arrays["masks"] = arrays["masks"][:, :8]


def _fewer_masks(arrays):
    arrays["masks"] = arrays["masks"][:-1]


def _five_channels(arrays):
    arrays["masks"] = arrays["masks"][..., :5]


def _rgba(arrays):
    arrays["images"] = np.concatenate([arrays["images"], arrays["images"][..., :1]], axis=-1)


def _deep(arrays):
    arrays["images"] = arrays["images"].astype(np.uint16) * 257


def _oblong(arrays):
    arrays["images"] = arrays["images"][:, :8]


def _fewer_types(arrays):
    arrays["types"] = arrays["types"][:-1]


def _numbered_types(arrays):
    arrays["types"] = np.arange(len(arrays["images"]))


def _pickled_types(arrays):
    arrays["types"] = arrays["types"].astype(object)


def _none(arrays):
    for kind, array in arrays.items():
        arrays[kind] = array[:0]


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (_crop_masks, ("masks.npy", "does not fit images")),
        (_fewer_masks, ("masks.npy", "does not fit images")),
        (_five_channels, ("masks.npy", "(3, 16, 16, 5)", "background")),
        (_rgba, ("images.npy", "RGBA")),
        (_deep, ("images.npy", "16-bit")),
        (_oblong, ("images.npy", "(3, 8, 16, 3)")),
        (_fewer_types, ("types.npy", "2 tissues for 3 images")),
        (_numbered_types, ("types.npy", "one tissue's name")),
        (_pickled_types, ("types.npy", "not a readable .npy")),
        (_none, ("images.npy", "no image")),
    ],
)
def test_spoilt_arrays(copy, spoil, wanted):
    spoil(copy.arrays[3])
    _refused(copy.open, *wanted)


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("masks", -3, ("image 0, channel neoplastic", "-3")),
        ("masks", 0.5, ("image 0, channel neoplastic", "0.5")),
        ("masks", np.nan, ("image 0, channel neoplastic", "nan")),
        ("images", -1, ("image 0", "not from 0 to 255")),
        ("images", 300, ("image 0", "300")),
        ("images", np.nan, ("image 0", "nan")),
    ],
)
def test_values_out_of_range_are_named(copy, kind, value, wanted):
    copy.arrays[3][kind][0, 0, 0, 0] = value
    data = copy.open()
    _refused(lambda: data.cases(None), f"{kind}.npy", *wanted)


def test_colours_from_0_to_1(copy):
    copy.arrays[3]["images"] /= 255
    data = copy.open()
    _refused(lambda: data.cases(None), "images.npy", "multiply them by 255")


def test_file_cut_short(copy):
    copy.open()
    path = copy.path(3, "masks")
    path.write_bytes(path.read_bytes()[:500])
    _refused(copy.reopen, str(path), "not a readable .npy")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"sede": 1}, "data.sede is unknown; did you mean seed?"),
        ({"test_fold": 1}, "one fold cannot be two"),
        ({"test_fold": 4}, "no fold 4"),
        ({"size": 12}, "multiple of 8"),
        ({"size": 32}, "data.size = 32"),
        ({"shrink": 3}, "data.shrink = 3"),
        ({"shrink": 0}, "data.shrink must be a whole number"),
    ],
)
def test_wrong_settings(copy, settings, wanted):
    _refused(lambda: copy.open(**settings), wanted)


def test_more_cases_than_there_are(copy):
    data = copy.open()
    _refused(lambda: data.cases(4), "4 cases", "has 3", "scenarios.quality.cases")
    _refused(lambda: data.calibration(5), "5 calibration cases", "has 4")
    _refused(lambda: data.training(5), "5 training cases")


def test_metrics(copy):
    data = copy.open(metric="mpq")  # which comes first, `truth.metrics_of` says
    assert data.metric.name == "bpq"
    assert [metric.name for metric in data.also] == ["mpq", "bpq_worst5"]
