"""What a model reaches that answers the same for every case, by the labels: chance.

Each takes labels in the form that its metric reads (`benchhub.model.quality.Reads`). The answer is
the best one of its kind: the largest class, the mean of the labels, the share of a thing.
"""

from __future__ import annotations

import numpy as np

from benchhub.model.arrays import Array


def half(labels: Array) -> float:
    """Return .5: of an area under the ROC curve, whatever the labels are."""
    return 0.5


def largest_share(labels: Array) -> float:
    """Return the share of the largest class, of accuracy."""
    return float(np.bincount(labels.astype(np.int64)).max() / len(labels))


def largest_shares(labels: Array, count: int) -> float:
    """Return the share of the `count` largest classes, of accuracy among so many answers."""
    return float(np.sort(np.bincount(labels.astype(np.int64)))[-count:].sum() / len(labels))


def one_of_classes(labels: Array) -> float:
    """Return 1 of the number of classes that there are, of balanced accuracy."""
    return 1 / len(np.unique(labels))


def f1_of_yes(labels: Array) -> float:
    """Return the F1 of the second class where each case is said to be of it."""
    share = float((labels == 1).mean())
    return 2 * share / (1 + share)


def mean_share(labels: Array) -> float:
    """Return the mean over labels of the share of positive cases, of average precision.

    Labels without a positive case are left out, as the metric leaves them out.
    """
    shares = np.asarray(labels, dtype=np.float64).reshape(len(labels), -1).mean(axis=0)
    return float(shares[shares > 0].mean())


def f1_of_the_largest(labels: Array) -> float:
    """Return the mean of F1 over the classes that there are, all cases called the largest one."""
    counts = np.bincount(labels.astype(np.int64))
    share = float(counts.max() / len(labels))
    return 2 * share / (1 + share) / int((counts > 0).sum())


def error_of_the_mean(labels: Array) -> float:
    """Return the mean absolute error of the labels' mean."""
    rows = np.asarray(labels, dtype=np.float64).reshape(len(labels), -1)
    return float(np.abs(rows - rows.mean(axis=0)).mean())


def spread_of_labels(labels: Array) -> float:
    """Return the root mean squared error of the labels' mean."""
    rows = np.asarray(labels, dtype=np.float64).reshape(len(labels), -1)
    return float(np.sqrt(((rows - rows.mean(axis=0)) ** 2).mean()))


def cosine_of_the_mean(labels: Array) -> float:
    """Return the mean cosine between the labels and the direction that they have in the mean."""
    rows = np.asarray(labels, dtype=np.float64).reshape(len(labels), -1)
    sizes = np.linalg.norm(rows, axis=1, keepdims=True)
    units = np.divide(rows, sizes, out=np.zeros_like(rows), where=sizes > 0)
    return float(np.linalg.norm(units.mean(axis=0)))


def entropy_of_the_mean(labels: Array) -> float:
    """Return the binary cross-entropy in nats where each thing's share is its probability."""
    share = np.asarray(labels, dtype=np.float64).reshape(len(labels), -1).mean(axis=0)
    inside = np.clip(share, 1e-300, 1 - 1e-16)
    return float(-(share * np.log(inside) + (1 - share) * np.log1p(-inside)).mean())
