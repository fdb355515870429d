"""How nuclei are judged: binary and multi-class panoptic quality, bPQ and mPQ, as for PanNuke.

J. Gamper et al., PanNuke Dataset Extension, Insights and Baselines, arXiv 2003.10778 (2020).
Predictions are (N, 2, H, W): numbers of nuclei and their types. Labels are (N, 3, H, W): numbers,
types, and in every pixel the tissue's place among the label names that follow the types.

bPQ is the mean over the images that hold nuclei, types left aside. mPQ is the mean over tissues of
the mean over their images of the mean over the types in the image; types and images without true
nuclei, and tissues without images, are left out of their mean.
"""

from __future__ import annotations

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.quality import SHARE, CaseTable
from benchhub.tasks.case_tables import mean_metric, ratio, table_metric
from benchhub.tasks.pathology.names import TYPES
from benchhub.tasks.pathology.scores import BINARY, FIRST_TYPE, OF_TYPES, TISSUE, Floats, scores


def parts(table: Floats, names: tuple[str, ...]) -> dict[str, float]:
    """Return the mean panoptic quality by type of nucleus, and by tissue of all nuclei."""
    told = {name: table[:, FIRST_TYPE + k] for k, name in enumerate(names[: len(TYPES)])}
    for index, name in enumerate(names[len(TYPES) :]):
        told[name] = table[table[:, TISSUE] == index, BINARY]
    return {
        name: float(np.nanmean(values))
        for name, values in told.items()
        if not np.isnan(values).all()
    }


def _over_tissues(table: Floats, weights: Array) -> Floats:
    values, members, _ = _by_tissue(table)
    counts = np.asarray(weights, dtype=np.float64)[:, ~np.isnan(table[:, OF_TYPES])]
    totals = counts @ members
    sums = (counts * values) @ members
    means = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    return ratio(means.sum(axis=1), (totals > 0).sum(axis=1))


def _over_tissues_by_case(table: Floats) -> Floats:
    values, members, sizes = _by_tissue(table)
    known = ~np.isnan(table[:, OF_TYPES])
    if not known.any():
        return np.full(len(table), np.nan)
    means = values @ members / sizes
    added = np.zeros(len(table))
    added[known] = (values - members @ means) / (members @ sizes) / len(sizes)
    return np.asarray(means.mean() + len(table) * added, dtype=np.float64)


def _by_tissue(table: Floats) -> tuple[Floats, Floats, Floats]:
    """Return values of the images that have one, (n, tissues) whose they are, and how many each."""
    known = ~np.isnan(table[:, OF_TYPES])
    tissues, members = np.unique(table[known, TISSUE], return_inverse=True)
    belongs = np.eye(len(tissues))[members]
    return table[known, OF_TYPES], belongs, belongs.sum(axis=0)


BPQ = mean_metric("bpq", scores, BINARY, parts=parts, within=SHARE)
MPQ = table_metric(
    "mpq", CaseTable(scores, _over_tissues, parts, _over_tissues_by_case), within=SHARE
)
