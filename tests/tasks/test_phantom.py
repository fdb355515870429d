import csv
import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from benchhub.tasks.chest_xray.lesions import FINDINGS, LABELS
from benchhub.tasks.chest_xray.phantom import (
    CYCLE,
    HEADER,
    ChestXrayPhantom,
    exposures,
    write_phantom,
)

SMALL = ChestXrayPhantom(seed=5, train_patients=6, test_patients=CYCLE, size=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_phantom(SMALL, tmp_path_factory.mktemp("cache"))


def _digest(folder):
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def test_layout_and_header_are_those_of_the_release(folder):
    lines = (folder / "Data_Entry_2017.csv").read_text().splitlines()
    assert lines[0] == HEADER
    assert lines[0].endswith("OriginalImagePixelSpacing[x,y],")
    rows = list(csv.reader(lines))
    assert {len(row) for row in rows} == {12}
    assert all(row[-1] == "" for row in rows)
    listed = [
        name
        for listing in ("train_val_list.txt", "test_list.txt")
        for name in (folder / listing).read_text().split()
    ]
    assert sorted(listed) == sorted(path.name for path in (folder / "images").iterdir())
    assert listed == [row[0] for row in rows[1:]]


@pytest.mark.usefixtures("processes")
def test_same_seed_gives_same_bytes_in_another_process(folder, tmp_path):
    code = (
        "import sys; from pathlib import Path; "
        "from benchhub.tasks.chest_xray.phantom import ChestXrayPhantom, write_phantom; "
        "of = ChestXrayPhantom(seed=5, train_patients=6, test_patients=20, size=32); "
        "print(write_phantom(of, Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    other = tmp_path / "chest_xray" / SMALL.key
    assert done.stdout.strip() == str(other)
    assert _digest(other) == _digest(folder)


def test_another_seed_gives_other_images_and_another_folder(folder, tmp_path):
    other = write_phantom(
        ChestXrayPhantom(seed=6, train_patients=2, test_patients=2, size=32), tmp_path
    )
    assert other.name != folder.name
    name = (folder / "test_list.txt").read_text().split()[0]
    assert (other / "images" / name).read_bytes() != (folder / "images" / name).read_bytes()


def test_more_patients_begin_with_the_same_images():
    few = list(exposures(ChestXrayPhantom(seed=5, test_patients=3, size=32), "test"))
    more = list(exposures(ChestXrayPhantom(seed=5, test_patients=5, size=32), "test"))
    assert len(more) > len(few)
    for one, other in zip(few, more, strict=False):
        assert (one.name, one.labels) == (other.name, other.labels)
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_every_label_has_both_classes_and_patients_do_not_cross(folder):
    test = list(exposures(SMALL, "test"))
    train = list(exposures(SMALL, "train"))
    for label in LABELS:
        assert 0 < sum(label in exposure.labels for exposure in test) < len(test)
    assert not {e.patient for e in test} & {e.patient for e in train}
    assert len({e.patient for e in test}) < len(test), "no patient came back"


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.name)
def test_every_template_changes_the_image(finding):
    from benchhub.tasks.chest_xray.anatomy import Body, expose, scene

    def render(amount):
        rng = np.random.default_rng(2)
        body = Body.draw(rng)
        view = scene(body, rng, 64)
        state = rng.bit_generator.state
        if amount:
            finding.draw(view, amount)
        rng.bit_generator.state = state  # the same detector noise with and without
        return expose(body, view)

    change = np.abs(render(finding.contrast) - render(0.0))
    assert 0.005 < change.max() < 0.5


def test_some_files_are_rgba_and_pixels_use_the_range(folder):
    modes = set()
    for path in (folder / "images").iterdir():
        with Image.open(path) as image:
            modes.add(image.mode)
            assert image.size == (32, 32)
            grey = np.asarray(image.convert("L"))
        assert np.ptp(grey) > 60
    assert modes == {"L", "RGBA"}


def test_a_finished_folder_is_not_written_again(folder):
    before = (folder / "phantom.json").stat().st_mtime_ns
    assert write_phantom(SMALL, folder.parent.parent) == folder
    assert (folder / "phantom.json").stat().st_mtime_ns == before
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]
