"""Quality metrics that can be resampled: a table of name -> Metric.

Each takes outputs and labels with the cases on axis 0 and weights (resamples, cases); see
`benchhub.model.quality.Metric`. To add one, write its functions (`benchhub.tasks.case_tables` has
the usual ones), and a row of `METRICS`, or one of `MODULES` where it is a task's own. Other
distributions add theirs through the entry point group `benchhub.metrics`. Stored runs find metrics
here by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from benchhub.errors import ConfigError
from benchhub.model.quality import Metric
from benchhub.outside import ExtensionPoint
from benchhub.tasks import lazy
from benchhub.tasks.case_tables import worst
from benchhub.tasks.metrics import boxes, classes, many, numbers, ranking

#: Names with a number in them, and what they stand for.
_NUMBERED: Mapping[str, Callable[[int], Metric]] = {
    r"top([1-9]\d{0,3})_accuracy": classes.top,
    r"recall_at_([1-9]\d{0,3})": many.recall_at,
}
#: A mean metric's name with this at its end is the mean of its worst cases, in per cent.
_WORST = re.compile(r"(.+)_worst([1-9][0-9]?)")


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        ranking.MACRO_AUC,
        ranking.AUC,
        ranking.AVERAGE_PRECISION,
        classes.ACCURACY,
        classes.BALANCED_ACCURACY,
        classes.top(5),
        classes.F1,
        classes.MACRO_F1,
        numbers.MEAN_ABSOLUTE_ERROR,
        numbers.RMSE,
        numbers.R2_SCORE,
        numbers.COSINE,
        many.MASK_DICE,
        many.MASK_IOU,
        many.PERPLEXITY,
        many.recall_at(1),
        many.CHARACTER_ERROR_RATE,
        many.WORD_ERROR_RATE,
        boxes.COCO_MAP,
        boxes.COCO_MAP50,
        boxes.COCO_MAP75,
    )
}

#: Metrics of tasks: name -> "module:attribute", imported where they are asked for.
MODULES: dict[str, str] = {
    "dice": "benchhub.tasks.cardiac.metric:DICE",
    "dice_worst5": "benchhub.tasks.cardiac.metric:DICE_WORST",
    "bpq": "benchhub.tasks.pathology.metric:BPQ",
    "mpq": "benchhub.tasks.pathology.metric:MPQ",
    "aji": "benchhub.tasks.nuclei.metric:AJI",
    "aji_plus": "benchhub.tasks.nuclei.metric:AJI_PLUS",
    "mse": "benchhub.tasks.nuclei.metric:MSE",
    "nuclei_dice": "benchhub.tasks.nuclei.metric:DICE",
    "pq": "benchhub.tasks.nuclei.metric:PQ",
    "r2": "benchhub.tasks.nuclei.metric:R2",
    "log_loss": "benchhub.tasks.chest_xray.metric:LOG_LOSS",
}

#: What each of both tables says; `_worst5` at a name's end: the mean of the worst 5 % of cases.
MEANINGS: Mapping[str, str] = {
    "macro_auc": "mean over labels of the area under the ROC curve, ties counted half",
    "accuracy": "share of the cases whose largest output is the label",
    "mean_absolute_error": "mean over cases of the absolute error, all outputs alike",
    "dice": "Dice of three structures, the mean over volumes, then over structures",
    "dice_worst5": "mean Dice of the volumes that make up the worst 5 %",
    "bpq": "panoptic quality of nuclei, types left aside, the mean over images",
    "mpq": "panoptic quality by type, the mean over types, images, then tissues",
    "macro_f1": "mean over classes of F1",
    "auc": "area under the ROC curve of one thing, or of the second of two classes",
    "average_precision": "mean over labels of the mean precision at each positive case",
    "balanced_accuracy": "mean over classes of the share of their cases that are right",
    "top5_accuracy": "share of the cases whose label is among the five largest outputs, equal ones"
    " in any order; any `topN_accuracy`",
    "f1": "F1 of the second of two classes",
    "rmse": "root of the mean squared error, all outputs alike",
    "r2_score": "1 - SSE / SST of each number, the mean over numbers",
    "mask_dice": "Dice of the classes but the first, the mean over an image's, then over images;"
    " 1 where neither has one",
    "mask_iou": "IoU of each class over all pixels of all images, the mean over classes",
    "perplexity": "e to the mean negative log likelihood of a token",
    "recall_at_1": "share of the cases whose nearest other case, by cosine, has their label,"
    " equally near ones in any order; any `recall_at_N`",
    "character_error_rate": "edits over the letters of all true texts",
    "word_error_rate": "edits over the words of all true texts",
    "coco_map": "COCO's mean average precision of boxes, the mean over overlaps of .5 to .95, then"
    " over classes",
    "coco_map50": "the same at an overlap of .5",
    "coco_map75": "the same at an overlap of .75",
    "cosine_similarity": "mean cosine between the output and the label, two vectors; 0 of zeros",
    "aji": "aggregated Jaccard index: a prediction may be taken by several nuclei",
    "aji_plus": "the same with one-to-one matches",
    "mse": "squared error of the distance map, over all pixels",
    "nuclei_dice": "Dice of nucleus against background",
    "pq": "panoptic quality, at an IoU above .5",
    "r2": "1 - SSE / SST of the distance map, over all pixels of all cases",
    "log_loss": "binary cross-entropy in nats, the mean over labels, then over cases",
}


def metric_names() -> tuple[str, ...]:
    """Return every metric that can be asked for, plugins included, without the worst cases'."""
    return tuple(sorted({*METRICS, *lazy.names(ExtensionPoint.METRICS, MODULES)}))


def get_metric(name: str, where: str = "") -> Metric:
    """Return a metric of the tables; ConfigError naming the nearest, and `where` it was asked.

    "<name>_worst<per cent>" is the mean of the worst cases of a metric that is a mean.
    """
    if name in METRICS:
        return METRICS[name]
    for pattern, make in _NUMBERED.items():
        if numbered := re.fullmatch(pattern, name):
            return make(int(numbered[1]))
    kind = f"{where}: metric" if where else "metric"
    known = metric_names()
    parted = None if name in known else _WORST.fullmatch(name)
    if parted and (parted[1] in known or any(re.fullmatch(one, parted[1]) for one in _NUMBERED)):
        try:
            return worst(get_metric(parted[1]), int(parted[2]) / 100)
        except ValueError as error:
            raise ConfigError(f"{kind} {name!r}: {error}") from error
    metric: Metric = lazy.found(kind, ExtensionPoint.METRICS, MODULES, name, METRICS)
    return metric
