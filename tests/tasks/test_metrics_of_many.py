"""Metrics of pixels, tokens, vectors and texts, by hand and by libraries, whatever the layout."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from builders import make_answer_key
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import jaccard_score, log_loss
from sklearn.neighbors import NearestNeighbors

from benchhub.model.quality import Reads
from benchhub.results.rows.quality.assess import assess
from benchhub.tasks.contract.asked import Asked, asked
from benchhub.tasks.contract.find import Output, find
from benchhub.tasks.contract.reason import NoReading
from benchhub.tasks.contract.seen import seen
from benchhub.tasks.metrics import METRICS, get_metric
from benchhub.tasks.metrics.many import _distance

RNG = np.random.default_rng(33)
CASES = 40
MASKS = RNG.integers(0, 3, (CASES, 6, 7))
MASKS[:, 0, 0] = 255
MAPS = np.moveaxis(np.eye(3)[np.minimum(MASKS, 2)], -1, 1) * 1.2 + RNG.normal(size=(CASES, 3, 6, 7))
HEART = (RNG.random((CASES, 6, 7)) < 0.3).astype(np.uint8)
BEAT = HEART * 2.0 - 1 + RNG.normal(size=HEART.shape)
ONE_HOT = np.moveaxis(np.eye(3, dtype=np.uint8)[np.minimum(MASKS, 2)], -1, 1)
BYTES = np.round(255 * expit(BEAT)).astype(np.uint8)
TOKENS = RNG.integers(0, 9, (CASES, 5))
TOKENS[:, 3:] = np.where(RNG.random((CASES, 2)) < 0.5, -100, TOKENS[:, 3:])
VOCABULARY = RNG.normal(size=(CASES, 5, 9)) + 2 * np.eye(9)[np.maximum(TOKENS, 0)]
WHO = np.arange(CASES) // 3
FACES = np.eye(14)[WHO] * 1.3 + RNG.normal(size=(CASES, 14)) * 0.5


def read(name, output, truth, **said):
    metric = get_metric(name)
    reading = find(metric, [Output(0, "y", output)], truth, Asked(**said))
    given = seen(output, truth, (), metric, reading)
    return float(metric.weighted(given.outputs, given.labels, np.ones((1, len(truth))))[0])


def dice_by_hand(found, truth, classes):
    of_images = []
    for mine, true in zip(found, truth, strict=True):
        inside = true != 255
        of = []
        for k in range(1, classes):
            one, other = (mine == k) & inside, (true == k) & inside
            if one.any() or other.any():
                of.append(2 * (one & other).sum() / (one.sum() + other.sum()))
        if of:
            of_images.append(np.mean(of))
    return np.mean(of_images)


def test_a_path_of_class_maps_is_read_along_either_axis():
    found = MAPS.argmax(axis=1)
    wanted = dice_by_hand(found, MASKS, 3)
    for output, labels in (
        (MAPS, MASKS),
        (np.moveaxis(MAPS, 1, -1), MASKS[:, None]),
        (found.astype(np.int64), MASKS[..., None]),
    ):
        assert read("mask_dice", output, labels) == pytest.approx(wanted)
    inside = MASKS != 255
    told = jaccard_score(MASKS[inside], found[inside], average="macro")
    assert read("mask_iou", MAPS, MASKS) == pytest.approx(told)


def test_one_map_has_its_threshold():
    wanted = dice_by_hand((BEAT > 0).astype(int), HEART, 2)
    assert read("mask_dice", BEAT, HEART) == pytest.approx(wanted)
    assert read("mask_dice", BEAT[:, None], HEART) == pytest.approx(wanted)
    assert read("mask_dice", expit(BEAT)[..., None], HEART[:, None]) == pytest.approx(wanted)
    assert read("mask_dice", BEAT > 0, HEART) == pytest.approx(wanted)
    half = dice_by_hand((BEAT > 0.5).astype(int), HEART, 2)
    assert abs(half - wanted) > 0.01


def test_perplexity_is_of_the_tokens_that_count():
    kept = TOKENS != -100
    wanted = np.exp(log_loss(TOKENS[kept], softmax(VOCABULARY, axis=2)[kept], labels=range(9)))
    assert read("perplexity", VOCABULARY, TOKENS) == pytest.approx(wanted)
    assert read("perplexity", softmax(VOCABULARY, axis=2), TOKENS) == pytest.approx(wanted)
    assert read("perplexity", log_softmax(VOCABULARY, axis=2), TOKENS) == pytest.approx(wanted)


@pytest.mark.parametrize("count", [1, 3])
def test_recall_is_of_the_nearest_others(count):
    order = NearestNeighbors(n_neighbors=count + 1, metric="cosine").fit(FACES).kneighbors(FACES)[1]
    hit = [(WHO[near[near != k][:count]] == WHO[k]).any() for k, near in enumerate(order)]
    alone = np.bincount(WHO)[WHO] < 2
    wanted = np.mean(np.array(hit)[~alone])
    assert 0.2 < wanted < 1
    assert read(f"recall_at_{count}", FACES, WHO) == pytest.approx(wanted)


def test_recall_by_chance_is_that_of_vectors_that_say_nothing():
    metric = get_metric("recall_at_3")
    draws = [
        metric.weighted(np.random.default_rng(seed).normal(size=(CASES, 30)), WHO,
                        np.ones((1, CASES)))[0]
        for seed in range(300)
    ]  # fmt: skip
    assert metric.chance(WHO) == pytest.approx(np.mean(draws), abs=0.02)


TEXTS = np.array(["the cat", "a dog sat", "so", "hello there you"] * 10)
SYMBOLS = ("<blank>", *"abcdefghijklmnopqrstuvwxyz", " ")


def path_of(text, rng):
    """Scores of a path that spells the text: repeats, and a blank between equal letters."""
    steps = []
    for before, letter in zip(" " + text, text, strict=False):
        steps += [0] if before == letter else []
        steps += [SYMBOLS.index(letter)] * int(rng.integers(1, 3))
    steps += [0] * (45 - len(steps))
    return np.eye(len(SYMBOLS))[steps] * 5 + rng.random((45, len(SYMBOLS)))


def test_texts_are_spelled_by_the_best_path(tmp_path: Path):
    (tmp_path / "letters.txt").write_text("\n".join(SYMBOLS) + "\n")
    said = asked({"alphabet": "letters.txt"}, tmp_path)
    assert said.alphabet == SYMBOLS
    rng = np.random.default_rng(2)
    right = np.stack([path_of(text, rng) for text in TEXTS])
    assert read("character_error_rate", right, TEXTS, alphabet=SYMBOLS) == 0
    wrong = np.where(np.arange(CASES) % 4 == 0, "the bats", TEXTS)
    scores = np.stack([path_of(text, rng) for text in wrong])
    # "the cat" to "the bats": one letter changed, one added; one word changed of two.
    letters, words = sum(map(len, TEXTS)), sum(len(text.split()) for text in TEXTS)
    found = read("character_error_rate", scores, TEXTS, alphabet=SYMBOLS)
    assert found == pytest.approx(10 * 2 / letters)
    assert read("word_error_rate", scores, TEXTS, alphabet=SYMBOLS) == pytest.approx(10 / words)
    assert read("word_error_rate", wrong, TEXTS) == pytest.approx(10 / words)


def test_the_distance_is_the_least_number_of_edits():
    rng = np.random.default_rng(0)
    for _ in range(60):
        one, other = ("".join(rng.choice(list("abc"), rng.integers(0, 8))) for _ in range(2))
        found = _distance(list(one), list(other))
        told = difflib.SequenceMatcher(None, one, other, autojunk=False)
        edits = sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in told.get_opcodes()
                    if tag != "equal")  # fmt: skip
        assert abs(len(one) - len(other)) <= found <= edits
        assert found == _distance(list(other), list(one))
    assert _distance(list("kitten"), list("sitting")) == 3
    assert _distance(list("intention"), list("execution")) == 5


@cache
def edits(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Edits from one to the other, by the definition: the last one, and what is before it."""
    if not one or not other:
        return len(one) + len(other)
    return min(
        edits(one[:-1], other) + 1,
        edits(one, other[:-1]) + 1,
        edits(one[:-1], other[:-1]) + (one[-1] != other[-1]),
    )


WRONG = np.where(np.arange(CASES) % 3 == 0, "a cat sat", TEXTS)


def rate(found, truth, split) -> float:
    pairs = [(split(mine), split(true)) for mine, true in zip(found, truth, strict=True)]
    return sum(edits(*pair) for pair in pairs) / sum(len(true) for _, true in pairs)


def iou(maps, truth) -> float:
    inside = truth != 255
    return jaccard_score(truth[inside], maps.argmax(axis=1)[inside], average="macro")


def surprise(logits, tokens) -> float:
    kept = tokens != -100
    return np.exp(log_loss(tokens[kept], softmax(logits, axis=2)[kept], labels=range(9)))


ORACLES = {
    "mask_dice": (MAPS, MASKS, lambda o, t: dice_by_hand(o.argmax(axis=1), t, 3)),
    "mask_iou": (MAPS, MASKS, iou),
    "perplexity": (VOCABULARY, TOKENS, surprise),
    "character_error_rate": (WRONG, TEXTS, lambda o, t: rate(o, t, tuple)),
    "word_error_rate": (WRONG, TEXTS, lambda o, t: rate(o, t, lambda one: tuple(one.split()))),
}


def test_every_metric_of_many_has_an_oracle():
    rows = {Reads.MASKS, Reads.TOKENS, Reads.TEXT}
    assert {name for name, metric in METRICS.items() if metric.reads in rows} == ORACLES.keys()


@pytest.mark.parametrize("name", ORACLES)
def test_a_resample_is_what_others_say_of_cases_that_are_there_several_times(name):
    output, labels, score = ORACLES[name]
    metric = get_metric(name)
    given = seen(
        output, labels, (), metric, find(metric, [Output(0, "y", output)], labels, Asked())
    )
    weights = RNG.multinomial(CASES, np.full(CASES, 1 / CASES), size=4)
    found = metric.weighted(given.outputs, given.labels, weights.astype(float))
    drawn = [np.repeat(np.arange(CASES), row) for row in weights]
    assert found == pytest.approx([score(output[rows], labels[rows]) for rows in drawn])
    assert len(set(np.round(found, 9))) > 1


@pytest.mark.parametrize(
    ("name", "output", "labels"),
    [
        ("mask_dice", MAPS, MASKS),
        ("mask_iou", MAPS, MASKS),
        ("perplexity", VOCABULARY, TOKENS),
        ("recall_at_1", FACES, WHO),
        ("word_error_rate", np.where(np.arange(CASES) % 3 == 0, "a", TEXTS), TEXTS),
        ("character_error_rate", np.where(np.arange(CASES) % 3 == 0, "a", TEXTS), TEXTS),
    ],
)
def test_each_has_an_interval_and_a_paired_loss_and_a_chance(name, output, labels):
    metric = get_metric(name)
    reading = find(metric, [Output(0, "y", output)], labels, Asked())
    worse = output.copy()
    worse[::2] = np.roll(output[::2], 1, axis=0)
    key = make_answer_key(CASES)
    for field, value in (("labels", labels), ("readings", {name: reading}), ("label_names", ())):
        object.__setattr__(key, field, value)
    found = assess([worse], key, metric, [output], 200)
    assert found.baseline == pytest.approx(read(name, output, labels))
    sign = 1 if metric.higher_is_better else -1
    assert found.loss.estimate == pytest.approx(sign * (found.baseline - found.value))
    assert found.loss.estimate > 0
    assert found.loss.low < found.loss.estimate < found.loss.high
    assert sign * (found.baseline - found.chance) > 0


@pytest.mark.parametrize(
    ("name", "output", "labels", "wanted"),
    [
        ("mask_dice", MAPS[:, :2], MASKS, "label 2 has no map among 2"),
        ("mask_dice", BEAT, MASKS, "labels go up to 2, and one map can be of two only"),
        ("mask_dice", MAPS[:, :, :5], MASKS, "there should be one map, or one a class"),
        ("mask_dice", np.zeros((CASES, 7, 7, 7)), np.tile(MASKS, (1, 2, 1))[:, :7], "which axis"),
        ("mask_iou", MAPS, np.ones_like(MASKS), "all pixels are of one class"),
        ("mask_iou", MAPS, MASKS - 1, "label -1 is of no class"),
        ("mask_dice", MAPS, ONE_HOT, "one 1 along axis 1, as classes that are one-hot"),
        ("mask_iou", np.moveaxis(MAPS, 1, -1), np.moveaxis(ONE_HOT, 1, -1), "labels.argmax(-1)"),
        ("mask_dice", np.log(expit(BEAT)), HEART, "as logarithms of probabilities are"),
        ("mask_dice", BYTES, HEART, 'write labels = "masks" if they are classes'),
        ("mask_dice", np.round(9 * BEAT).astype(np.int8), HEART, "which is of no class"),
        ("mask_dice", BEAT, HEART * 255, "beside 255, which does not count"),
        ("mask_iou", MAPS, MASKS[:, 0, 0], "(cases, height, width)"),
        ("perplexity", VOCABULARY, TOKENS[:, :4], "scores (cases, tokens, vocabulary)"),
        ("perplexity", VOCABULARY, np.where(TOKENS < 0, -1, TOKENS), "token -1 is not among 9"),
        ("perplexity", VOCABULARY[:, :, :5], TOKENS, "token 8 is not among 5"),
        ("perplexity", expit(VOCABULARY), TOKENS, "do not add up to 1"),
        ("perplexity", np.round(VOCABULARY).astype(int), TOKENS, "whole numbers have no scale"),
        ("recall_at_1", FACES, np.arange(CASES), "some that several cases have"),
        ("recall_at_1", FACES[:, None, :1], WHO, "one vector"),
        ("word_error_rate", VOCABULARY, TEXTS, 'write alphabet = "file.txt"'),
        ("word_error_rate", VOCABULARY, WHO, "an array of strings"),
    ],
)
def test_what_has_no_reading_is_refused(name, output, labels, wanted):
    with pytest.raises(NoReading) as caught:
        read(name, output, labels)
    assert wanted in str(caught.value)


def test_a_class_of_pixels_that_the_baseline_never_answers_is_not_the_second_one():
    metric = get_metric("mask_dice")
    found = (BEAT > 0).astype(np.uint8)
    reading = find(metric, [Output(0, "y", found)], HEART, Asked())
    given = seen(2 * found, HEART, (), metric, reading)
    assert metric.weighted(given.outputs, given.labels, np.ones((1, CASES)))[0] == 0
    assert read("mask_dice", found, HEART) == pytest.approx(dice_by_hand(found, HEART, 2))


def test_maps_of_8_bits_are_classes_where_that_is_said():
    found = BYTES // 100
    told = dice_by_hand(found, HEART, 3)
    assert read("mask_dice", found, HEART, labels="masks") == pytest.approx(told)


def test_a_volume_is_one_map_where_that_is_said():
    """Of as many axes could be structures that lie over each other, each with a Dice of its own."""
    heart, beat = (one.reshape(10, 4, 6, 7) for one in (HEART, BEAT))
    with pytest.raises(NoReading, match='write labels = "masks" under'):
        read("mask_dice", beat, heart)
    told = dice_by_hand((beat > 0).astype(int), heart, 2)
    assert read("mask_dice", beat, heart, labels="masks") == pytest.approx(told)
    classes = np.stack([-beat, beat], axis=1)  # a map of scores a class says what is what
    assert read("mask_dice", classes, heart) == pytest.approx(told)
