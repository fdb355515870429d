"""How chest X-ray variants are judged: the unweighted mean of fourteen AUCs, and the log loss.

An AUC ranks cases and belongs to none of them; the log loss is a number of each case, so that the
worst cases can be told.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import NOT_NEGATIVE, Reads
from benchhub.tasks.case_tables import column_means, mean_metric, worst
from benchhub.tasks.metrics.chance import entropy_of_the_mean
from benchhub.tasks.metrics.ranking import MACRO_AUC

Floats = NDArray[np.float64]


def cross_entropy_by_case(outputs: Array, labels: Array) -> Floats:
    """Return each case's binary cross-entropy in nats, mean and by label: (cases, 1 + labels).

    `outputs` are logits, (cases, labels), `labels` 0 or 1. ValueError if their shapes differ.
    """
    logits = np.asarray(outputs, dtype=np.float64).reshape(len(outputs), -1)
    truth = np.asarray(labels).reshape(len(labels), -1)
    if logits.shape != truth.shape:  # numpy would stretch one column over many
        raise ValueError(f"outputs of shape {outputs.shape} have no loss against {labels.shape}")
    # log(1 + exp(-z)) for the logit z of the truth, without overflow
    by_label = np.logaddexp(0.0, np.where(truth > 0, -logits, logits))
    return np.column_stack([by_label.mean(axis=1), by_label])


METRIC = MACRO_AUC
LOG_LOSS = mean_metric(
    "log_loss",
    cross_entropy_by_case,
    higher_is_better=False,
    parts=column_means(first=1),
    reads=Reads.ODDS,
    chance=entropy_of_the_mean,
    within=NOT_NEGATIVE,
)
LOG_LOSS_WORST5 = worst(LOG_LOSS)
