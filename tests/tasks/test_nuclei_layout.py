import numpy as np
import pytest
import tifffile
from PIL import Image

from benchhub.errors import ConfigError
from benchhub.tasks import get_task
from benchhub.tasks.nuclei.annotations import read_instances, read_outlines, write_outlines
from benchhub.tasks.nuclei.pixels import read_colour

SQUARE = ((2, 2), (9, 2), (9, 9), (2, 9))
#: As the annotators' program writes it: more attributes than anyone reads, and an empty layer.
XML = """<?xml version="1.0"?>
<Annotations MicronsPerPixel="0.252000">
  <Annotation Id="1" Name="" ReadOnly="0" Type="4" LineColor="65280">
    <Attributes><Attribute Name="Description" Id="0" Value="" /></Attributes>
    <Regions>
      <RegionAttributeHeaders><AttributeHeader Id="9999" Name="Region" /></RegionAttributeHeaders>
      {regions}
    </Regions>
    <Plots />
  </Annotation>
  <Annotation Id="2" Name=""><Regions /></Annotation>
</Annotations>
"""


def _xml(*outlines):
    regions = []
    for number, outline in enumerate(outlines, start=1):
        corners = "".join(f'<Vertex X="{x}" Y="{y}" Z="0" />' for x, y in outline)
        region = f'<Region Id="{number}" Type="0" Zoom="1" Area="6.0"><Attributes />'
        regions.append(f"{region}<Vertices>{corners}</Vertices></Region>")
    return XML.format(regions="\n".join(regions))


def _picture(height=48, width=40, shade=200):
    pixels = np.full((height, width, 3), shade, dtype=np.uint8)
    pixels[..., 1] = np.arange(width, dtype=np.uint8)
    return pixels


class Copy:
    """A tiny copy of MoNuSeg; tests spoil it, then open it."""

    def __init__(self, folder):
        self.folder = folder
        self.tissue = folder / "MoNuSeg 2018 Training Data" / "Tissue Images"
        self.outlines = self.tissue.parent / "Annotations"
        self.test = folder / "MoNuSegTestData"
        for place in (self.tissue, self.outlines, self.test):
            place.mkdir(parents=True)
        self.add("train", "TCGA-18-5592-01Z-00-DX1", SQUARE)
        self.add("train", "TCGA-38-6178-01Z-00-DX1", SQUARE)
        self.add("test", "TCGA-2Z-A9J9-01A-01-TS1", SQUARE)
        self.add("test", "TCGA-44-2665-01B-06-BS6", SQUARE)

    def add(self, split, name, *outlines, pixels=None):
        images, truths = (self.tissue, self.outlines) if split == "train" else (self.test,) * 2
        picture = _picture() if pixels is None else pixels
        Image.fromarray(picture).save(images / f"{name}.tif")
        (truths / f"{name}.xml").write_text(_xml(*outlines))

    def open(self, **settings):
        opener = get_task("nuclei")
        return opener({"size": 16, **settings}, self.folder, self.folder, self.folder / "cache")


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


def _whole(cases, slide):
    """Put the six tiles of a 48 x 40 picture's left 32 columns together again."""
    labels, images = np.zeros((48, 32), dtype=int), np.zeros((3, 48, 32))
    for name, label, image in zip(cases.ids, cases.labels, cases.inputs["image"], strict=True):
        stem, place = name.split("@")
        top, left = map(int, place.split(","))
        if stem.startswith(slide):
            labels[top : top + 16, left : left + 16] = label > 0
            images[:, top : top + 16, left : left + 16] = image
    return labels, images


def test_reads_monuseg(copy):
    cases = copy.open().cases(None)
    assert len(cases.ids) == 2 * 3 * 2
    assert set(cases.groups) == {"TCGA-2Z-A9J9", "TCGA-44-2665"}
    assert cases.inputs["image"].shape == (12, 3, 16, 16)
    assert cases.inputs["image"].dtype == np.float32
    assert cases.labels.shape == (12, 16, 16)
    labels, image = _whole(cases, "TCGA-2Z")
    expected = np.zeros((48, 32), dtype=int)
    expected[2:10, 2:10] = 1
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_allclose(image[0], (200 / 255 - 0.7) / 0.2, rtol=1e-4)
    np.testing.assert_allclose(image[1, 5], (np.arange(32) / 255 - 0.7) / 0.2, rtol=1e-4)


def test_folder_may_lie_deeper(tmp_path):
    copy = Copy(tmp_path / "downloads" / "MoNuSeg")
    above = get_task("nuclei")({"size": 16}, tmp_path, tmp_path / "downloads", tmp_path)
    assert above.cases(None).ids == copy.open().cases(None).ids


def test_tiles_take_turns_and_a_part_is_the_beginning(copy):
    data = copy.open()
    few = data.cases(4)
    assert len(set(few.groups[:2])) == 2
    assert data.cases(8).ids[:4] == few.ids
    assert copy.open(seed=5).cases(None).ids != data.cases(None).ids
    _refused(lambda: data.cases(13), "13 cases", "has 12", "scenarios.quality.cases")
    _refused(lambda: data.calibration(13), "13 calibration cases", "calibration_cases")
    _refused(lambda: data.training(99), "99 training cases", "recipe's cases")


def test_training_targets_are_distances(copy):
    data = copy.open(input="x")
    training = data.training(None)
    assert training.inputs["x"].shape == (12, 3, 16, 16)
    assert training.labels.dtype == np.uint8
    assert training.labels.max() == 255
    np.testing.assert_array_equal(data.calibration(3)["x"], training.inputs["x"][:3])
    assert {name[:12] for name in training.ids} == {"TCGA-18-5592", "TCGA-38-6178"}


def test_shrinking(copy):
    copy.add("test", "TCGA-44-2665-01B-06-BS6", ((4, 4), (11, 4), (11, 11), (4, 11)))
    data = copy.open(shrink=2)
    cases = data.cases(None)
    assert len(cases.ids) == 2
    row = cases.groups.index("TCGA-44-2665")
    expected = np.zeros((16, 16), dtype=int)
    expected[2:6, 2:6] = 1
    np.testing.assert_array_equal(cases.labels[row], expected)
    green = (np.arange(32).reshape(16, 2).mean(axis=1) / 255 - 0.7) / 0.2
    np.testing.assert_allclose(cases.inputs["image"][row, 1, 0], green, atol=0.6 / 255 / 0.2)


def test_nuclei_are_numbered_from_one_in_order_later_ones_on_top(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(_xml(SQUARE, ((5, 5), (12, 5), (12, 12), (5, 12)), ((0, 0), (1, 1))))
    labels = read_instances(path, (16, 16))
    assert set(np.unique(labels)) == {0, 1, 2}
    assert labels[3, 3] == 1
    assert labels[6, 6] == 2
    assert len(read_outlines(path)) == 3


def test_vertices_outside_and_between_pixels(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(_xml(((-5.25, -4.5), (3.75, -4.5), (3.75, 2.25), (-5.25, 2.25))))
    labels = read_instances(path, (10, 10))
    assert labels[:3, :4].all()
    assert labels.sum() == 12


def test_no_regions_is_an_empty_image(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(_xml())
    assert not read_instances(path, (4, 4)).any()


def test_outlines_of_another_image(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(_xml(((500, 500), (510, 500), (510, 510))))
    _refused(lambda: read_instances(path, (10, 12)), "a.xml", "12 x 10", "another image")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<Annotations><Region>", "not readable as XML"),
        ('<A><Region/><Region><Vertex X="1"/></Region></A>', "region 2 has a vertex without"),
        ('<A><Region><Vertex X="1,5" Y="2"/></Region></A>', "region 1"),
        ('<A><Region><Vertex X="nan" Y="2"/></Region></A>', "region 1"),
    ],
)
def test_broken_annotation(tmp_path, text, wanted):
    path = tmp_path / "broken.xml"
    path.write_text(text)
    _refused(lambda: read_outlines(path), "broken.xml", wanted)


def test_written_outlines_are_read_back(tmp_path):
    outlines = [np.array(SQUARE, dtype=float), np.array([[-1.25, 0], [4.125, 0], [0, 3.5]])]
    write_outlines(tmp_path / "a.xml", outlines)
    for wrote, read in zip(outlines, read_outlines(tmp_path / "a.xml"), strict=True):
        np.testing.assert_allclose(read, wrote, atol=5e-4)


def test_missing_annotation_is_named_and_counted(copy):
    (copy.outlines / "TCGA-18-5592-01Z-00-DX1.xml").unlink()
    _refused(copy.open, "TCGA-18-5592-01Z-00-DX1.tif", "no annotation", "1 of 2")


def test_missing_image_is_named(copy):
    (copy.test / "TCGA-44-2665-01B-06-BS6.tif").unlink()
    _refused(copy.open, "TCGA-44-2665-01B-06-BS6.xml", "no image")


def test_split_without_images(copy):
    for path in copy.test.iterdir():
        path.unlink()
    _refused(copy.open, "MoNuSegTestData", "no .tif files")
    copy.test.rmdir()
    _refused(copy.open, "test split", "MoNuSegTestData")


def test_patient_in_both_splits(copy):
    copy.add("test", "TCGA-18-5592-01Z-00-DX2", SQUARE)
    _refused(copy.open, "both splits", "TCGA-18-5592")


def test_nothing_there(tmp_path):
    opener = get_task("nuclei")
    _refused(lambda: opener({}, tmp_path, tmp_path / "no", tmp_path), "no such folder", "--data")
    _refused(lambda: opener({}, tmp_path, tmp_path, tmp_path), "neither", "MoNuSeg", "TNBC")


def test_what_macos_leaves_behind_is_no_image(copy):
    (copy.tissue / "._TCGA-18-5592-01Z-00-DX1.tif").write_bytes(b"\x00\x05\x16\x07")
    assert len(copy.open().training(None).ids) == 12


def test_image_smaller_than_a_tile(copy):
    _refused(lambda: copy.open(size=64), "40 x 48", "a tile is 64", "data.size")


def test_pixels_of_every_mode_mean_the_same(tmp_path):
    pixels = _picture()
    Image.fromarray(pixels).save(tmp_path / "rgb.tif")
    Image.fromarray(pixels).convert("RGBA").save(tmp_path / "rgba.tif")
    Image.fromarray(pixels).convert("RGBA").save(tmp_path / "rgba.png")
    tifffile.imwrite(tmp_path / "deep.tif", pixels.astype(np.uint16) * 257, photometric="rgb")
    for name in ("rgb.tif", "rgba.tif", "rgba.png", "deep.tif"):
        np.testing.assert_array_equal(read_colour(tmp_path / name), pixels, err_msg=name)
    Image.fromarray(pixels[..., 1].astype(np.uint16) * 257).save(tmp_path / "grey.png")
    grey = read_colour(tmp_path / "grey.png")
    np.testing.assert_array_equal(grey, np.repeat(pixels[..., 1:2], 3, axis=2))


def test_unreadable_image(copy):
    (copy.test / "TCGA-44-2665-01B-06-BS6.tif").write_bytes(b"II*\x00cut short")
    _refused(lambda: copy.open().cases(None), "TCGA-44-2665-01B-06-BS6.tif", "not a readable image")


def test_pixels_that_are_no_colours(copy):
    deep = np.zeros((48, 40), dtype=np.float32)
    tifffile.imwrite(copy.test / "TCGA-44-2665-01B-06-BS6.tif", deep)
    _refused(lambda: copy.open().cases(None), "float32", "8 or 16 bits")


class Slides:
    """A tiny copy of TNBC: three slides, RGBA images, masks of 0 and 255."""

    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "TNBC_NucleiSegmentation"
        for number in ("01", "02", "03"):
            for place in (f"Slide_{number}", f"GT_{number}"):
                (self.root / place).mkdir(parents=True)
            self.add(number, f"{number}_1")
            self.add(number, f"{number}_2")

    def add(self, number, name, mask=None):
        if mask is None:
            mask = np.zeros((16, 16), dtype=np.uint8)
            mask[1:4, 1:4] = mask[4:6, 4:6] = mask[10:14, 8:12] = 255
        picture = Image.fromarray(_picture(16, 16)).convert("RGBA")
        picture.save(self.root / f"Slide_{number}" / f"{name}.png")
        Image.fromarray(mask).save(self.root / f"GT_{number}" / f"{name}.png")

    def open(self, **settings):
        opener = get_task("nuclei")
        return opener({"size": 16, **settings}, self.folder, self.folder, self.folder / "cache")


def test_reads_tnbc_every_third_slide_tests(tmp_path):
    data = Slides(tmp_path).open()
    cases = data.cases(None)
    assert sorted(cases.ids) == ["03/03_1@0,0", "03/03_2@0,0"]
    assert set(cases.groups) == {"03"}
    assert set(data.training(None).groups) == {"01", "02"}
    # patches that meet at a corner are two nuclei
    assert set(np.unique(cases.labels[0])) == {0, 1, 2, 3}
    assert "TNBC" in data.description


def test_tnbc_mask_of_another_size(tmp_path):
    slides = Slides(tmp_path)
    slides.add("03", "03_2", mask=np.zeros((16, 12), dtype=np.uint8))
    _refused(lambda: slides.open().cases(None), "GT_03", "12 x 16", "16 x 16")


def test_tnbc_unreadable_image_and_mask(tmp_path):
    slides = Slides(tmp_path)
    (slides.root / "GT_03" / "03_2.png").write_bytes(b"\x89PNG\r\n\x1a\ncut short")
    _refused(lambda: slides.open().cases(None), "GT_03", "03_2.png", "not a readable image")
    (slides.root / "Slide_01" / "01_1.png").write_bytes(b"\x89PNG\r\n\x1a\ncut short")
    _refused(slides.open, "Slide_01", "01_1.png", "not a readable image")


def test_tnbc_missing_mask_and_too_few_slides(tmp_path):
    slides = Slides(tmp_path)
    (slides.root / "GT_02" / "02_1.png").unlink()
    _refused(slides.open, "Slide_02", "02_1.png", "no annotation")
    slides.add("02", "02_1")
    (slides.root / "Slide_03").rename(tmp_path / "elsewhere")
    _refused(slides.open, "test split of TNBC", "3 slides")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"sede": 1}, "data.sede is unknown; did you mean seed?"),
        ({"size": 20}, "data.size must be a multiple of 16"),
        ({"size": "big"}, "data.size must be a whole number"),
        ({"shrink": 0}, "data.shrink must be a whole number of at least 1"),
    ],
)
def test_wrong_settings(tmp_path, settings, wanted):
    _refused(lambda: get_task("nuclei")(settings, tmp_path, None, tmp_path), wanted)


def test_suite_can_name_the_folder(copy, tmp_path):
    data = get_task("nuclei")({"path": ".", "size": 16, "metric": "pq"}, tmp_path, None, tmp_path)
    assert data.provenance["path"] == str(tmp_path)
    assert data.metric.name == "aji"  # which one comes first is the suite's choice, made elsewhere
    assert {"nuclei_dice", "r2", "aji_plus", "pq"} <= {metric.name for metric in data.also}
