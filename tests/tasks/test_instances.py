import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchhub.tasks.stained.instances import (
    from_outlines,
    overlaps,
    pq,
    relabel,
)

MAPS = arrays(np.int32, (7, 9), elements=st.sampled_from([0, 0, 1, 2, 5, 70_000]))
TINY = settings(max_examples=60, deadline=None)


def _scores(truth, prediction):
    lying = overlaps(truth, prediction)
    return lying.dice(), lying.aji(), lying.aji_plus(), pq(*lying.panoptic())


def _squares(*corners, shape=(24, 34), side=10):
    labels = np.zeros(shape, dtype=np.int32)
    for number, (row, column) in enumerate(corners, start=1):
        labels[row : row + side, column : column + side] = number
    return labels


def test_two_touching_nuclei_found_as_one():
    truth = _squares((4, 4), (4, 14))
    merged = (truth > 0).astype(np.int32)
    dice, joint, single, quality = _scores(truth, merged)
    assert dice == 1.0
    # each true one takes the merged one: (100 + 100) / (200 + 200)
    assert joint == 0.5
    # only one may: 100 / (200 + the other's 100)
    assert single == pytest.approx(1 / 3)
    assert quality == 0.0
    assert overlaps(truth, merged).panoptic() == (0.0, 0, 1, 2)


def test_one_nucleus_found_as_two_halves():
    truth, halves = _squares((4, 4)), _squares((4, 4))
    halves[4:14, 9:14] = 2
    assert _scores(truth, halves) == (1.0, 50 / 150, 50 / 150, 0.0)
    assert overlaps(truth, halves).panoptic() == (0.0, 0, 2, 1)


def test_a_match_that_counts_and_one_that_does_not():
    truth = _squares((0, 0), (12, 12))
    # the first moved by two pixels: 80 in common of 120; the second missed, a third invented
    moved = _squares((0, 2), (0, 20))
    lying = overlaps(truth, moved)
    assert lying.panoptic() == (pytest.approx(80 / 120), 1, 1, 1)
    assert pq(80 / 120, 1, 1, 1) == pytest.approx(80 / 120 / 2)
    assert lying.aji() == lying.aji_plus() == 80 / (120 + 100 + 100)
    assert lying.dice() == 2 * 80 / 400


def test_two_predictions_of_one_nucleus_do_not_make_its_neighbours_theirs():
    # best IoU leaves the second prediction to nobody: its area counts against the score
    truth, found = _squares((0, 0)), np.zeros((24, 34), dtype=np.int32)
    found[0:10, 0:7], found[0:10, 7:10] = 3, 9
    assert overlaps(truth, found).aji() == 70 / (100 + 30)


def test_exactly_half_is_no_match():
    truth, found = np.zeros((4, 4), dtype=int), np.zeros((4, 4), dtype=int)
    truth[:2], found[0] = 1, 1
    assert overlaps(truth, found).panoptic() == (0.0, 0, 1, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, bool])
def test_nothing_to_find_or_nothing_found(dtype):
    nothing, some = np.zeros((5, 5), dtype=dtype), np.zeros((5, 5), dtype=dtype)
    some[1:3, 1:3] = 1
    assert _scores(some, nothing) == (0.0, 0.0, 0.0, 0.0)
    assert _scores(nothing, some) == (0.0, 0.0, 0.0, 0.0)
    assert _scores(nothing, nothing) == (1.0, 1.0, 1.0, 1.0)
    assert overlaps(nothing, nothing).panoptic() == (0.0, 0, 0, 0)
    assert overlaps(nothing, some).panoptic() == (0.0, 0, 1, 0)
    assert overlaps(some, nothing).panoptic() == (0.0, 0, 0, 1)


def test_objects_side_by_side_without_overlap():
    assert _scores(_squares((0, 0)), _squares((12, 12))) == (0.0, 0.0, 0.0, 0.0)


@given(MAPS)
@TINY
def test_a_perfect_prediction_scores_one(truth):
    assert _scores(truth, truth) == (1.0, 1.0, 1.0, 1.0)


@given(MAPS, MAPS, st.randoms())
@TINY
def test_numbering_says_nothing(truth, prediction, random):
    names = list(range(1, 200_000, 20_000))
    random.shuffle(names)
    renamed = np.zeros_like(prediction)
    for name, old in zip(names, (1, 2, 5, 70_000), strict=False):
        renamed[prediction == old] = name
    assert _scores(truth, renamed) == pytest.approx(_scores(truth, prediction))


def test_matches_of_equal_overlap_do_not_depend_on_numbers():
    truth, found = np.array([[1, 1, 2]]), np.array([[1, 2, 1]])
    assert _scores(truth, found) == _scores(truth, 3 - found) == _scores(3 - truth, found)


@given(MAPS, MAPS)
@TINY
def test_scores_are_shares_and_keep_their_order(truth, prediction):
    dice, joint, single, quality = _scores(truth, prediction)
    for score in (dice, joint, single, quality):
        assert 0 <= score <= 1
    # the area of both AJI denominators holds every pixel that Jaccard's union holds
    jaccard = dice / (2 - dice)
    assert max(joint, single) <= jaccard + 1e-12


@given(MAPS, MAPS)
@TINY
def test_overlaps_against_counting_pixel_by_pixel(truth, prediction):
    found = overlaps(truth, prediction)
    true_names, names = (np.unique(m[m > 0]) for m in (truth, prediction))
    expected = [[((truth == a) & (prediction == b)).sum() for b in names] for a in true_names]
    assert found.shared.shape == (len(true_names), len(names))
    np.testing.assert_array_equal(
        found.shared, np.array(expected).reshape(len(true_names), len(names))
    )
    assert found.truth.tolist() == [(truth == a).sum() for a in true_names]
    assert found.prediction.tolist() == [(prediction == b).sum() for b in names]


@given(arrays(np.int64, (4, 5), elements=st.sampled_from([0, 3, 4, 9, 2**40])))
@TINY
def test_relabel_keeps_order_and_background(labels):
    new = relabel(labels)
    assert new.dtype == np.int32
    assert set(np.unique(new)) - {0} == set(range(1, len(np.unique(labels[labels > 0])) + 1))
    for row, column in np.argwhere(labels >= 0):
        same = labels == labels[row, column]
        assert (new[same] == new[row, column]).all()
        assert (new[row, column] == 0) == (labels[row, column] == 0)
    assert (np.argsort(np.unique(new)) == np.arange(len(np.unique(new)))).all()


def test_many_objects_take_the_sorted_way():
    # a table of 2,500 x 2,500 counts would be larger than what it counts
    each = np.arange(1, 2501).reshape(50, 50)
    assert _scores(each, each) == (1.0, 1.0, 1.0, 1.0)
    rows = overlaps(each, np.ones((50, 50), dtype=int))
    assert rows.prediction.tolist() == [2500]
    assert rows.shared.sum() == 2500


@pytest.mark.parametrize(
    ("truth", "prediction", "wanted"),
    [
        (np.zeros((2, 2), int), np.zeros((2, 3), int), "do not fit"),
        (np.zeros((2, 2)), np.zeros((2, 2), int), "whole numbers"),
        (np.full((2, 2), -1), np.zeros((2, 2), int), "below 0"),
    ],
)
def test_what_is_no_map(truth, prediction, wanted):
    with pytest.raises(ValueError, match=wanted):
        overlaps(truth, prediction).aji()


def test_maps_of_no_pixels():
    empty = np.zeros((0, 4), dtype=int)
    assert _scores(empty, empty) == (1.0, 1.0, 1.0, 1.0)


def test_outlines_are_numbered_from_one_and_later_ones_lie_on_top():
    square = np.array([[2, 2], [7, 2], [7, 7], [2, 7]], dtype=float)
    labels = from_outlines([square, square + 3], (12, 12))
    assert labels[3, 3] == 1
    assert labels[6, 6] == 2
    assert (labels == 2).sum() == 36
    assert (labels == 1).sum() == 36 - 9


def test_outlines_outside_degenerate_and_between_pixels():
    outlines = [
        np.zeros((0, 2)),
        np.array([[1.0, 1.0], [5.0, 5.0]]),
        np.array([[-4.5, -3.2], [3.4, -3.2], [3.4, 2.6], [-4.5, 2.6]]),
        np.array([[40.0, 40.0], [50.0, 40.0], [50.0, 50.0]]),
        np.array([[6.0, 6.0], [8.0, 6.0], [8.0, 8.0], [6.0, 8.0]]),
    ]
    labels = from_outlines(outlines, (10, 9))
    assert set(np.unique(labels)) == {0, 3, 5}
    assert (labels == 3).sum() == 4 * 3
    assert labels[:3, :4].all()


def test_x_runs_along_columns():
    wide = np.array([[0.0, 1.0], [8.0, 1.0], [8.0, 3.0], [0.0, 3.0]])
    rows, columns = np.nonzero(from_outlines([wide], (10, 10)))
    assert (rows.max(), columns.max()) == (3, 8)
