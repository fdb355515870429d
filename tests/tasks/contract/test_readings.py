"""What labels and outputs are is found where there is one way, and refused where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from benchhub.errors import ConfigError
from benchhub.model.quality import Reading, Reads
from benchhub.tasks.contract.asked import Asked, asked
from benchhub.tasks.contract.find import Output, find
from benchhub.tasks.contract.reason import NoReading
from benchhub.tasks.contract.seen import read_output, seen
from benchhub.tasks.metrics import get_metric

CASES = 90
NOTHING: Mapping[str, str] = {}
RNG = np.random.default_rng(12)
BINARY = RNG.integers(0, 2, CASES)
FEW = RNG.integers(0, 4, CASES)
#: Scores that rank well, not perfectly; offset so that where the threshold lies matters.
LOGIT = (BINARY * 2.0 - 1 + RNG.normal(size=CASES) + 0.4).astype(np.float32)
SHARE = expit(LOGIT).astype(np.float32)
TWO = np.stack([1 - SHARE, SHARE], axis=1)
#: Two logits, whose second alone ranks otherwise than their difference.
PAIR = np.stack([RNG.normal(size=CASES) * 3, np.zeros(CASES)], axis=1)
PAIR[:, 1] = PAIR[:, 0] + LOGIT
LOGITS = (np.eye(4)[FEW] * 1.5 + RNG.normal(size=(CASES, 4))).astype(np.float32)
SHARES = softmax(LOGITS, axis=1)
#: Surer, and with two classes more of which no case is.
WIDE = np.concatenate([LOGITS + 5 * np.eye(4)[FEW], np.full((CASES, 2), -9.0)], axis=1)
ANSWERS = LOGITS.argmax(axis=1)
#: The classes of each case, the likeliest first.
ORDERED = np.argsort(-LOGITS, axis=1)
MANY = (RNG.random((CASES, 4)) < [0.5, 0.3, 0.6, 0.2]).astype(np.uint8)
#: No row adds up to 1, and none lies outside 0 and 1.
HEADS = expit(np.where(MANY, 1.0, -1.0) + RNG.normal(size=MANY.shape)).astype(np.float32)


def value(
    name: str, output: np.ndarray, labels: np.ndarray, said: Mapping[str, str] = NOTHING
) -> float:
    """The metric of an output that is the model's only one."""
    metric = get_metric(name)
    reading = find(metric, [Output(0, "y", output)], labels, Asked(**said))
    given = seen(output, labels, (), metric, reading)
    return float(metric.weighted(given.outputs, given.labels, np.ones((1, CASES)))[0])


def refusal(
    name: str, output: np.ndarray, labels: np.ndarray, said: Mapping[str, str] = NOTHING
) -> str:
    with pytest.raises(NoReading) as caught:
        value(name, output, labels, said)
    assert "\n" not in str(caught.value)
    return str(caught.value)


AUC = roc_auc_score(BINARY, LOGIT)
BY_SHARE = accuracy_score(BINARY, LOGIT > 0)
OF_FOUR = accuracy_score(FEW, LOGITS.argmax(axis=1))
OVR = roc_auc_score(FEW, SHARES.astype(np.float64), multi_class="ovr")


@pytest.mark.parametrize(
    ("output", "labels", "said"),
    [
        (TWO, BINARY, {}),
        (TWO, BINARY[:, None], {}),
        (TWO[:, :, None, None], BINARY, {}),
        (TWO[:, None, :], BINARY.astype(np.float32), {}),
        (TWO, BINARY.astype(bool), {}),
        (TWO, np.eye(2)[BINARY], {}),
        (TWO, np.eye(2)[BINARY], {"labels": "one-hot"}),
        (PAIR, BINARY, {}),
        (PAIR, BINARY, {"scores": "logits"}),
        (PAIR, np.eye(2, dtype=int)[BINARY], {"labels": "one-hot"}),
        (LOGIT, BINARY, {}),
        (LOGIT[:, None], BINARY, {}),
        (SHARE[:, None], BINARY[:, None], {"scores": "positive"}),
        (SHARE[:, None, None], np.eye(2)[BINARY], {}),
        (SHARE[:, None], BINARY, {"labels": "multi-label"}),
        (np.round(255 * SHARE).astype(np.uint8)[:, None], BINARY, {}),
    ],
)
def test_an_auc_is_of_the_second_class_however_it_is_laid_out(output, labels, said):
    coarse = AUC if output.dtype != np.uint8 else roc_auc_score(BINARY, output[:, 0])
    assert value("macro_auc", output, labels, said) == pytest.approx(coarse, abs=1e-12)
    assert coarse > 0.8


@pytest.mark.parametrize(
    ("output", "labels", "said"),
    [
        (TWO, BINARY, {}),
        (PAIR, BINARY, {}),
        (PAIR, np.eye(2)[BINARY], {}),
        (LOGIT, BINARY, {}),
        (LOGIT[:, None], BINARY[:, None], {"scores": "logits"}),
        (SHARE[:, None], BINARY, {}),
        (SHARE[:, None], BINARY, {"scores": "probabilities"}),
        (SHARE[:, None], BINARY, {"scores": "positive"}),
        (LOGIT[:, None], np.eye(2)[BINARY], {"scores": "positive"}),
        ((LOGIT > 0).astype(np.int64), BINARY, {}),
        ((LOGIT > 0)[:, None], BINARY, {}),
        (np.round(255 * TWO).astype(np.uint8), BINARY, {}),
    ],
)
def test_accuracy_of_two_classes_has_its_threshold(output, labels, said):
    # One column of logits at .5, or of shares at 0, would score otherwise.
    assert accuracy_score(BINARY, LOGIT > 0.5) != BY_SHARE
    assert value("accuracy", output, labels, said) == pytest.approx(BY_SHARE)


@pytest.mark.parametrize(
    ("output", "labels"),
    [
        (LOGITS, FEW),
        (LOGITS, FEW.astype(np.float64)),
        (SHARES.reshape(CASES, 4, 1, 1), FEW[:, None]),
        (LOGITS, np.eye(4)[FEW]),
        (LOGITS[:, None, :], np.eye(4, dtype=bool)[FEW]),
        (LOGITS.argmax(axis=1), FEW),
        (np.round(LOGITS * 20).astype(np.int8), FEW),
    ],
)
def test_accuracy_of_classes(output, labels):
    of = np.asarray(output).reshape(CASES, -1)
    told = OF_FOUR if of.dtype != np.int8 else accuracy_score(FEW, of.argmax(axis=1))
    assert value("accuracy", output, labels) == pytest.approx(told)


@pytest.mark.parametrize(
    ("output", "labels", "said"),
    [
        (SHARES, FEW, {}),
        (LOGITS, FEW, {}),
        (LOGITS, FEW, {"scores": "logits"}),
        (SHARES, np.eye(4)[FEW], {}),
        (LOGITS, np.eye(4)[FEW], {"labels": "one-hot"}),
    ],
)
def test_an_auc_of_classes_is_one_against_the_rest(output, labels, said):
    assert value("macro_auc", output, labels, said) == pytest.approx(OVR, abs=1e-9)
    raw = np.mean([roc_auc_score(k == FEW, LOGITS[:, k]) for k in range(4)])
    assert abs(raw - OVR) > 1e-4  # of raw logits it would be another one


def test_an_auc_of_several_things_is_the_mean_of_theirs():
    wanted = roc_auc_score(MANY, HEADS, average="macro")
    assert value("macro_auc", HEADS, MANY) == pytest.approx(wanted)
    assert value("macro_auc", np.log(HEADS), MANY) == pytest.approx(wanted)


def test_a_class_that_no_case_has_is_no_reason_to_refuse():
    wide = np.concatenate([LOGITS, np.full((CASES, 2), -9.0)], axis=1)
    assert value("accuracy", wide, FEW) == pytest.approx(OF_FOUR)
    assert value("macro_auc", wide, FEW) == pytest.approx(OVR, abs=1e-3)


@pytest.mark.parametrize(
    ("output", "said"),
    [(SHARE[:, None], {}), (LOGIT, {}), (TWO, {}), (PAIR, {}), (LOGIT, {"scores": "logits"})],
)
def test_a_log_loss_is_of_probabilities_whichever_way_they_come(output, said):
    assert value("log_loss", output, BINARY, said) == pytest.approx(
        log_loss(BINARY, SHARE.astype(np.float64)), rel=1e-5
    )


@pytest.mark.parametrize(
    ("name", "output", "labels", "said", "wanted"),
    [
        ("macro_auc", LOGITS, BINARY, {}, "labels are 0 and 1, and it has 4 columns"),
        ("accuracy", LOGITS, BINARY[:, None], {}, 'write labels = "class"'),
        ("macro_auc", LOGIT, FEW, {}, "labels go up to 3, and one column can be of two classes"),
        ("accuracy", SHARE[:, None], FEW, {}, "labels go up to 3, and one column"),
        ("accuracy", TWO, BINARY * 2 - 1, {}, "labels = (labels + 1) // 2"),
        ("accuracy", LOGITS, FEW + 1, {}, "classes are counted from 0; write labels - 1"),
        ("macro_auc", LOGITS, FEW + 7, {}, "label 10 has no column among 4"),
        ("accuracy", LOGITS, FEW - 2, {}, "label -2 is of no class"),
        ("accuracy", LOGITS, FEW + 0.5, {}, "labels are no whole numbers"),
        ("accuracy", LOGITS, np.where(FEW == 1, np.nan, FEW), {}, "NaN or infinite values"),
        ("accuracy", LOGITS, np.full(CASES, 2), {}, "all labels are 2: one class tells nothing"),
        ("accuracy", LOGITS, np.zeros(CASES), {}, "all labels are 0: one class tells nothing"),
        ("macro_auc", TWO, np.zeros(CASES), {}, "all labels are 0"),
        ("macro_auc", TWO, np.eye(2)[np.ones(CASES, int)], {}, "all labels are of one class"),
        ("macro_auc", LOGITS[:60], FEW, {}, "90 cases should run along its first axis"),
        ("accuracy", LOGITS.T, FEW, {}, "90 cases should run along its first axis"),
        ("accuracy", np.zeros((CASES, 7, 4)), FEW, {}, "scores of shape (7, 4), and one row"),
        ("accuracy", LOGITS, np.zeros((CASES, 3, 3)), {}, "labels have more than one axis"),
        ("macro_auc", HEADS, MANY[:, :3], {}, "rows of 3 labels do not go with 4 columns"),
        ("macro_auc", TWO, MANY, {}, "rows of 4 labels do not go with 2 columns"),
        ("macro_auc", SHARE[:, None], MANY, {}, "rows of 4 labels do not go with 1 columns"),
        ("accuracy", HEADS, MANY, {}, "it needs one class a case"),
        ("macro_auc", HEADS, FEW, {}, 'write scores = "probabilities" or scores = "logits"'),
        ("macro_auc", HEADS[:, :2], BINARY, {}, "do not add up to 1"),
        ("macro_auc", LOGITS, np.eye(4)[FEW], {}, 'labels = "one-hot" or labels = "multi-label"'),
        ("macro_auc", MANY * 3, MANY * 3, {}, "rows of labels must be 0 and 1"),
        ("accuracy", LOGITS, FEW, {"scores": "probabilities"}, "they are not from 0 to 1"),
        ("accuracy", LOGITS, FEW, {"scores": "positive"}, "is of one column, and it has 4"),
        ("accuracy", LOGITS, FEW, {"labels": "regression"}, "it reads classes"),
        ("accuracy", LOGITS, FEW, {"labels": "one-hot"}, "one-hot is a row of them"),
        ("macro_auc", HEADS, MANY, {"labels": "one-hot"}, "has one 1 a row, and these have not"),
        ("macro_auc", HEADS, MANY, {"labels": "class"}, "a class is one number a case"),
        ("log_loss", LOGITS, FEW, {}, "there or not, not of 4 classes"),
        ("mean_absolute_error", LOGITS, FEW, {}, "one number is needed for each label"),
        ("mean_absolute_error", LOGITS, FEW, {"labels": "class"}, '"regression"'),
        ("mean_absolute_error", LOGITS, LOGITS[:, :2], {}, "in the same shape"),
        ("accuracy", np.array(["a"] * CASES), FEW, {}, "outputs are <U1, no numbers"),
        ("accuracy", np.where(LOGITS > 2, np.inf, LOGITS), FEW, {}, "outputs hold"),
        ("accuracy", np.round(255 * SHARE).astype(np.uint8), BINARY, {}, "no scale"),
        ("macro_auc", np.round(9 * LOGITS).astype(np.int8), FEW, {}, "no scale"),
        ("macro_auc", LOGITS, FEW, {"output": "z"}, "the model has no output 'z'"),
        ("accuracy", LOGITS, np.eye(4)[FEW], {"labels": "masks"}, 'labels = "masks" was written'),
        ("macro_auc", HEADS, MANY, {"labels": "boxes"}, 'labels = "boxes" was written'),
        ("accuracy", LOGITS, FEW, {"labels": "tokens"}, 'labels = "tokens" was written'),
        ("accuracy", np.log(SHARE), BINARY, {}, "as logarithms of probabilities are"),
        ("log_loss", np.log(SHARE)[:, None], BINARY, {}, "as logarithms of probabilities are"),
        ("log_loss", np.log(HEADS), MANY, {}, "as logarithms of probabilities are"),
        ("accuracy", ORDERED, FEW, {}, "in order, the likeliest first (top-k)"),
        ("accuracy", ORDERED[:, :2], BINARY, {}, "in order, the likeliest first (top-k)"),
        ("accuracy", np.eye(2, dtype=np.int64)[BINARY], BINARY, {}, "(top-k), and not one for"),
        ("top3_accuracy", ANSWERS, FEW, {}, "tells the class alone, and top3_accuracy is of the"),
        ("top3_accuracy", np.eye(4)[ANSWERS], FEW, {}, "tells the class alone, and top3_accuracy"),
        ("top3_accuracy", np.eye(4)[ANSWERS] > 0, np.eye(4)[FEW], {}, "it tells the class alone"),
        ("top2_accuracy", (LOGIT > 0).astype(np.int64), BINARY, {}, "it tells the class alone"),
        ("accuracy", ANSWERS, np.where(FEW == 3, 255, FEW), {}, "labels are 255, and no other"),
        ("accuracy", ANSWERS, FEW + 1, {}, "it answers 0 to 3, and labels are 1 to 4"),
        ("macro_auc", -np.sort(-SHARES, axis=1), FEW, {}, "scores fall from column to column"),
        ("macro_auc", np.roll(WIDE, 1, axis=1), FEW, {}, "would be with labels + 1: classes are"),
        ("accuracy", WIDE, FEW + 1, {}, "write labels - 1, or labels ="),
    ],
)  # fmt: skip
def test_what_has_no_reading_or_two_is_refused(name, output, labels, said, wanted):
    assert wanted in refusal(name, output, labels, said)


def test_an_error_is_of_numbers_over_any_axes_that_both_have_alike():
    maps = RNG.normal(size=(CASES, 3, 5, 2))
    truth = maps + RNG.normal(size=maps.shape)
    wanted = np.abs(maps - truth).mean()
    assert value("mean_absolute_error", maps, truth) == pytest.approx(wanted)
    for other in (truth[..., :1], truth.transpose(0, 2, 1, 3), truth.reshape(CASES, -1)):
        assert "in the same shape" in refusal("mean_absolute_error", maps, other)


def test_whole_numbers_rank_where_it_is_said_what_they_are():
    few = np.round(255 * SHARES).astype(np.uint8)
    told = np.mean([roc_auc_score(k == FEW, few[:, k]) for k in range(4)])
    assert value("macro_auc", few, FEW, {"scores": "probabilities"}) == pytest.approx(told)
    assert "no scale" in refusal("macro_auc", few, FEW, {"scores": "logits"})


def test_of_several_outputs_the_one_that_fits_is_read_and_two_are_refused():
    metric = get_metric("accuracy")
    boxes = Output(0, "boxes", np.zeros((CASES, 4, 5)))
    scores, other = Output(1, "scores", LOGITS), Output(2, "other", LOGITS)
    found = find(metric, [boxes, scores], FEW, Asked())
    assert (found.output, found.name) == (1, "scores")
    with pytest.raises(NoReading, match=r"'scores', 'other'; write output = \"scores\""):
        find(metric, [boxes, scores, other], FEW, Asked())
    assert find(metric, [boxes, scores, other], FEW, Asked(output="other")).output == 2
    with pytest.raises(NoReading, match=r"none of the model's outputs.*'boxes'.*'more'"):
        find(metric, [boxes, Output(1, "more", np.zeros((CASES, 9, 9)))], FEW, Asked())


def test_a_device_that_answers_in_another_scale_is_not_judged():
    reading = find(get_metric("macro_auc"), [Output(0, "y", LOGITS)], FEW, Asked())
    few = np.round(9 * LOGITS).astype(np.int8)
    with pytest.raises(ValueError, match="scores are int8, and the reference's are floats"):
        seen(few, FEW, (), get_metric("macro_auc"), reading)
    ranks = find(get_metric("accuracy"), [Output(0, "y", LOGITS)], FEW, Asked())
    given = seen(few, FEW, (), get_metric("accuracy"), ranks)
    assert given.outputs.argmax(axis=1).tolist() == few.argmax(axis=1).tolist()


def test_another_number_of_columns_or_outputs_is_an_error_not_a_cut():
    metric = get_metric("macro_auc")
    reading = find(metric, [Output(0, "y", TWO)], BINARY, Asked())
    with pytest.raises(ValueError, match="1 columns of scores where there should be 2"):
        seen(TWO[:, :1], BINARY, (), metric, reading)
    with pytest.raises(ValueError, match="output 1 'z' is missing: there are 1"):
        read_output([TWO], Reading("class", output=1, name="z"))


def test_two_names_of_labels_name_the_thing_that_is_ranked():
    metric = get_metric("macro_auc")
    reading = find(metric, [Output(0, "y", TWO)], BINARY, Asked())
    given = seen(TWO, BINARY, ("well", "ill"), metric, reading)
    assert given.names == ("ill",)
    assert metric.parts(given.outputs, given.labels, given.names) == {"ill": pytest.approx(AUC)}


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({"labels": "clas"}, "data.labels = 'clas' is none of .*; did you mean class"),
        ({"scores": "logit"}, "did you mean logits"),
        ({"scores": True}, "data.scores must be a text in quotes"),
        ({"output": 1}, "data.output must be a text in quotes"),
    ],
)
def test_what_data_says_is_one_of_what_there_is(data, wanted):
    with pytest.raises(ConfigError, match=wanted):
        asked(data, Path())


def test_a_run_without_readings_is_read_as_before_or_not_at_all():
    metric = get_metric("macro_auc")
    assert seen(HEADS, MANY, (), metric, None).outputs is HEADS
    for name, output, labels in (
        ("macro_auc", TWO, BINARY),
        ("macro_auc", LOGITS, FEW),
        ("accuracy", SHARE[:, None], BINARY),
        ("accuracy", LOGITS, np.eye(4)[FEW]),
    ):
        with pytest.raises(ValueError, match="run it again"):
            seen(output, labels, (), get_metric(name), None)
    assert get_metric("dice").reads is Reads.FIRST


def test_of_many_outputs_ten_are_named():
    scores = np.random.default_rng(0).random((12, 3))
    outputs = [Output(at, f"out{at}", scores) for at in range(79)]
    labels = np.arange(12) % 3
    with pytest.raises(NoReading) as caught:
        find(get_metric("accuracy"), outputs, labels, Asked())
    assert "'out9', and 69 more; write" in str(caught.value)
    assert "out10" not in str(caught.value)
    with pytest.raises(NoReading) as caught:
        find(get_metric("accuracy"), outputs, np.arange(9) % 3, Asked())
    assert "and 69 more" in str(caught.value)
    assert "out10" not in str(caught.value)


def test_whole_numbers_that_are_said_to_be_scores_are_read_as_scores():
    told = accuracy_score(FEW, ORDERED.argmax(axis=1))
    assert value("accuracy", ORDERED, FEW, {"scores": "logits"}) == pytest.approx(told)


def test_255_is_a_class_where_that_is_said():
    labels = np.where(FEW == 3, 255, FEW)
    told = accuracy_score(labels, ANSWERS)
    assert value("accuracy", ANSWERS, labels, {"labels": "class"}) == pytest.approx(told)


def test_a_class_that_the_baseline_never_answers_is_not_the_second_one():
    metric = get_metric("accuracy")
    answers = (LOGIT > 0).astype(np.int64)
    reading = find(metric, [Output(0, "y", answers)], BINARY, Asked())
    given = seen(2 * answers, BINARY, (), metric, reading)
    found = metric.weighted(given.outputs, given.labels, np.ones((1, CASES)))[0]
    assert found == pytest.approx(accuracy_score(BINARY, 2 * answers))
    assert found < BY_SHARE - 0.2


def test_a_probability_of_one_may_be_rounded_up():
    shares = SHARE.copy()
    shares[BINARY.argmax()] = np.nextafter(np.float32(1), np.float32(2))
    told = accuracy_score(BINARY, shares > 0.5)
    assert value("accuracy", shares[:, None], BINARY) == pytest.approx(told)
    assert value("accuracy", shares, BINARY, {"scores": "probabilities"}) == pytest.approx(told)
    assert "not from 0 to 1" in refusal("accuracy", shares * 2, BINARY, {"scores": "probabilities"})


def test_scores_that_fall_are_read_where_it_is_said_what_they_are():
    """A model that hardly tells classes apart has the most frequent ones first, too."""
    falling = -np.sort(-SHARES, axis=1)
    told = accuracy_score(FEW, np.zeros(CASES))
    assert value("accuracy", falling, FEW, {"scores": "probabilities"}) == pytest.approx(told)
    assert value("accuracy", ANSWERS, FEW + 1, {"labels": "class"}) == pytest.approx(
        accuracy_score(FEW + 1, ANSWERS)
    )


def test_labels_that_are_meant_as_they_are_may_be_said_to_be():
    found = value("accuracy", WIDE, FEW + 1, {"labels": "class"})
    assert found == pytest.approx(accuracy_score(FEW + 1, WIDE.argmax(axis=1)))


def test_logarithms_of_probabilities_that_rows_or_ranks_tell_are_read():
    """Of rows softmax makes the probabilities again, and ranks are the same."""
    logs = np.log(TWO)
    assert value("accuracy", logs, BINARY) == pytest.approx(BY_SHARE)
    assert value("macro_auc", np.log(SHARE), BINARY) == pytest.approx(AUC, abs=1e-12)
    wanted = log_loss(BINARY, SHARE.astype(np.float64))
    assert value("log_loss", logs, BINARY) == pytest.approx(wanted, rel=1e-5)
    below = LOGIT - LOGIT.max() - 1  # logits of a rare thing, none of which is a yes
    assert value("accuracy", below, BINARY) == pytest.approx(1 - BINARY.mean())
