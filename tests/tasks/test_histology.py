import dataclasses

import numpy as np
import pytest

from benchhub.tasks.stained.histology import KINDS, VERTICES, Stain, Tissue, field, render
from benchhub.tasks.stained.instances import from_outlines


@pytest.fixture(scope="module")
def picture():
    return render(np.random.default_rng(4), 96, Tissue(cover=0.35), Stain())


def _drawn(seed=1, size=64, stain=None, **tissue):
    return render(np.random.default_rng(seed), size, Tissue(**tissue), stain or Stain())


def test_what_a_picture_holds(picture):
    assert picture.image.shape == (96, 96, 3)
    assert picture.image.dtype == np.uint8
    assert picture.instances.shape == picture.kinds.shape == (96, 96)
    assert picture.instances.dtype == np.int32
    assert picture.kinds.max() <= len(KINDS)
    assert len(picture.nuclei) == len(picture.outlines)
    assert all(outline.shape == (VERTICES, 2) for outline in picture.outlines)
    np.testing.assert_array_equal(picture.kinds > 0, picture.instances > 0)


def test_instances_are_the_outlines_and_kinds_theirs(picture):
    np.testing.assert_array_equal(from_outlines(picture.outlines, (96, 96)), picture.instances)
    for number in np.unique(picture.instances)[1:]:
        kinds = np.unique(picture.kinds[picture.instances == number])
        assert kinds.tolist() == [picture.nuclei[number - 1].kind + 1]


def test_nuclei_are_darker_than_the_ground(picture):
    grey = picture.image.mean(axis=2)
    assert grey[picture.instances > 0].mean() < grey[picture.instances == 0].mean() - 25


def test_same_seed_same_picture():
    one, two, other = _drawn(7), _drawn(7), _drawn(8)
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.instances, two.instances)
    assert not np.array_equal(one.image, other.image)


def test_a_stain_changes_colours_and_not_nuclei():
    plain = _drawn(3)
    stained = _drawn(3, stain=Stain(haematoxylin=1.5, eosin=0.5))
    np.testing.assert_array_equal(plain.instances, stained.instances)
    inside = plain.instances > 0
    assert stained.image[inside, 0].mean() < plain.image[inside, 0].mean() - 10


def test_slides_differ_unless_told_not_to():
    rng = np.random.default_rng(0)
    assert Stain.draw(rng) != Stain.draw(rng)
    assert Stain.draw(rng, 0.0) == Stain.draw(rng, 0.0)


def _lost_to_neighbours(touching):
    """Return the share of nuclei's area that others cover, over several pictures."""
    covered = whole = 0
    for seed in range(4):
        drawn = _drawn(seed, 96, cover=0.45, touching=touching)
        for number, outline in enumerate(drawn.outlines, start=1):
            alone = from_outlines([outline], (96, 96)) > 0
            whole += alone.sum()
            covered += (alone & (drawn.instances != number)).sum()
    return covered / whole


def test_touching_is_bounded():
    apart, close = _lost_to_neighbours(0.0), _lost_to_neighbours(1.0)
    assert apart < 0.02
    assert apart < close < 0.2


def test_cover_and_mix_are_kept():
    sparse, dense = _drawn(2, 128, cover=0.1), _drawn(2, 128, cover=0.4)
    assert (sparse.instances > 0).mean() < 0.2 < (dense.instances > 0).mean()
    only = _drawn(2, 96, mix=(0, 0, 1, 0, 0))
    assert {nucleus.kind for nucleus in only.nuclei} == {2}


def test_kinds_look_as_they_are_told():
    drawn = [_drawn(5, 128, mix=tuple(float(k == kind) for k in range(5))) for kind in range(5)]
    area = [np.mean([n.long * n.short for n in one.nuclei]) for one in drawn]
    ratio = [np.mean([n.long / n.short for n in one.nuclei]) for one in drawn]
    assert area.index(max(area)) == 0
    assert ratio.index(max(ratio)) == 2


def test_scale_magnifies():
    small, large = (
        render(np.random.default_rng(1), 128, Tissue(), Stain(), scale=scale) for scale in (1, 2)
    )
    assert len(large.nuclei) < len(small.nuclei) / 2


def test_bare_ground():
    drawn = _drawn(1, 32, cover=0.0)
    assert drawn.nuclei == ()
    assert not drawn.instances.any()
    assert drawn.image.std() > 0


def test_a_mix_of_other_kinds_is_refused():
    with pytest.raises(ValueError, match="2 shares for 5 kinds"):
        _drawn(mix=(0.5, 0.5))


def test_own_kinds():
    giant = dataclasses.replace(KINDS[0], name="giant", radius=20.0, spread=0.0)
    drawn = render(np.random.default_rng(1), 96, Tissue(mix=(1.0,)), Stain(), kinds=(giant,))
    assert min(n.long for n in drawn.nuclei) >= 20


def test_noise_is_standard_and_smooth():
    smooth = field(np.random.default_rng(0), 64, 3.0)
    assert abs(float(smooth.mean())) < 1e-5
    assert float(smooth.std()) == pytest.approx(1, abs=1e-4)
    assert np.abs(np.diff(smooth, axis=0)).mean() < 0.4
