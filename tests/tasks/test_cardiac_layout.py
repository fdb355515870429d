import gzip

import numpy as np
import pytest
from tasks.acdc_copy import INFO, Copy, disc, set_header, write_nifti

from benchhub.errors import ConfigError, MissingExtra
from benchhub.tasks import get_task, is_trainable, task_names
from benchhub.tasks.cardiac.layout import read_info, read_split


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


def _refused(act, *wanted, kind=ConfigError):
    with pytest.raises(kind) as caught:
        act()
    message = str(caught.value)
    assert "\n" not in message
    for text in wanted:
        assert text in message


@pytest.mark.parametrize("below", ["", "database", "ACDC/database", "ACDC"])
def test_reads_every_place_the_splits_lie_in(tmp_path, below):
    data = Copy(tmp_path, below).open()
    cases = data.cases(None)
    assert cases.ids == (
        "patient101_frame01_slice01",
        "patient101_frame01_slice02",
        "patient101_frame04_slice01",
        "patient101_frame04_slice02",
    )
    assert set(cases.groups) == {"patient101"}
    assert cases.label_names == ("rv", "myo", "lv")
    images = cases.inputs["image"]
    assert images.shape == (4, 1, 16, 16)
    assert images.dtype == np.float32
    assert len(data.training(None).ids) == 8


def test_the_middle_is_cut_out_and_scaled_by_the_volume(copy):
    _, truth = disc()
    cases = copy.open().cases(None)
    # 24 x 20 pixels (x, y): the middle 16 are columns 4..19 and rows 2..17
    np.testing.assert_array_equal(cases.labels[0] % 4, truth[4:20, 2:18, 0].T)
    volume = cases.inputs["image"][:2]
    assert volume.mean() == pytest.approx(0, abs=1e-5)
    assert volume.std() == pytest.approx(1, abs=1e-5)


def test_labels_say_which_volume_a_slice_is_of(copy):
    labels = copy.open().cases(None).labels
    assert (labels // 4)[:, 0, 0].tolist() == [0, 0, 1, 1]


def test_a_smaller_image_is_padded_with_its_mean_and_background(copy):
    copy.add("testing", "patient100", shape=(12, 12, 1))
    cases = copy.open().cases(1)
    assert cases.ids == ("patient100_frame01_slice01",)
    image, labels = cases.inputs["image"][0, 0], cases.labels[0] % 4
    for edge in (slice(0, 2), slice(14, 16)):
        assert (image[edge] == 0).all()
        assert (labels[edge] == 0).all()
    assert image[2:14, 2:14].mean() == pytest.approx(0, abs=1e-5)
    assert (labels[2:14, 2:14] > 0).all()


def test_spacing_of_each_axis_comes_from_the_header(copy):
    """Pixels of 0.75 mm along x and 3 mm along y, read at 1.5: half as wide, twice as high."""
    folder = copy.patient("patient101")
    image = np.zeros((32, 8, 1), dtype=np.int16)
    image[8:24, 2:6] = 100
    truth = (image > 0).astype(np.uint8)
    for number in ("01", "04"):
        write_nifti(folder / f"patient101_frame{number}.nii.gz", image, (0.75, 3.0, 10.0))
        write_nifti(folder / f"patient101_frame{number}_gt.nii.gz", truth, (0.75, 3.0, 10.0))
    cases = copy.open().cases(1)
    labels = cases.labels[0] % 4
    assert labels.sum() == 8 * 8
    assert labels[4:12, 4:12].all()
    assert cases.inputs["image"][0, 0][labels > 0].min() > 0


def test_shrinking_averages_and_keeps_what_is_between(copy):
    stripes = np.zeros((48, 48, 1), dtype=np.int16)
    stripes[::2] = 100
    stripes[:24] += 1000
    folder = copy.patient("patient101")
    write_nifti(folder / "patient101_frame01.nii.gz", stripes, (0.5, 0.5, 10.0))
    write_nifti(folder / "patient101_frame01_gt.nii.gz", (stripes * 0).astype(np.uint8),
                (0.5, 0.5, 10.0))  # fmt: skip
    image = copy.open(size=12, spacing_mm=2.0).cases(1).inputs["image"][0, 0]
    for half in (image[:, :5], image[:, 7:]):
        assert half.std() < 0.02
    assert image[:, :5].mean() - image[:, 7:].mean() > 1.5


def test_metres_are_metres(copy):
    folder = copy.patient("patient101")
    plain = copy.open().cases(None).inputs["image"]
    for path in folder.glob("*frame*"):
        set_header(path, pixdim=(0.0015, 0.0015, 0.01), unit=1)
    np.testing.assert_allclose(copy.open().cases(None).inputs["image"], plain, atol=1e-4)


def test_frames_without_compression_and_with_a_last_axis_of_one(copy):
    folder = copy.patient("patient101")
    plain = copy.open().cases(None)
    image, truth = disc()
    for number in ("01", "04"):
        for stem, values in ((f"frame{number}", image), (f"frame{number}_gt", truth)):
            (folder / f"patient101_{stem}.nii.gz").unlink()
            write_nifti(folder / f"patient101_{stem}.nii", values[..., None])
    again = copy.open().cases(None)
    np.testing.assert_array_equal(again.inputs["image"], plain.inputs["image"])
    np.testing.assert_array_equal(again.labels, plain.labels)


def test_the_cine_series_is_not_read(copy):
    for path in copy.root.glob("*/*/*_4d.nii.gz"):
        path.write_bytes(b"no NIfTI at all")
    assert len(copy.open().cases(None).ids) == 4


def test_calibration_takes_a_slice_of_each_patient_first(copy):
    data = copy.open(input="x")
    assert list(data.calibration(2)) == ["x"]
    everything = data.training(None).inputs["x"]
    np.testing.assert_array_equal(data.calibration(2)["x"], everything[[0, 4]])
    assert len(data.calibration(8)["x"]) == 8
    _refused(lambda: data.calibration(9), "9 calibration cases", "8 slices", "calibration_cases")


def test_training_returns_the_first(copy):
    data = copy.open()
    assert data.training(3).ids == data.training(None).ids[:3]
    assert len(data.training(3).inputs["image"]) == 3
    assert is_trainable("cardiac")
    assert "cardiac" in task_names()


def test_more_cases_than_there_are(copy):
    data = copy.open()
    assert data.cases(3).ids == data.cases(None).ids[:3]
    _refused(lambda: data.cases(5), "5 cases", "has 4 slices", "scenarios.quality.cases")


def test_the_suite_can_name_the_folder(copy, tmp_path):
    data = get_task("cardiac")({"path": ".", "size": 16}, tmp_path, None, tmp_path)
    assert data.provenance["path"] == str(tmp_path)
    assert data.provenance["test_volumes"] == "2"


def test_info_is_read_whatever_ends_its_lines(tmp_path):
    path = tmp_path / "Info.cfg"
    path.write_bytes(b"\xef\xbb\xbfED: 1\r\nES:  12 \r\n\r\nGroup: DCM\r\n")
    assert read_info(path) == {"ED": "1", "ES": "12", "Group": "DCM"}


# --- what cannot be used, each in one line: the file, the patient, the cause, the next step


def test_missing_folder(tmp_path):
    _refused(lambda: read_split(tmp_path / "no", "train"), "no such folder", "--data")


def test_neither_split(tmp_path):
    _refused(lambda: read_split(tmp_path, "train"), "neither training/ nor testing/")


def test_one_split_only(tmp_path):
    (tmp_path / "training" / "patient001").mkdir(parents=True)
    _refused(lambda: read_split(tmp_path, "test"), "testing: no such folder")


def test_no_patients(copy):
    patient = copy.patient("patient101")
    patient.rename(copy.folder / "elsewhere")
    _refused(copy.open, "testing: no patient folders", "unpack")


def test_patient_in_both_splits(copy):
    copy.add("testing", "patient002")
    _refused(copy.open, "1 patients are in both splits", "patient002", "remove them")


@pytest.mark.parametrize("key", ["ED", "ES"])
def test_info_without_a_key(copy, key):
    info = {name: value for name, value in INFO.items() if name != key}
    copy.add("training", "patient003", info=info)
    _refused(
        copy.open, "patient003/Info.cfg", f"no key {key!r}", "patient patient003", "add a line"
    )


def test_info_with_a_frame_that_is_no_number(copy):
    copy.add("training", "patient003", info=INFO | {"ES": "end"})
    _refused(copy.open, "patient003/Info.cfg", "ES is 'end'", "correct")


def test_no_info(copy):
    (copy.patient("patient002") / "Info.cfg").unlink()
    _refused(copy.open, "patient002/Info.cfg", "no such file", "patient patient002")


@pytest.mark.parametrize("end", ["", "_gt"])
def test_missing_frame_or_labels(copy, end):
    (copy.patient("patient001") / f"patient001_frame04{end}.nii.gz").unlink()
    _refused(copy.open, f"patient001_frame04{end}.nii.gz: no such file", "ES", "copy it again")


def _spoil(copy, name, values, zooms=(1.5, 1.5, 10.0)):
    write_nifti(copy.patient("patient101") / name, values, zooms)
    return lambda: copy.open().cases(None)


def test_labels_of_another_size(copy):
    act = _spoil(copy, "patient101_frame01_gt.nii.gz", np.zeros((24, 20, 3), dtype=np.uint8))
    _refused(act, "frame01_gt.nii.gz", "24 x 20 x 3", "24 x 20 x 2", "patient patient101")


@pytest.mark.parametrize("label", [4, -1, 1.5, np.nan])
def test_label_out_of_range(copy, label):
    truth = disc()[1].astype(np.float32)
    truth[3, 3, 0] = label
    act = _spoil(copy, "patient101_frame04_gt.nii.gz", truth)
    _refused(act, "frame04_gt.nii.gz", f"label {label:g}", "patient patient101", "0 background")


@pytest.mark.parametrize("zooms", [(0.0, 1.5, 10.0), (1.5, -2.0, 10.0), (1.5, np.nan, 10.0)])
def test_no_spacing(copy, zooms):
    set_header(copy.patient("patient101") / "patient101_frame01.nii.gz", pixdim=zooms)
    _refused(lambda: copy.open().cases(1), "frame01.nii.gz: no spacing", "patient patient101")


def test_spacing_of_one_with_no_unit_was_never_set(copy):
    path = copy.patient("patient101") / "patient101_frame01.nii.gz"
    set_header(path, pixdim=(1.0, 1.0, 1.0), unit=0)
    _refused(lambda: copy.open().cases(1), "no spacing", "pixdim 1 x 1 x 1, unit unknown")
    set_header(path, pixdim=(1.0, 1.0, 1.0), unit=2)  # millimetres, and said so
    assert len(copy.open().cases(1).ids) == 1
    set_header(path, pixdim=(1.5, 1.5, 10.0), unit=0)  # set, in the format's usual unit
    assert len(copy.open().cases(1).ids) == 1


@pytest.mark.parametrize(
    "content", [b"", b"plain text", gzip.compress(b"short"), b"\x1f\x8b\x08cut"]
)
def test_unreadable_file(copy, content):
    (copy.patient("patient101") / "patient101_frame01.nii.gz").write_bytes(content)
    _refused(lambda: copy.open().cases(1), "frame01.nii.gz: not a readable NIfTI", "patient101")


def test_file_cut_short(copy):
    path = copy.patient("patient101") / "patient101_frame01.nii.gz"
    path.write_bytes(path.read_bytes()[:-200])
    _refused(lambda: copy.open().cases(1), "frame01.nii.gz: not a readable NIfTI", "copy it again")


def test_a_series_in_place_of_a_frame(copy):
    act = _spoil(copy, "patient101_frame01.nii.gz", np.ones((24, 20, 2, 3), dtype=np.int16))
    _refused(act, "24 x 20 x 2 x 3", "patient patient101")


def test_pixels_that_are_no_numbers(copy):
    image = disc()[0].astype(np.float32)
    image[0, 0, 0] = np.nan
    _refused(_spoil(copy, "patient101_frame01.nii.gz", image), "NaN", "patient patient101")


def test_an_empty_image(copy):
    act = _spoil(copy, "patient101_frame01.nii.gz", np.zeros((24, 20, 2), dtype=np.int16))
    _refused(act, "every pixel is the same", "patient patient101")


def test_a_crop_that_cuts_the_heart(copy):
    _refused(lambda: copy.open(size=8).cases(1), "outside the crop", "patient101", "data.size")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"sise": 1}, "data.sise is unknown; did you mean size?"),
        ({"size": "big"}, "data.size must be a whole number"),
        ({"size": 4}, "data.size must be a whole number of at least 8"),
        ({"spacing_mm": "fine"}, "data.spacing_mm must be a number"),
        ({"spacing_mm": 0}, "data.spacing_mm must be a number from 0.1 to 20"),
    ],
)
def test_wrong_settings(copy, settings, wanted):
    _refused(lambda: copy.open(**settings), wanted)


def test_without_nibabel_the_extra_is_named(copy, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    data = copy.open()
    act = lambda: data.cases(1)
    _refused(act, "pip install 'benchhub[medical]'", "frame01.nii.gz", kind=MissingExtra)
