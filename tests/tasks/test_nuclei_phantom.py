import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from benchhub.tasks import get_task
from benchhub.tasks.nuclei.annotations import read_instances
from benchhub.tasks.nuclei.layout import read_layout
from benchhub.tasks.nuclei.phantom import NucleiPhantom, slide, write_phantom

SMALL = NucleiPhantom(seed=5, train_slides=2, test_slides=3, size=32, side=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_phantom(SMALL, tmp_path_factory.mktemp("cache"))


def _digest(folder):
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def test_the_layout_is_monusegs(folder):
    layout = read_layout(folder)
    assert layout.name == "MoNuSeg"
    assert (len(layout.train), len(layout.test)) == (2, 3)
    with Image.open(layout.test[0].image) as image:
        assert (image.size, image.mode, image.format) == ((64, 64), "RGB", "TIFF")
    assert len({entry.slide for entry in (*layout.train, *layout.test)}) == 5


def test_what_is_read_is_what_was_drawn(folder):
    entry = read_layout(folder).test[1]
    drawn = slide(SMALL, "test", 1)
    with Image.open(entry.image) as image:
        np.testing.assert_array_equal(np.asarray(image), drawn.image)
    read = read_instances(entry.truth, drawn.instances.shape)
    # corners are stored to a thousandth of a pixel
    assert (read != drawn.instances).mean() < 0.002


@pytest.mark.usefixtures("processes")
def test_same_seed_gives_same_bytes_in_another_process(folder, tmp_path):
    code = (
        "import sys; from pathlib import Path; "
        "from benchhub.tasks.nuclei.phantom import NucleiPhantom, write_phantom; "
        "of = NucleiPhantom(seed=5, train_slides=2, test_slides=3, size=32); "
        "write_phantom(of, Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        check=True,
    )
    assert _digest(tmp_path / "nuclei" / SMALL.key) == _digest(folder)


def test_a_larger_phantom_begins_with_a_smaller_one():
    larger = NucleiPhantom(seed=5, train_slides=9, test_slides=9, size=32)
    np.testing.assert_array_equal(slide(larger, "train", 1).image, slide(SMALL, "train", 1).image)
    assert not np.array_equal(slide(SMALL, "train", 0).image, slide(SMALL, "test", 0).image)


def test_a_finished_phantom_is_not_made_again(folder):
    before = (folder / "phantom.json").stat().st_mtime_ns
    assert write_phantom(SMALL, folder.parent.parent) == folder
    assert (folder / "phantom.json").stat().st_mtime_ns == before
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_slides_are_the_groups_of_its_tiles(folder):
    settings = {"seed": 5, "train_slides": 2, "test_slides": 3, "size": 32, "side": 2}
    cache = folder.parent.parent
    data = get_task("nuclei")(settings, cache, None, cache)
    cases = data.cases(None)
    assert cases.inputs["image"].shape == (12, 3, 32, 32)
    assert {cases.groups.count(group) for group in cases.groups} == {4}
    assert len(set(cases.groups)) == 3
    assert all(label.any() for label in cases.labels)
    assert data.provenance["seed"] == "5"
    assert len(data.provenance["sha256"]) == 64
    assert "12 test tiles of 3 slides" in data.description
    assert data.predict == "nuclei"
