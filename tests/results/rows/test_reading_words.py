"""How a metric reads a model is told before anything is measured, and kept with the run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import make_answer_key

from benchhub.errors import MissingExtra
from benchhub.model.quality import BoxReading, Reading
from benchhub.results.rows.quality.reading_words import baseline_told, in_words, readings_told
from benchhub.tasks.case_tables import mean_metric
from benchhub.tasks.metrics import get_metric


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (
            Reading("class", "logits", 0, "y", 1),
            "output 'y' as logits of one column, 0 being even, labels as class",
        ),
        (
            Reading("class", "probabilities", 1, "p", 1),
            "output 'p' as probabilities of one column, 0.5 being even, labels as class",
        ),
        (Reading("one-hot", "", 0, "y", 4), "output 'y' as scores of 4 columns, labels as one-hot"),
        (Reading("class", "class", 2), "output 2 as the class itself, labels as class"),
        (Reading("regression", name="y"), "output 'y', labels as regression"),
        (Reading("", name="y"), "output 'y', labels as they are"),
        (
            Reading("text", name="y", columns=3, symbols=("<blank>", "a", "b")),
            "output 'y' as scores of 3 symbols, labels as text",
        ),
        (Reading("own", output=2, columns=1), "all outputs, by its own code"),
        (
            Reading("boxes", "probabilities", 0, "b", 3,
                    boxes=BoxReading("cxcywh", 1, background="first", per_box="best")),
            "output 'b' as boxes cxcywh with scores as probabilities, the first class nothing,"
            " best class of a box, labels as boxes",
        ),
    ],
)  # fmt: skip
def test_a_reading_has_words(reading: Reading, words: str) -> None:
    assert in_words(reading) == words
    key = dataclasses.replace(make_answer_key(), readings={"m": reading})
    assert readings_told(key) == {"m reads": words}
    assert readings_told(None) == {}


def test_what_the_baseline_has_is_told_beside_what_one_answer_has() -> None:
    key = make_answer_key()
    readings = {name: Reading("class", "logits", 0, "y", 2) for name in ("accuracy", "macro_auc")}
    key = dataclasses.replace(key, readings=readings)
    metrics = [get_metric(name) for name in ("accuracy", "macro_auc", "f1")]
    first, second = baseline_told(key, metrics)
    right = np.mean(key.reference[0].argmax(axis=1) == key.labels)
    alike = max(key.labels.mean(), 1 - key.labels.mean())
    assert first == (
        "accuracy reads output 'y' as logits of 2 columns, labels as class: the baseline has"
        f" {right:.3f}, and one answer for all cases {alike:.3f}"
    )
    assert second.startswith("macro_auc reads output 'y'")
    assert second.endswith("and one answer for all cases 0.500")


def test_a_metric_that_cannot_be_computed_here_is_told_without_its_value() -> None:
    def without(outputs: object, labels: object) -> np.ndarray:
        raise MissingExtra("pip install it", "no package")

    key = dataclasses.replace(make_answer_key(), readings={"odd": Reading("", name="y")})
    assert list(baseline_told(key, [mean_metric("odd", without)])) == [
        "odd reads output 'y', labels as they are"
    ]
