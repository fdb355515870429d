from pathlib import Path

import numpy as np
import pytest

from benchhub.model.quality import AnswerKey
from benchhub.results.rows.quality.assess import assess
from benchhub.tasks.cardiac.metric import (
    DICE,
    DICE_WORST,
    NO_CLASS,
    class_map,
    dice_by_volume,
    encode,
    overlap_by_case,
)
from benchhub.tasks.metrics import get_metric
from benchhub.tasks.predictions import get_prediction, get_predictor, predicted

NAMES = ("rv", "myo", "lv")


def slices(*rows, volumes=None):
    """Return slices of one row of pixels each, and the volumes they are of."""
    maps = np.array(rows, dtype=np.uint8)[:, None, :]
    if volumes is None:
        return maps
    return np.stack([encode(one, volume) for one, volume in zip(maps, volumes, strict=True)])


def score(metric, mine, labels, weights=None):
    weights = np.ones((1, len(labels))) if weights is None else np.asarray(weights, dtype=float)
    return metric.weighted(mine, labels, weights).tolist()


def test_perfect():
    truth = [0, 1, 2, 3]
    labels = slices(truth, truth, volumes=[0, 1])
    assert score(DICE, slices(truth, truth), labels) == [1.0]
    parts = DICE.parts(slices(truth, truth), labels, NAMES)
    assert parts == {"dice_rv": 1, "dice_myo": 1, "dice_lv": 1, "dice_worst_volume": 1}


def test_disjoint():
    assert score(DICE, slices([2, 3, 1]), slices([1, 2, 3], volumes=[0])) == [0.0]


def test_empty_prediction_counts_nothing_and_does_not_crash():
    labels = slices([1, 2, 3, 0], volumes=[0])
    assert score(DICE, slices([0, 0, 0, 0]), labels) == [0.0]
    assert DICE.parts(slices([0, 0, 0, 0]), labels, NAMES)["dice_worst_volume"] == 0


def test_empty_truth_is_left_out_where_the_prediction_is_empty_too():
    # no right ventricle in the second volume: its muscle and cavity alone count
    labels = slices([1, 2, 3, 0], [0, 2, 3, 0], volumes=[0, 1])
    mine = slices([1, 2, 3, 0], [0, 2, 0, 0])
    assert score(DICE, mine, labels) == [pytest.approx((1 + 1 + 0.5) / 3)]


def test_empty_truth_counts_nothing_where_something_is_predicted():
    labels = slices([1, 2, 3, 0], [0, 2, 3, 0], volumes=[0, 1])
    mine = slices([1, 2, 3, 0], [1, 2, 3, 0])
    assert score(DICE, mine, labels) == [pytest.approx((0.5 + 1 + 1) / 3)]


def test_nothing_anywhere_is_undefined():
    labels = slices([0, 0], [0, 0], volumes=[0, 1])
    mine = slices([0, 0], [0, 0])
    assert np.isnan(score(DICE, mine, labels)).all()
    assert np.isnan(score(DICE_WORST, mine, labels)).all()
    assert DICE.parts(mine, labels, NAMES) == {}
    with pytest.raises(ValueError, match="undefined"):
        assess([mine], _answer_key(labels), DICE, [mine])


def test_slices_of_a_volume_are_counted_together():
    """By hand: |A and B| = 1 + 0, |A| = 1 + 1, |B| = 2 + 0; a mean of slices would give 1/3."""
    labels = slices([1, 1], [0, 0], volumes=[5, 5])
    mine = slices([1, 0], [0, 1])
    assert score(DICE, mine, labels) == [2 * 1 / (2 + 2)]


def test_by_hand():
    labels = slices([1, 1, 2, 3], [1, 2, 2, 3], [0, 2, 3, 3], volumes=[0, 0, 1])
    mine = slices([1, 2, 2, 3], [1, 2, 3, 3], [0, 2, 2, 3])
    # volume 0: rv 2*2/(3+2), myo 2*2/(3+3), lv 2*2/(2+3); volume 1: myo 2*1/(1+2), lv 2*1/(2+1)
    rv, myo, lv = [0.8], [4 / 6, 2 / 3], [0.8, 2 / 3]
    means = [np.mean(rv), np.mean(myo), np.mean(lv)]
    assert score(DICE, mine, labels) == [pytest.approx(np.mean(means))]
    parts = DICE.parts(mine, labels, NAMES)
    assert parts == pytest.approx(
        {"dice_rv": means[0], "dice_myo": means[1], "dice_lv": means[2], "dice_worst_volume": 2 / 3}
    )
    # drawn twice and not at all
    first = np.mean([0.8, 4 / 6, 0.8])
    both = np.mean([0.8, (2 * 4 / 6 + 2 / 3) / 3, (2 * 0.8 + 2 / 3) / 3])
    assert score(DICE, mine, labels, [[1, 1, 0], [2, 2, 1]]) == pytest.approx([first, both])


def _random(seed, volumes=12, per_volume=3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, (volumes * per_volume, 5, 5)).astype(np.uint8)
    truth[:per_volume][truth[:per_volume] == 1] = 0
    noise = rng.random(truth.shape) < 0.3
    mine = np.where(noise, rng.integers(0, 4, truth.shape), truth).astype(np.uint8)
    mine[:per_volume][mine[:per_volume] == 1] = 0
    numbers = np.repeat(np.arange(volumes), per_volume)
    labels = np.stack([encode(one, volume) for one, volume in zip(truth, numbers, strict=True)])
    return mine, labels, numbers


def _slow_dice(mine, labels, weights):
    values = []
    for structure in (1, 2, 3):
        total = weight = 0.0
        for volume in np.unique(labels // 4):
            here = (labels[:, 0, 0] // 4) == volume
            a, b = mine[here] == structure, labels[here] % 4 == structure
            if a.sum() + b.sum():
                total += weights[here].mean() * 2 * (a & b).sum() / (a.sum() + b.sum())
                weight += weights[here].mean()
        if weight:
            values.append(total / weight)
    return np.mean(values)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_against_the_definition_word_by_word(seed):
    mine, labels, _ = _random(seed)
    rng = np.random.default_rng(seed)
    weights = np.repeat(rng.integers(0, 3, (6, 12)), 3, axis=1).astype(float)
    wanted = [_slow_dice(mine, labels, row) for row in weights]
    assert score(DICE, mine, labels, weights) == pytest.approx(wanted)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("metric", [DICE, DICE_WORST], ids=lambda metric: metric.name)
def test_by_case_is_what_a_slice_adds(metric, seed):
    mine, labels, numbers = _random(seed)
    assert metric.by_case is not None
    added = metric.by_case(mine, labels)
    whole = score(metric, mine, labels)[0]
    assert added.mean() == pytest.approx(whole)
    step = 1e-6
    for volume in (0, 5):
        weights = np.ones((1, len(labels)))
        weights[0, numbers == volume] += step
        moved = (score(metric, mine, labels, weights)[0] - whole) / step
        assert (added - whole)[numbers == volume].sum() / len(labels) == pytest.approx(
            moved, abs=1e-5
        )


def test_the_order_of_slices_does_not_matter():
    mine, labels, _ = _random(4)
    order = np.random.default_rng(4).permutation(len(labels))
    assert score(DICE, mine[order], labels[order]) == pytest.approx(score(DICE, mine, labels))


def test_worst_volumes():
    """Twenty volumes, one of them half right: the worst 5 % are that one, or of it twice."""
    truth = [[2, 2, 3, 3]] * 20
    labels = slices(*truth, volumes=range(20))
    mine = slices(*[[2, 0, 3, 0]], *truth[1:])
    assert score(DICE_WORST, mine, labels) == [pytest.approx(2 / 3)]
    weights = np.ones((3, 20))
    weights[1, 0] = 0
    weights[2, 10:] = 0  # half a volume is 5 % of ten
    assert score(DICE_WORST, mine, labels, weights) == pytest.approx([2 / 3, 1, 2 / 3])
    weights = np.ones((1, 20))
    weights[0, 0] = 0.5  # the worst has half of what 5 % are, and some; the rest is perfect
    share = 0.5 / (0.05 * 19.5)
    assert score(DICE_WORST, mine, labels, weights) == [pytest.approx(share * 2 / 3 + 1 - share)]


def test_class_map():
    outputs = np.zeros((2, 4, 2, 2), dtype=np.float32)
    outputs[0, 3, 0, 0] = 1
    outputs[1, 1, 1, 1] = 2
    outputs[1, 2, 0, 0] = np.nan
    found = class_map(outputs)
    assert found.dtype == np.uint8
    assert found[0].tolist() == [[3, 0], [0, 0]]
    assert found[1].tolist() == [[NO_CLASS, 0], [0, 1]]
    for wrong in (np.zeros((2, 4)), np.zeros((2, 1, 2, 2))):
        with pytest.raises(ValueError, match="no class of each pixel"):
            class_map(wrong)


def test_pixels_of_no_class_are_wrong():
    labels = slices([0, 3, 3, 3], volumes=[0])
    mine = slices([NO_CLASS, 3, NO_CLASS, 3])
    assert score(DICE, mine, labels) == [pytest.approx(2 * 2 / (3 + 2))]


def test_outputs_can_be_judged_as_they_come():
    mine, labels, _ = _random(6)
    outputs = np.moveaxis(np.eye(4, dtype=np.float32)[mine], -1, 1)
    np.testing.assert_array_equal(overlap_by_case(outputs, labels), overlap_by_case(mine, labels))


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="do not fit"):
        overlap_by_case(np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3, 4), np.int16))


def test_volumes_and_members():
    labels = slices([1], [1], [1], volumes=[7, 3, 7])
    dice, members = dice_by_volume(overlap_by_case(slices([1], [0], [1]), labels))
    assert members.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(dice, [[0, np.nan, np.nan], [1, np.nan, np.nan]])


def test_tables_know_the_names():
    assert get_metric("dice") is DICE
    assert get_metric("dice_worst5") is DICE_WORST
    assert get_prediction("argmax-labels") is class_map
    outputs = np.random.default_rng(0).random((3, 4, 5, 5), dtype=np.float32)
    maps, took = predicted(get_predictor("argmax-labels", Path()), [outputs])
    np.testing.assert_array_equal(maps, outputs.argmax(axis=1))
    assert len(took) == 3


def _answer_key(labels):
    names = tuple(f"p{volume}" for volume in labels[:, 0, 0] // 8)
    return AnswerKey("dice", labels, names, names, NAMES, ())


def test_patients_are_drawn_whole_and_the_loss_has_limits():
    mine, labels, _ = _random(8, volumes=40)
    better = np.where(np.random.default_rng(1).random(mine.shape) < 0.5, labels % 4, mine)
    found = assess([mine], _answer_key(labels), DICE, [better.astype(np.uint8)], resamples=200)
    assert found.groups == 20
    assert found.value == pytest.approx(score(DICE, mine, labels)[0])
    assert found.low < found.value < found.high
    assert 0 < found.loss.low < found.loss.estimate < found.loss.high


def test_maps_that_are_no_classes_of_one_volume_are_refused():
    truth = [0, 1, 2, 3]
    labels = slices(truth, truth, volumes=[0, 1])
    with pytest.raises(ValueError, match="whole numbers, not float64"):
        overlap_by_case(slices(truth, truth) / 3, labels)
    labels[1, 0, 2] += 4
    with pytest.raises(ValueError, match=r"of several volumes; of other maps .* use mask_dice"):
        overlap_by_case(slices(truth, truth), labels)
