import numpy as np
import pytest

from benchhub.tasks.metrics import get_metric
from benchhub.tasks.pathology.metric import BPQ, MPQ
from benchhub.tasks.pathology.names import TYPES
from benchhub.tasks.pathology.scores import scores
from benchhub.tasks.stained.instances import overlaps, pq

NAMES = (*TYPES, "Breast", "Colon")


def _maps(*nuclei, tissue=None, size=24):
    """Planes with a 6 x 6 nucleus for each (row, column, type, width)."""
    planes = np.zeros((2 if tissue is None else 3, size, size), dtype=np.int16)
    for number, (row, column, kind, width) in enumerate(nuclei, start=1):
        planes[0, row : row + 6, column : column + width] = number
        planes[1, row : row + 6, column : column + width] = kind
    if tissue is not None:
        planes[2] = tissue
    return planes


@pytest.fixture
def sample():
    """Twenty-four random images, two of them without nuclei, in three tissues; and answers."""
    rng = np.random.default_rng(4)
    labels, outputs = [], []
    for index in range(24):
        places = [(r, c) for r in (0, 8, 16) for c in (0, 8, 16)]
        truth = [(r, c, int(rng.integers(1, 6)), 6) for r, c in places if rng.random() < 0.7]
        truth = [] if index % 12 == 5 else truth
        found = [
            (r, c, kind if rng.random() < 0.7 else int(rng.integers(1, 6)), int(rng.integers(2, 8)))
            for r, c, kind, _ in truth
            if rng.random() < 0.9
        ]
        found += [(16, 16, 2, 5)] if index % 7 == 0 else []
        labels.append(_maps(*truth, tissue=index % 3))
        outputs.append(_maps(*found))
    return np.stack(outputs), np.stack(labels)


def test_by_hand():
    label = _maps((0, 0, 1, 6), (8, 8, 2, 6), tissue=0)[None]
    # one found whole, one with 4 of 6 columns (IoU 2/3) and taken for type 1
    output = _maps((0, 0, 1, 6), (8, 8, 1, 4))[None]
    one = np.ones((1, 1))
    assert BPQ.weighted(output, label, one)[0] == pytest.approx((1 + 2 / 3) / 2)
    # type 1: one of two found is right, PQ = 1 / 1.5; type 2: missed, 0
    assert MPQ.weighted(output, label, one)[0] == pytest.approx((1 / 1.5 + 0) / 2)
    told = BPQ.parts(output, label, NAMES)
    assert told["neoplastic"] == pytest.approx(1 / 1.5)
    assert told["inflammatory"] == 0
    assert told["Breast"] == pytest.approx((1 + 2 / 3) / 2)
    assert set(told) == {"neoplastic", "inflammatory", "Breast"}


def test_touching_nuclei_found_as_one():
    label = np.zeros((1, 3, 12, 22), dtype=np.int16)
    label[0, 0, 1:11, 1:11], label[0, 0, 1:11, 11:21] = 1, 2
    label[0, 1][label[0, 0] > 0] = 1
    output = np.minimum(label[:, :2], 1)
    assert BPQ.weighted(output, label, np.ones((1, 1)))[0] == 0


def test_types_and_tissues_are_averaged_as_defined(sample):
    outputs, labels = sample
    binary, images = [], {}
    for output, label in zip(outputs, labels, strict=True):
        if not label[0].any():
            continue
        binary.append(pq(*overlaps(label[0], output[0]).panoptic()))
        of_types = []
        for kind in range(1, 6):
            truth = np.where(label[1] == kind, label[0], 0)
            if truth.any():
                found = np.where(output[1] == kind, output[0], 0)
                of_types.append(pq(*overlaps(truth, found).panoptic()))
        images.setdefault(int(label[2, 0, 0]), []).append(np.mean(of_types))
    ones = np.ones((1, len(labels)))
    assert BPQ.weighted(outputs, labels, ones)[0] == pytest.approx(np.mean(binary))
    by_tissue = [np.mean(values) for values in images.values()]
    assert MPQ.weighted(outputs, labels, ones)[0] == pytest.approx(np.mean(by_tissue))


@pytest.mark.parametrize("metric", [BPQ, MPQ], ids=lambda metric: metric.name)
def test_weights_count_cases_as_often_as_they_are_repeated(sample, metric):
    outputs, labels = sample
    weights = np.random.default_rng(1).multinomial(24, np.full(24, 1 / 24), size=5)
    values = metric.weighted(outputs, labels, weights)
    for drawn, value in zip(weights, values, strict=True):
        rows = np.repeat(np.arange(24), drawn)
        again = metric.weighted(outputs[rows], labels[rows], np.ones((1, len(rows))))
        assert value == pytest.approx(again[0])


@pytest.mark.parametrize("metric", [BPQ, MPQ], ids=lambda metric: metric.name)
def test_by_case_is_what_a_weight_changes(sample, metric):
    outputs, labels = sample
    ones = np.ones((1, 24))
    value = metric.weighted(outputs, labels, ones)[0]
    step = 1e-6
    moved = metric.weighted(outputs, labels, 1 + step * np.eye(24))
    wanted = value + 24 * (moved - value) / step
    found = metric.by_case(outputs, labels)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert found.mean() == pytest.approx(value)


def test_images_without_nuclei_are_left_out_and_empty_answers_are_worth_nothing(sample):
    outputs, labels = sample
    ones = np.ones((1, 24))
    nothing = np.zeros_like(outputs)
    assert BPQ.weighted(nothing, labels, ones)[0] == 0
    assert MPQ.weighted(nothing, labels, ones)[0] == 0
    bare = np.zeros_like(labels)
    for metric in (BPQ, MPQ):
        assert np.isnan(metric.weighted(outputs, bare, ones)).all()
        assert np.isnan(metric.by_case(outputs, bare)).all()
    assert BPQ.parts(outputs, bare, NAMES) == {}
    noisy = outputs.copy()
    noisy[5] = _maps((0, 0, 1, 6))
    assert BPQ.weighted(noisy, labels, ones) == BPQ.weighted(outputs, labels, ones)


def test_an_answer_that_is_the_truth_is_perfect(sample):
    _, labels = sample
    for metric in (BPQ, MPQ):
        assert metric.weighted(labels[:, :2], labels, np.ones((1, 24)))[0] == 1


def test_outputs_of_another_shape_do_not_fit(sample):
    outputs, labels = sample
    with pytest.raises(ValueError, match="no maps of nuclei"):
        scores(outputs[:, 0], labels)
    with pytest.raises(ValueError, match="do not fit"):
        scores(outputs[..., :-1], labels)


def test_metrics_share_one_table_of_images(sample):
    outputs, labels = sample
    assert BPQ.table.of is MPQ.table.of is get_metric("bpq_worst5").table.of
    table = BPQ.table.of(outputs, labels)
    assert len(table) == 24
    weights = np.random.default_rng(0).integers(0, 3, (50, 24))
    for metric in (BPQ, MPQ):
        np.testing.assert_array_equal(
            metric.table.weighted(table, weights), metric.weighted(outputs, labels, weights)
        )


def test_stored_runs_find_the_metrics_by_name():
    assert get_metric("bpq") is BPQ
    assert get_metric("mpq") is MPQ
    assert get_metric("bpq_worst5").name == "bpq_worst5"
