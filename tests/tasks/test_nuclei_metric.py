from pathlib import Path

import numpy as np
import pytest

from benchhub.tasks.metrics import get_metric
from benchhub.tasks.nuclei.distance import distances, targets
from benchhub.tasks.nuclei.metric import METRICS, scores
from benchhub.tasks.nuclei.watershed import (
    LEAST,
    decoded,
    encoded,
    predict,
    separated,
)
from benchhub.tasks.predictions import get_predictor, predicted
from benchhub.tasks.stained.instances import overlaps, pq

RNG = np.random.default_rng(0)


def _discs(*centres, size=32, radius=6):
    rows, columns = np.mgrid[:size, :size]
    labels = np.zeros((size, size), dtype=np.int32)
    for number, (row, column) in enumerate(centres, start=1):
        labels[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = number
    return labels


def _maps(labels):
    """Return outputs that say exactly what is true: (2, H, W)."""
    return np.stack([np.where(labels > 0, 4.0, -4.0), distances(labels)]).astype(np.float32)


TRUTH = np.stack([_discs((8, 8), (22, 20)), _discs((10, 10), (10, 20)), _discs((16, 16)), _discs()])
PERFECT = np.stack([_maps(one) for one in TRUTH])


def _worse():
    outputs = PERFECT.copy()
    outputs[0, 0, :, 16:] = -4.0  # a nucleus missed
    outputs[1, 1] = 0.0  # two touching ones not told apart
    outputs[2, 0, 20:] = -4.0  # a part missed
    outputs[3, 0, :4, :4] = 4.0  # one invented
    outputs[:, 1] += RNG.normal(0, 0.05, outputs[:, 1].shape)
    return predict(outputs)


def _value(name, predictions, labels=TRUTH, weights=None):
    weights = np.ones((1, len(labels))) if weights is None else weights
    found = get_metric(name).weighted(predictions, labels, weights)
    return found if len(found) > 1 else float(found[0])


def test_distance_falls_from_the_middle_to_the_edge():
    depth = distances(_discs((16, 16), radius=8))
    assert depth[16, 16] == 1.0
    assert np.all(np.diff(depth[16, 16:26]) <= 0)
    assert (depth > 0).sum() == (_discs((16, 16), radius=8) > 0).sum()


def test_distance_parts_nuclei_that_touch():
    labels = np.zeros((9, 20), dtype=np.int32)
    labels[1:8, 1:10], labels[1:8, 10:19] = 1, 2
    depth = distances(labels)
    assert depth[4, 9] == depth[4, 10] == 0.25
    assert depth[4, 5] == depth[4, 14] == 1.0


def test_distance_of_what_is_not_there_and_of_what_fills_the_picture():
    assert not distances(np.zeros((8, 8), dtype=np.int32)).any()
    assert (distances(np.ones((8, 8), dtype=np.int32)) == 1).all()


def test_targets_keep_every_pixel_of_a_nucleus():
    labels = _discs((16, 16), radius=15)
    bytes_ = targets(labels)
    np.testing.assert_array_equal(bytes_ > 0, labels > 0)
    np.testing.assert_allclose(bytes_ / 255, distances(labels), atol=0.5 / 255 + 1e-6)


def test_true_maps_give_back_the_nuclei():
    predictions = predict(PERFECT)
    assert predictions.dtype == np.uint16
    for found, truth in zip(predictions[:, 0], TRUTH, strict=True):
        assert overlaps(truth, found).aji() > 0.97
        assert found.max() == truth.max()
    for name in ("aji", "aji_plus", "pq"):
        assert _value(name, predictions) > 0.97
    assert _value("nuclei_dice", predictions) == 1.0
    assert _value("mse", predictions) < 1e-8
    assert _value("r2", predictions) > 0.999999


@pytest.mark.parametrize("fill", [0.0, -5.0, 5.0, np.nan, np.inf, -np.inf, 1e30])
def test_maps_that_say_nothing_do_not_crash(fill):
    outputs = np.full((2, 2, 32, 32), fill, dtype=np.float32)
    predictions = predict(outputs)
    nuclei = predictions[:, 0].max(axis=(1, 2))
    assert nuclei.tolist() == ([1, 1] if fill > 0 else [0, 0])
    table = scores(predictions, TRUTH[:2])
    for name in ("aji", "aji_plus", "pq", "nuclei_dice", "mse", "r2"):
        assert np.isfinite(_value(name, predictions, TRUTH[:2])), name
    assert np.isfinite(table[:, :5]).all()


def test_an_emptied_distance_branch_costs_the_separation_only():
    outputs = PERFECT.copy()
    outputs[:, 1] = 0.0
    predictions = predict(outputs)
    assert _value("nuclei_dice", predictions) == 1.0
    assert predictions[1, 0].max() == 1
    assert predictions[0, 0].max() == 2


def test_noise_makes_no_specks():
    speck = np.zeros((32, 32), dtype=bool)
    speck[3:6, 3:6] = True
    assert speck.sum() < LEAST
    assert not separated(speck, np.ones((32, 32))).any()


def test_distances_are_kept_to_a_small_step_and_clipped():
    given = np.linspace(-1, 2, 1001)
    np.testing.assert_allclose(decoded(encoded(given)), given, atol=1 / 20_000)
    np.testing.assert_allclose(decoded(encoded(np.array([-9.0, 9.0]))), [-1, 2], atol=1e-6)


def test_one_case_at_a_time_is_the_same():
    together = predict(PERFECT)
    alone, took_ns = predicted(get_predictor("nuclei", Path()), [PERFECT])
    np.testing.assert_array_equal(alone, together)
    assert len(took_ns) == len(PERFECT)


def test_outputs_of_another_shape():
    with pytest.raises(ValueError, match="no logit and distance"):
        predict(np.zeros((1, 3, 8, 8), dtype=np.float32))
    with pytest.raises(ValueError, match="do not fit"):
        scores(np.zeros((4, 2, 16, 16), dtype=np.uint16), TRUTH)


def test_scores_are_those_of_the_cases():
    predictions = _worse()
    pairs = list(zip(TRUTH, predictions[:, 0], strict=True))
    expected = {
        "aji": np.mean([overlaps(*pair).aji() for pair in pairs]),
        "aji_plus": np.mean([overlaps(*pair).aji_plus() for pair in pairs]),
        "pq": np.mean([pq(*overlaps(*pair).panoptic()) for pair in pairs]),
        "nuclei_dice": np.mean([overlaps(*pair).dice() for pair in pairs]),
    }
    for name, value in expected.items():
        assert _value(name, predictions) == pytest.approx(value)
        assert 0 < value < 1
    # the last case has no nucleus and one was invented
    assert get_metric("aji").by_case(predictions, TRUTH)[3] == 0


def test_error_of_distance_is_over_all_pixels():
    predictions = _worse()
    true = np.stack([distances(one) for one in TRUTH]).astype(np.float64)
    error = (decoded(predictions[:, 1]) - true) ** 2
    assert _value("mse", predictions) == pytest.approx(error.mean())
    assert _value("r2", predictions) == pytest.approx(
        1 - error.sum() / ((true - true.mean()) ** 2).sum()
    )
    parts = get_metric("mse").parts(predictions, TRUTH, ("nucleus",))
    assert set(parts) == {"nucleus pixels", "background pixels"}


def test_a_constant_distance_explains_nothing():
    true = np.stack([distances(one) for one in TRUTH])
    flat = np.stack([predict(PERFECT)[:, 0], encoded(np.full(true.shape, true.mean()))], axis=1)
    assert _value("r2", flat) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("name", [metric.name for metric in METRICS])
def test_weights_count_cases(name):
    predictions = _worse()
    rows = np.array([0, 0, 1, 2, 2, 2])
    repeated = _value(name, predictions[rows], TRUTH[rows])
    weights = np.array([[2.0, 1.0, 3.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    found = _value(name, predictions, weights=weights)
    assert found[0] == pytest.approx(repeated)
    assert found[1] == pytest.approx(_value(name, predictions))


@pytest.mark.parametrize("name", ["aji", "aji_plus", "pq", "nuclei_dice", "mse"])
def test_by_case_has_the_metric_as_its_mean(name):
    predictions = _worse()
    by_case = get_metric(name).by_case(predictions, TRUTH)
    assert by_case.shape == (4,)
    assert by_case.mean() == pytest.approx(_value(name, predictions))


def test_parts_of_panoptic_quality():
    parts = get_metric("pq").parts(_worse(), TRUTH, ("nucleus",))
    assert set(parts) == {"detection", "segmentation"}
    assert 0 < parts["detection"] < 1


def test_every_metric_is_found_by_name():
    for metric in METRICS:
        assert get_metric(metric.name).name == metric.name
    assert not get_metric("mse").higher_is_better
