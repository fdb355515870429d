import numpy as np
import pytest

from benchhub.tasks import get_task
from benchhub.tasks.cardiac.heart import GROUPS, Heart, section
from benchhub.tasks.cardiac.layout import read_info, read_split
from benchhub.tasks.cardiac.phantom import CardiacPhantom, patients, write_phantom
from benchhub.tasks.cardiac.scanner import FIELD_MM, Scan, expose

SMALL = CardiacPhantom(seed=5, train_patients=2, test_patients=3, slices=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_phantom(SMALL, tmp_path_factory.mktemp("cache"))


def test_is_written_in_the_true_layout(folder):
    frames = read_split(folder, "test")
    assert [frame.moment for frame in frames] == ["ED", "ES"] * 3
    info = read_info(frames[0].image.parent / "Info.cfg")
    assert list(info) == ["ED", "ES", "Group", "Height", "NbFrame", "Weight"]
    assert frames[1].number == int(info["ES"]) > int(info["ED"]) == frames[0].number
    assert {frame.patient for frame in read_split(folder, "train")} == {"patient001", "patient002"}


def test_is_read_by_the_loader(folder, tmp_path):
    settings = {"seed": 5, "train_patients": 2, "test_patients": 3, "slices": 3}
    data = get_task("cardiac")(settings, tmp_path, None, folder.parents[1])
    cases = data.cases(None)
    assert cases.inputs["image"].shape == (18, 1, 64, 64)
    assert cases.labels.shape == (18, 64, 64)
    assert len(set(cases.groups)) == 3
    assert set(np.unique(cases.labels % 4)) == {0, 1, 2, 3}
    assert data.provenance["seed"] == "5"
    assert len(data.provenance["sha256"]) == 64


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    again = write_phantom(SMALL, tmp_path)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(files) == 1 + 5 * 5
    for name in files:
        assert (folder / name).read_bytes() == (again / name).read_bytes(), name
    written = (again / "phantom.json").stat().st_mtime_ns
    assert write_phantom(SMALL, tmp_path) == again
    assert (again / "phantom.json").stat().st_mtime_ns == written


def test_patients_have_streams_of_their_own():
    few = list(patients(SMALL, "train"))
    more = list(
        patients(CardiacPhantom(seed=5, train_patients=3, test_patients=1, slices=3), "train")
    )
    for one, other in zip(few, more, strict=False):
        assert one.info == other.info
        for mine, theirs in zip(one.volumes, other.volumes, strict=True):
            np.testing.assert_array_equal(mine[0], theirs[0])
    test = next(patients(SMALL, "test"))
    assert not np.array_equal(test.volumes[0][0][:40, :40], few[0].volumes[0][0][:40, :40])


def test_another_seed_is_another_data_set():
    other = CardiacPhantom(seed=6, train_patients=2, test_patients=3, slices=3)
    assert other.key != SMALL.key
    one, two = (next(patients(kind, "train")) for kind in (SMALL, other))
    assert one.info != two.info


def _grid(step=1.0):
    axis = np.arange(-80, 80, step, dtype=np.float32)
    return np.meshgrid(axis, axis)


@pytest.mark.parametrize("group", GROUPS)
def test_anatomy(group):
    x, y = _grid()
    heart = Heart.draw(np.random.default_rng(1), group)

    def areas(level, emptied):
        cut = section(heart, x, y, level, emptied, np.random.default_rng(2))
        assert not (cut.right & cut.muscle).any()
        assert not (cut.cavity & cut.muscle).any()
        assert (cut.papillary <= cut.cavity).all()
        return np.array([cut.right.sum(), cut.muscle.sum(), cut.cavity.sum()])

    base, apex = areas(0.1, False), areas(0.95, False)
    assert (base > 0).all()
    assert apex[0] == 0  # the right ventricle ends before the left one
    assert 0 < apex[2] < base[2]
    full, empty = areas(0.3, False), areas(0.3, True)
    assert empty[2] < full[2]
    assert empty[2] == pytest.approx(full[2] * (1 - heart.ejected), rel=0.15)


def test_the_muscle_is_a_ring_about_the_cavity():
    from scipy.ndimage import binary_dilation

    x, y = _grid()
    cut = section(Heart.draw(np.random.default_rng(3), "NOR"), x, y, 0.4, False,
                  np.random.default_rng(4))  # fmt: skip
    rim = binary_dilation(cut.cavity) & ~cut.cavity
    assert (rim <= cut.muscle).all()


def test_edges_are_mixtures_and_noise_is_never_negative():
    rng = np.random.default_rng(7)
    scan, heart = Scan.draw(rng), Heart.draw(rng, "NOR")
    image, truth = expose(heart, scan, 0.3, False, rng)
    assert image.shape == truth.shape == (scan.pixels, scan.pixels)
    assert scan.pixels * scan.spacing_mm <= FIELD_MM
    assert image.dtype == np.int16
    assert image.min() >= 0
    cavity, muscle = image[truth == 3], image[truth == 2]
    assert cavity.mean() > muscle.mean() + 0.5 * muscle.std()
    assert len(np.unique(image)) > 100
