import numpy as np
import pytest
from PIL import Image

from benchhub.errors import ConfigError
from benchhub.tasks import get_task, task_names
from benchhub.tasks.chest_xray.layout import read_image, read_split
from benchhub.tasks.chest_xray.lesions import LABELS

OLD = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n"
)
NEW = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Sex,View Position,"
    "OriginalImageWidth,OriginalImageHeight,OriginalImagePixelSpacing_x,"
    "OriginalImagePixelSpacing_y\n"
)


class Copy:
    """A tiny copy of the data set; tests spoil it, then open it."""

    def __init__(self, folder, header=OLD, table="Data_Entry_2017.csv", shelves=("images",)):
        self.folder, self.header, self.table = folder, header, folder / table
        self.rows, self.lists = {}, {"train_val_list.txt": [], "test_list.txt": []}
        self.shelves = [folder / shelf for shelf in shelves]
        for shelf in self.shelves:
            shelf.mkdir(parents=True)
        for number in range(4):
            self.add("train_val_list.txt", f"0000000{number}_000.png", str(number), "No Finding")
        self.add("test_list.txt", "00000010_000.png", "10", "No Finding")
        self.add("test_list.txt", "00000011_000.png", "11", "|".join(LABELS))
        self.add("test_list.txt", "00000011_001.png", "11", "Hernia|Edema")

    def add(self, listing, name, patient, labels):
        self.lists[listing].append(name)
        self.rows[name] = (labels, patient)
        grey = np.full((8, 8), 30 * len(self.rows), dtype=np.uint8)
        Image.fromarray(grey).save(self.shelves[len(self.rows) % len(self.shelves)] / name)

    def open(self, **settings):
        tail = "058Y,M,PA,2682,2749,0.143,0.143" + ("," if self.header == OLD else "")
        rows = [f"{n},{labels},0,{patient},{tail}\n" for n, (labels, patient) in self.rows.items()]
        self.table.write_text(self.header + "".join(rows))
        for listing, names in self.lists.items():
            (self.folder / listing).write_text("".join(f"{name}\n" for name in names))
        return self.reopen(**settings)

    def reopen(self, **settings):
        opener = get_task("chest_xray")
        settings = {"size": 8, **settings}
        return opener(settings, self.folder, self.folder, self.folder / "cache")


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


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"header": NEW, "table": "Data_Entry_2017_v2020.csv"},
        {"shelves": ("images_001/images", "images_012/images")},
        {"header": "\ufeff" + OLD},
    ],
    ids=["2017", "2020", "shelves", "byte-order-mark"],
)
def test_reads_every_layout(tmp_path, kind):
    data = Copy(tmp_path, **kind).open()
    cases = data.cases(None)
    assert sorted(cases.ids) == ["00000010_000.png", "00000011_000.png", "00000011_001.png"]
    assert cases.label_names == LABELS
    truth = dict(zip(cases.ids, cases.labels.tolist(), strict=True))
    assert truth["00000011_000.png"] == [1] * 14
    assert truth["00000010_000.png"] == [0] * 14
    assert [LABELS[k] for k, has in enumerate(truth["00000011_001.png"]) if has] == [
        "Edema",
        "Hernia",
    ]
    assert dict(zip(cases.ids, cases.groups, strict=True))["00000011_001.png"] == "11"
    images = cases.inputs["image"]
    assert images.shape == (3, 1, 8, 8)
    assert images.dtype == np.float32
    row = cases.ids.index("00000010_000.png")
    np.testing.assert_allclose(images[row], (150 / 255 - 0.5) / 0.25, rtol=1e-5)


def test_calibration_comes_from_training_and_from_many_patients(copy):
    copy.add("train_val_list.txt", "00000000_001.png", "0", "Mass")
    data = copy.open(input="x")
    assert data.calibration(4)["x"].shape == (4, 1, 8, 8)
    values = {round(float(v), 3) for v in data.calibration(4)["x"][:, 0, 0, 0]}
    greys = {round((30 * k / 255 - 0.5) / 0.25, 3) for k in (1, 2, 3, 4, 8)}
    assert values <= greys
    assert len(values) == 4
    _refused(lambda: data.calibration(6), "6 calibration cases", "has 5")


def test_a_subset_is_stable_and_holds_every_label(tmp_path):
    opener = get_task("chest_xray")
    settings = {"seed": 3, "test_patients": 60, "train_patients": 2, "size": 16}
    data = opener(settings, tmp_path, None, tmp_path)
    few = data.cases(60)
    assert len(few.ids) == 60
    assert few.labels.any(axis=0).all()
    assert not few.labels.all(axis=0).any()
    assert data.cases(90).ids[:60] == few.ids
    assert opener(settings, tmp_path, None, tmp_path).cases(60).ids == few.ids
    assert data.provenance["seed"] == "3"
    assert len(data.provenance["sha256"]) == 64


def test_training_cases_come_in_the_lists_order(copy):
    data = copy.open()
    names = tuple(copy.lists["train_val_list.txt"])
    assert data.training().ids == data.training(None).ids == names
    few = data.training(2)
    assert (few.ids, few.groups, few.labels.shape) == (names[:2], ("0", "1"), (2, 14))
    _refused(lambda: data.training(5), "5 training cases", "has 4", "data.train_patients")


def test_findings_are_judged_by_auc_and_by_log_loss(copy):
    data = copy.open()
    assert data.metric.name == "macro_auc"
    assert [metric.name for metric in data.also] == ["log_loss", "log_loss_worst5"]
    assert data.provenance["labels_in_mean"] == "14"


def test_the_2017_table_wins_over_that_of_2020(copy):
    copy.open()
    later = copy.folder / "Data_Entry_2017_v2020.csv"
    later.write_text(NEW + "00000010_000.png,Mass,0,10,58,M,PA,2682,2749,0.143,0.143\n")
    assert len(copy.reopen().test) == 3


def test_pixels_of_every_mode_mean_the_same(tmp_path):
    grey = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)
    Image.fromarray(grey).save(tmp_path / "l.png")
    Image.fromarray(grey).convert("RGBA").save(tmp_path / "rgba.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(grey).convert("LA").save(tmp_path / "la.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    plain = read_image(tmp_path / "l.png", 8)
    np.testing.assert_allclose(plain, grey / 255, atol=1e-6)
    for kind in ("rgba", "la", "palette"):
        found = read_image(tmp_path / f"{kind}.png", 8)
        np.testing.assert_allclose(found, plain, atol=2 / 255, err_msg=kind)
    np.testing.assert_allclose(read_image(tmp_path / "deep.png", 8), plain, atol=1e-6)
    halved = read_image(tmp_path / "l.png", 4)
    np.testing.assert_allclose(halved, plain.reshape(4, 2, 4, 2).mean(axis=(1, 3)), atol=1e-5)
    assert read_image(tmp_path / "l.png", 20).shape == (20, 20)


def test_missing_folder(copy, tmp_path):
    opener = get_task("chest_xray")
    _refused(lambda: opener({}, tmp_path, tmp_path / "no", tmp_path), "no such folder", "--data")


def test_suite_can_name_the_folder(copy, tmp_path):
    copy.open()
    data = get_task("chest_xray")({"path": ".", "size": 8}, tmp_path, None, tmp_path)
    assert data.provenance["path"] == str(tmp_path)


@pytest.mark.parametrize("name", ["Data_Entry_2017.csv", "test_list.txt", "train_val_list.txt"])
def test_missing_file_is_named(copy, name):
    copy.open()
    (copy.folder / name).unlink()
    _refused(copy.reopen, name)


def test_missing_image_is_named_and_counted(copy):
    copy.open()
    (copy.folder / "images" / "00000011_000.png").unlink()
    (copy.folder / "images" / "00000011_001.png").unlink()
    _refused(copy.reopen, "00000011_000.png", "2 of 3")


def test_image_without_a_row(copy):
    copy.lists["test_list.txt"].append("00000099_000.png")
    _refused(copy.open, "no row", "00000099_000.png")


def test_unknown_label(copy):
    copy.rows["00000010_000.png"] = ("Effusion|Fracture", "10")
    _refused(copy.open, "'Fracture'", "Data_Entry_2017.csv:6")


@pytest.mark.parametrize("label", ["Pleural Thickening", "pleural_thickening", "Effusion;Mass"])
def test_labels_are_spelt_as_in_the_data_set(copy, label):
    copy.rows["00000010_000.png"] = (label, "10")
    _refused(copy.open, repr(label), "Pleural_Thickening")


def test_row_without_labels(copy):
    copy.rows["00000010_000.png"] = ("", "10")
    _refused(copy.open, "Data_Entry_2017.csv:6", "no labels", "'No Finding'")


def test_row_without_patient(copy):
    copy.rows["00000010_000.png"] = ("Mass", "")
    _refused(copy.open, "Data_Entry_2017.csv:6", "00000010_000.png has no patient id")


def test_second_row_of_an_image(copy):
    copy.open()
    with (copy.folder / "Data_Entry_2017.csv").open("a") as stream:
        stream.write("00000010_000.png,Mass,0,10,058Y,M,PA,1,1,1,1,\n")
    _refused(copy.reopen, "Data_Entry_2017.csv:9", "a second row of 00000010_000.png", "keep one")


def test_image_listed_twice(copy):
    copy.lists["test_list.txt"].append("00000010_000.png")
    _refused(copy.open, "test_list.txt", "00000010_000.png is listed twice")


@pytest.mark.parametrize("name", ["Data_Entry_2017.csv", "test_list.txt"])
def test_file_in_another_encoding(copy, name):
    copy.open()
    path = copy.folder / name
    path.write_bytes(path.read_text().encode("utf-16"))
    _refused(copy.reopen, name, "not UTF-8", "save it as UTF-8")


def test_table_with_semicolons(copy):
    copy.open()
    path = copy.folder / "Data_Entry_2017.csv"
    path.write_text(path.read_text().replace(",", ";"))
    _refused(copy.reopen, "Data_Entry_2017.csv", "no column 'image index'", "copy the file again")


def test_table_whose_field_never_ends(copy):
    copy.open()
    path = copy.folder / "Data_Entry_2017.csv"
    path.write_text(path.read_text() + '00000012_000.png,"Mass' + "x" * 200_000)
    _refused(copy.reopen, "Data_Entry_2017.csv", "comma-separated")


def test_empty_split(copy):
    copy.lists["test_list.txt"].clear()
    _refused(copy.open, "test_list.txt", "empty")


def test_label_of_one_class(copy):
    copy.rows["00000011_000.png"] = ("|".join(set(LABELS) - {"Fibrosis"}), "11")
    _refused(copy.open, "Fibrosis", "no image of 3", "larger test split")


def test_label_on_every_image(copy):
    copy.rows["00000010_000.png"] = ("Hernia", "10")
    _refused(copy.open, "Hernia", "every image")


def test_more_cases_than_there_are(copy):
    data = copy.open()
    _refused(lambda: data.cases(4), "4 cases", "has 3", "scenarios.quality.cases")
    assert len(data.cases(1).ids) == 1


def test_patient_in_both_splits(copy):
    copy.add("train_val_list.txt", "00000011_002.png", "11", "Mass")
    _refused(copy.open, "both splits", "11")


def test_unreadable_image(copy):
    data = copy.open()
    (copy.folder / "images" / "00000010_000.png").write_bytes(b"\x89PNG cut short")
    _refused(lambda: data.cases(None), "00000010_000.png", "not a readable PNG")


def test_table_without_its_columns(copy):
    copy.header = "name,labels\n"
    _refused(copy.open, "no column 'image index'")


def test_row_cut_short(copy):
    copy.open()
    with (copy.folder / "Data_Entry_2017.csv").open("a") as stream:
        stream.write("00000012_000.png,Mass\n")
    _refused(lambda: read_split(copy.folder, "test"), "cut short", "Data_Entry_2017.csv:9")


def test_neither_image_folder(tmp_path):
    copy = Copy(tmp_path)
    copy.open()
    (tmp_path / "images").rename(tmp_path / "pictures")
    _refused(copy.reopen, "neither images/")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"sede": 1}, "data.sede is unknown; did you mean seed?"),
        ({"size": "big"}, "data.size must be a whole number"),
        ({"seed": True}, "data.seed must be a whole number"),
    ],
)
def test_wrong_settings(tmp_path, settings, wanted):
    _refused(lambda: get_task("chest_xray")(settings, tmp_path, None, tmp_path), wanted)


def test_unknown_task_names_the_nearest():
    _refused(lambda: get_task("chest_xrey"), "did you mean chest_xray?")
    assert {"chest_xray", "npz"} <= set(task_names())
