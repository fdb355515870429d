"""Scores on another scale than was said, or than the baseline's, give no number."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import make_answer_key
from scipy.special import expit, softmax

from benchhub.results.rows.quality.assess import assess
from benchhub.tasks.contract.asked import Asked
from benchhub.tasks.contract.find import Output, find
from benchhub.tasks.contract.reason import NoReading
from benchhub.tasks.metrics import get_metric

CASES = 80
RNG = np.random.default_rng(9)
BINARY = RNG.integers(0, 2, CASES)
FEW = RNG.integers(0, 4, CASES)
MANY = (RNG.random((CASES, 4)) < 0.5).astype(int)
LOGIT = ((BINARY * 2.0 - 1) * 1.5 + RNG.normal(size=CASES))[:, None].astype(np.float32)
SHARE = expit(LOGIT)
PAIR = np.concatenate([-LOGIT, LOGIT + 1], axis=1)
LOGITS = (np.eye(4)[FEW] * 2 + RNG.normal(size=(CASES, 4))).astype(np.float32)
HEADS = (MANY * 2.0 - 1 + RNG.normal(size=MANY.shape)).astype(np.float32)
TOKENS = RNG.integers(0, 6, (CASES, 5))
VOCABULARY = (np.eye(6)[TOKENS] * 2 + RNG.normal(size=(CASES, 5, 6))).astype(np.float32)
MASKS = (RNG.random((CASES, 4, 4)) < 0.4).astype(int)
BEAT = (MASKS * 2.0 - 1 + RNG.normal(size=MASKS.shape)).astype(np.float32)

#: A metric, labels, logits for it, and the same as probabilities.
FORMS = [
    ("accuracy", BINARY, LOGIT, SHARE),
    ("f1", BINARY, LOGIT, SHARE),
    ("log_loss", BINARY, LOGIT, SHARE),
    ("log_loss", BINARY, PAIR, softmax(PAIR, axis=1)),
    ("auc", BINARY, PAIR, softmax(PAIR, axis=1)),
    ("average_precision", BINARY, PAIR, softmax(PAIR, axis=1)),
    ("macro_auc", FEW, LOGITS, softmax(LOGITS, axis=1)),
    ("macro_auc", FEW, LOGITS[:, :, None, None], softmax(LOGITS, axis=1)[:, :, None, None]),
    ("log_loss", MANY, HEADS, expit(HEADS)),
    ("perplexity", TOKENS, VOCABULARY, softmax(VOCABULARY, axis=2)),
    ("mask_dice", MASKS, BEAT, expit(BEAT)),
    ("mask_iou", MASKS, BEAT, expit(BEAT)),
]
IDS = [f"{name}-{'x'.join(map(str, logits.shape[1:]))}" for name, _, logits, _ in FORMS]


def judge(name, labels, baseline, variant, scores=""):
    metric = get_metric(name)
    said = "" if labels.ndim != 2 or name == "perplexity" else "multi-label"
    reading = find(metric, [Output(0, "y", baseline)], labels, Asked(labels=said, scores=scores))
    key = dataclasses.replace(
        make_answer_key(CASES), labels=labels, label_names=(), readings={name: reading}
    )
    return assess([variant], key, metric, [baseline], 60)


@pytest.mark.parametrize(("name", "labels", "logits", "shares"), FORMS, ids=IDS)
def test_a_variant_on_another_scale_is_not_judged(name, labels, logits, shares):
    with pytest.raises(ValueError, match=r"and the baseline's are logits|as logits: they have"):
        judge(name, labels, logits, shares)
    with pytest.raises(ValueError, match=r"are probabilities: they have another|add up to .*to 1"):
        judge(name, labels, shares, logits)
    # On its own scale it is, a little rounded and beyond.
    step = 1 / 256
    near = np.round(shares / step) * step * (1 + step)
    assert np.isfinite(judge(name, labels, shares, near.astype(np.float32)).value)
    assert np.isfinite(judge(name, labels, logits, logits * np.float32(0.9)).value)


def test_what_ranks_or_answers_alike_on_both_scales_is_judged():
    shares = softmax(LOGITS, axis=1)
    for name, labels, one, other in (
        ("accuracy", FEW, LOGITS, shares),
        ("top2_accuracy", FEW, LOGITS, shares),
        ("macro_auc", MANY, HEADS, expit(HEADS)),
        ("auc", BINARY, LOGIT, SHARE),
    ):
        for baseline, variant in ((one, other), (other, one)):
            assert judge(name, labels, baseline, variant).loss.estimate == pytest.approx(0)


def test_a_model_that_answers_one_number_is_judged_as_that():
    found = judge("accuracy", BINARY, LOGIT, np.full_like(LOGIT, 0.3))
    assert found.value == pytest.approx(BINARY.mean())


def test_probabilities_of_tokens_that_add_up_to_more_are_none():
    shares = softmax(VOCABULARY, axis=2)
    with pytest.raises(ValueError, match="scores of a token add up to 3, and probabilities to 1"):
        judge("perplexity", TOKENS, shares, np.full_like(shares, 0.5))
    with pytest.raises(NoReading, match="rows do not add up to 1"):
        judge("perplexity", TOKENS, expit(VOCABULARY), shares, "probabilities")


@pytest.mark.parametrize(("name", "labels", "shares"), [(n, k, s) for n, k, _, s in FORMS], ids=IDS)
def test_probabilities_that_are_said_to_be_logits_are_refused(name, labels, shares):
    with pytest.raises(NoReading, match=r'all lie in 0\.\.1 .*write scores = "probabilities"'):
        judge(name, labels, shares, shares, "logits")
    assert judge(name, labels, shares, shares, "probabilities").value


def test_logits_are_taken_for_them_where_rows_tell_nothing_else():
    few = expit(LOGITS)  # from 0 to 1, of four classes, and no row adds up to 1
    assert judge("macro_auc", FEW, few, few, "logits").value > 0.7
    assert judge("accuracy", FEW, LOGITS, LOGITS, "logits").value > 0.7
