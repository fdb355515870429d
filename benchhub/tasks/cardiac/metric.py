"""How segmentations of the heart are judged: Dice, volume by volume.

A volume (one patient at one moment) is what the field scores, and a case here is one slice of it.
Dice of a volume and structure is 2 |A and B| / (|A| + |B|), counted over all its slices together.
Where neither truth nor prediction has the structure, that pair of volume and structure is left out;
where only the truth lacks it, it counts 0. `dice` is the mean over volumes for each structure, then
over structures.

Labels say which volume a slice is of: the class plus `VOLUMES` times the volume's number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import SHARE, CaseTable
from benchhub.tasks.cardiac.volume import CLASSES
from benchhub.tasks.case_tables import table_metric

Floats = NDArray[np.float64]

#: What a volume's number is multiplied by in labels; classes are below it.
VOLUMES = len(CLASSES)
#: Of a pixel whose outputs are not numbers: it is of no class.
NO_CLASS = 255
_STRUCTURES = CLASSES[1:]
#: The share of volumes that `dice_worst5` is the mean of.
_SHARE = 0.05


def class_map(outputs: Array) -> Array:
    """Return the class of every pixel, uint8 (N, H, W), of outputs (N, classes, H, W).

    Pixels with a NaN are of no class (255): a broken output must not score by luck. ValueError if
    outputs are of another shape.
    """
    if outputs.ndim != 4 or not 2 <= outputs.shape[1] <= NO_CLASS:
        raise ValueError(f"outputs of shape {outputs.shape} have no class of each pixel")
    found: Array = outputs.argmax(axis=1).astype(np.uint8)
    found[np.isnan(outputs).any(axis=1)] = NO_CLASS
    return found


def encode(truth: Array, volume: int) -> Array:
    """Return class maps as labels, int16, of the volume with that number."""
    return truth.astype(np.int16) + np.int16(VOLUMES * volume)


def overlap_by_case(predicted: Array, labels: Array) -> Floats:
    """Return each slice's volume, then by structure the pixels in both, in truth, in predicted.

    `predicted` are class maps (N, H, W), or outputs that `class_map` reads; `labels` (N, H, W). The
    table is (N, 1 + 3 * structures). ValueError where the shapes do not fit.
    """
    if predicted.ndim == 4:
        predicted = class_map(predicted)
    if predicted.shape != labels.shape or labels.ndim != 3:
        raise ValueError(f"class maps of {predicted.shape} do not fit labels of {labels.shape}")
    if predicted.dtype.kind not in "biu":
        raise ValueError(f"class maps are whole numbers, not {predicted.dtype}")
    volumes = labels.astype(np.int64) // VOLUMES
    if (volumes != volumes[:, :1, :1]).any():
        raise ValueError(
            f"the labels of a slice, class plus {VOLUMES} times its volume, are of several volumes;"
            " of other maps of classes use mask_dice"
        )
    count = len(CLASSES)
    truth = labels.astype(np.int64) % VOLUMES
    pairs = truth * (count + 1) + np.minimum(predicted, count)
    pairs += np.arange(len(labels))[:, None, None] * (count * (count + 1))
    table = np.bincount(pairs.reshape(-1), minlength=len(labels) * count * (count + 1))
    table = table.reshape(len(labels), count, count + 1)
    kinds = range(1, count)
    both = np.stack([table[:, k, k] for k in kinds], axis=1)
    sizes = table.sum(axis=2)[:, 1:], table.sum(axis=1)[:, 1:count]
    of_slices = volumes[:, 0, 0]
    return np.concatenate([of_slices[:, None], both, *sizes], axis=1).astype(np.float64)


def dice_by_volume(table: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the Dice of each volume and structure, NaN where left out, and each slice's volume.

    The first is (volumes, structures), the second (slices,) rows of the first.
    """
    _, members = np.unique(table[:, 0], return_inverse=True)
    count = int(members.max()) + 1 if members.size else 0
    pooled = np.zeros((count, table.shape[1] - 1))
    np.add.at(pooled, members, table[:, 1:])
    both, truth, predicted = np.split(pooled, 3, axis=1)
    total = truth + predicted
    dice = np.divide(2 * both, total, out=np.full_like(both, np.nan), where=total > 0)
    return dice, members


def _weighted(table: Floats, weights: Array) -> Floats:
    dice, members = dice_by_volume(table)
    counted = ~np.isnan(dice)
    shares = _of_volumes(weights, members, len(dice))
    totals = shares @ counted
    means = _ratio(shares @ np.where(counted, dice, 0.0), totals)
    present = totals > 0
    return _ratio(np.where(present, means, 0.0).sum(axis=1), present.sum(axis=1))


def _by_case(table: Floats) -> Floats:
    """Return the metric plus what each slice's weight moves it by; slices share their volume's."""
    dice, members = dice_by_volume(table)
    counted = ~np.isnan(dice)
    present = counted.any(axis=0)
    if not present.any():
        return np.full(len(table), np.nan)
    dice, counted = dice[:, present], counted[:, present]
    means = np.nanmean(dice, axis=0)
    moved = np.where(counted, dice - means, 0.0) / counted.sum(axis=0)
    of_volume = moved.mean(axis=1) / np.bincount(members)
    return np.asarray(means.mean() + len(table) * of_volume[members], dtype=np.float64)


def _parts(table: Floats, names: tuple[str, ...]) -> dict[str, float]:
    dice, _ = dice_by_volume(table)
    told = {
        f"dice_{name}": float(np.nanmean(values))
        for name, values in zip(names or _STRUCTURES, dice.T, strict=True)
        if not np.isnan(values).all()
    }
    means = _volume_means(dice)
    if not np.isnan(means).all():
        told["dice_worst_volume"] = float(np.nanmin(means))
    return told


def _worst(table: Floats, weights: Array) -> Floats:
    """Return the mean Dice of the volumes that make up the worst `_SHARE` of the weight."""
    dice, members = dice_by_volume(table)
    means = _volume_means(dice)
    order = np.argsort(means, kind="stable")[: np.count_nonzero(~np.isnan(means))]
    shares = _of_volumes(weights, members, len(dice))[:, order]
    before = np.cumsum(shares, axis=1) - shares
    taken = np.clip(_SHARE * shares.sum(axis=1, keepdims=True) - before, 0.0, shares)
    return _ratio(taken @ means[order], taken.sum(axis=1))


def _worst_by_case(table: Floats) -> Floats:
    """Return what each slice adds to `_worst`: see `benchhub.tasks.case_tables`.

    With the Dice q that bounds the worst, their mean is that of q - max(0, q - Dice) / share over
    all volumes (R. T. Rockafellar and S. Uryasev, J. Risk 2, 2000).
    """
    dice, members = dice_by_volume(table)
    means = _volume_means(dice)
    known = np.sort(means[~np.isnan(means)])
    if not known.size:
        return np.full(len(table), np.nan)
    bound = known[int(np.ceil(_SHARE * known.size * (1 - 1e-12))) - 1]
    values = bound - np.maximum(bound - means, 0) / _SHARE
    whole = float(np.nanmean(values))
    moved = np.nan_to_num(values - whole, nan=0.0) / known.size / np.bincount(members)
    return np.asarray(whole + len(table) * moved[members], dtype=np.float64)


def _volume_means(dice: Floats) -> Floats:
    counted = ~np.isnan(dice)
    return _ratio(np.where(counted, dice, 0.0).sum(axis=1), counted.sum(axis=1))


def _of_volumes(weights: Array, members: NDArray[np.int64], count: int) -> Floats:
    """Return each volume's weight, the mean of its slices': (resamples, volumes)."""
    belongs = np.zeros((len(members), count))
    belongs[np.arange(len(members)), members] = 1.0
    belongs /= np.maximum(belongs.sum(axis=0), 1)
    return np.asarray(np.asarray(weights, dtype=np.float64) @ belongs)


def _ratio(top: Array, bottom: Array) -> Floats:
    undefined = np.full(top.shape, np.nan)
    return np.asarray(np.divide(top, bottom, out=undefined, where=bottom > 0), dtype=np.float64)


DICE = table_metric("dice", CaseTable(overlap_by_case, _weighted, _parts, _by_case), within=SHARE)
DICE_WORST = table_metric(
    "dice_worst5", CaseTable(overlap_by_case, _worst, None, _worst_by_case), within=SHARE
)
