"""The npz task: a user's own model with the user's own inputs and labels.

The archive holds one array per model input, under the input's name, and `labels`; all run over
cases on axis 0. It may hold `groups` (who a case belongs to), `ids` and `label_names` too. Where a
model has an input of such a name, `arrays` says what the archive's own are called.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Array, Settings
from benchhub.model.quality import Cases, Metric, Reads
from benchhub.outside.foreign.arrays import archive
from benchhub.outside.foreign.bounds import check_size
from benchhub.tasks.contract.looks import one_each
from benchhub.tasks.metrics import get_metric
from benchhub.tasks.own.code import digests, is_own
from benchhub.tasks.own.metric import OwnMetric, own_metric, stand_in
from benchhub.tasks.predictions import get_predictor
from benchhub.tasks.settings import check_settings

#: The keys of `[data]`; paths are relative to the suite, or to the folder given with `--data`.
KEYS: Mapping[str, str] = {
    "inputs": "the archive: an array for each model input, and `labels`; required",
    "metric": "the metric that is judged first, or `file.py:function`; required",
    "also": "further metrics, a list",
    "predict": "what is made of the model's first output before metrics see it; or"
    " `file.py:function`, of all outputs",
    "whole": "inputs that are the same for all cases, a list; a single number need not be named",
    "calibration": "an archive of training inputs, for recipes that calibrate",
    "arrays": 'what the archive calls its own arrays, as `{ labels = "truth", ids = "case" }`:'
    " all others are inputs, also one called `labels`, `groups`, `ids` or `label_names`",
}
_OWN = ("labels", "groups", "ids", "label_names")
#: Told where one of the archive's own arrays may be meant as an input.
_NAMED = 'if it is an input of the model, write arrays = {{ labels = "{labels}" }} under [data]'
_PREFIX = "calibration_"
#: What a case takes beside its arrays: its id, its group, and what is computed of it.
_CASE_BYTES = 400
#: Metrics of the heart, whose labels hold the volume of a slice beside its classes.
_OF_VOLUMES = ("dice", "dice_worst5")


@dataclass(frozen=True, slots=True)
class Archive:
    """An opened data set, checked; see the module's docstring."""

    description: str
    provenance: Mapping[str, str]
    metric: Metric
    all_cases: Cases
    path: Path
    fitting: Mapping[str, Array]
    also: tuple[Metric, ...] = ()
    predict: str = ""
    own: tuple[OwnMetric, ...] = ()

    def cases(self, count: int | None) -> Cases:
        """Return the first `count` cases (None: all); ConfigError if there are fewer."""
        whole = self.all_cases
        if count is not None and count > len(whole.ids):
            raise ConfigError(
                f"{self.path}: {count} cases were asked for and it has {len(whole.ids)}; "
                "lower scenarios.quality.cases"
            )
        return Cases(
            inputs={name: array[:count] for name, array in whole.inputs.items()},
            labels=whole.labels[:count],
            ids=whole.ids[:count],
            groups=whole.groups[:count],
            label_names=whole.label_names,
            whole=whole.whole,
        )

    def calibration(self, count: int) -> Mapping[str, Array]:
        """Return `count` calibration inputs; ConfigError if the user gave none, or fewer.

        Test cases never stand in for them: that would let a recipe see what it is judged by.
        """
        if not self.fitting:
            raise ConfigError(
                f"{self.path}: this recipe calibrates and there are no training inputs; set "
                f'data.calibration = "train.npz", or add {_PREFIX}<input> arrays to the archive'
            )
        have = min(len(array) for array in self.fitting.values())
        if have < count:
            raise ConfigError(
                f"{self.path}: {count} calibration cases were asked for and there are {have}; "
                "lower the recipe's calibration_cases"
            )
        return {name: array[:count] for name, array in self.fitting.items()}


#: Keys that there is no reading without, and what to write.
_NEEDED: Mapping[str, str] = {
    "inputs": 'write inputs = "cases.npz", an archive of the model\'s inputs and of labels',
    "metric": 'write what quality is, as metric = "accuracy"; without labels, make variants with'
    " `benchhub compress` and measure them with `benchhub bench`",
}


def open_dataset(settings: Settings, base: Path, data: Path | None, cache: Path) -> Archive:
    """Return the data set of a suite's `[data]` table.

    Raises ConfigError naming the file and the array for anything it cannot use.
    """
    check_settings("data", settings, KEYS)
    for key, step in _NEEDED.items():
        if key not in settings:
            raise ConfigError(f"data.{key} is missing; {step}")
    code = digests(settings, base)
    metrics = _metrics(settings, base)
    metric, *also = (stand_in(one) if isinstance(one, OwnMetric) else one for one in metrics)
    predict = str(settings.get("predict", ""))
    if predict:
        get_predictor(predict, base)
    root = data or base
    path = root / str(settings["inputs"])
    own = _own_names(settings)
    arrays = _load(path)
    training = {name.removeprefix(_PREFIX): arrays.pop(name) for name in _calibration_keys(arrays)}
    if "calibration" in settings:
        second = root / str(settings["calibration"])
        found = _load(second)
        training = {name: array for name, array in found.items() if name not in own.values()}
    text = any(one.reads in (Reads.TEXT, Reads.OWN) for one in (metric, *also))
    cases = _cases(path, arrays, own, settings, text)
    _check_alike(path, cases, training)
    for name, array in {
        **cases.arrays,
        **{f"{_PREFIX}{k}": v for k, v in training.items()},
    }.items():
        if array.dtype.kind != "U":  # text, which some models take
            _check_numbers(path, name, array)
    if "macro_auc" in (one.name for one in (metric, *also)):
        _check_classes(path, cases)
    for one in (metric, *also):
        if one.name in _OF_VOLUMES:
            _check_volumes(path, one.name, cases.labels)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Archive(
        description=f"{path.name}: {len(cases.ids)} cases",
        provenance={
            "dataset": path.name, "sha256": digest, "cases": str(len(cases.ids)), **code,
        },
        metric=metric,
        also=tuple(also),
        predict=predict,
        all_cases=cases,
        path=path,
        fitting=training,
        own=tuple(one for one in metrics if isinstance(one, OwnMetric)),
    )  # fmt: skip


def _metrics(settings: Settings, base: Path) -> list[Metric | OwnMetric]:
    more = settings.get("also", [])
    if not isinstance(more, list) or not all(isinstance(name, str) for name in more):
        raise ConfigError(f"data.also must be a list of names of metrics, not {more!r}")
    first = str(settings["metric"])
    asked = [(first, "data.metric"), *((name, "data.also") for name in more if name != first)]
    return [
        own_metric(name, base, where) if is_own(name) else get_metric(name, where)
        for name, where in dict(asked).items()
    ]


def _check_alike(path: Path, cases: Cases, training: dict[str, Array]) -> None:
    """Raise ConfigError unless both have the same inputs; what is the same for all is dropped."""
    for name in cases.whole.keys() & training.keys():
        if not np.array_equal(training.pop(name), cases.whole[name]):
            raise ConfigError(
                f"{path}: {name!r} is the same for all cases, and is another one in training"
            )
    for name in training.keys() ^ cases.inputs.keys() if training else ():
        raise ConfigError(f"{path}: input {name!r} is in only one of the test and training arrays")


def _check_classes(path: Path, cases: Cases) -> None:
    columns = cases.labels.reshape(len(cases.labels), -1)
    if columns.shape[1] == 1 or one_each(columns):
        return  # classes, of which some may be without a case
    for index in range(columns.shape[1]):
        if len(np.unique(columns[:, index])) < 2:
            name = cases.label_names[index] if cases.label_names else str(index)
            raise ConfigError(
                f"{path}: label {name} has one class only in {len(columns)} cases; an AUC needs"
                " both: add cases, or leave the label and the model's output for it out"
            )


def _check_volumes(path: Path, metric: str, labels: Array) -> None:
    """Raise ConfigError for maps of classes alone, where the metric reads volumes in them, too."""
    from benchhub.tasks.cardiac.metric import VOLUMES

    maps = labels.ndim > 2 and labels.size > 0 and labels.dtype.kind in "biuf"
    if maps and labels.min() >= 0 and labels.max() < VOLUMES:
        raise ConfigError(
            f"{path}: {metric} is of volumes: labels are the class plus {VOLUMES} times the number"
            f" of the slice's volume, and these are all below {VOLUMES}, of one volume; of masks"
            " use mask_dice"
        )


def _calibration_keys(arrays: Mapping[str, Array]) -> list[str]:
    return [name for name in arrays if name.startswith(_PREFIX)]


def _load(path: Path) -> dict[str, Array]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; data paths are relative to the suite's folder")
    return archive(path)


def _own_names(settings: Settings) -> dict[str, str]:
    """Return what the archive calls its own arrays, by what they are; ConfigError if unusable."""
    said = settings.get("arrays")
    if said is None:
        return {name: name for name in _OWN}
    if not isinstance(said, Mapping) or not all(isinstance(one, str) for one in said.values()):
        raise ConfigError(f'data.arrays must be a table, as {{ labels = "truth" }}, not {said!r}')
    for key in said:
        if key not in _OWN:
            raise ConfigError(f"data.arrays.{key} is unknown{nearest(key, _OWN)}")
    if "labels" not in said:
        raise ConfigError('data.arrays.labels is missing; say which array they are, labels = ".."')
    return dict(said)


def _whole(
    path: Path, inputs: Mapping[str, Array], cases: int, settings: Settings
) -> dict[str, Array]:
    """Return the inputs that are the same for all cases: single numbers, and those named so."""
    named = settings.get("whole", [])
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise ConfigError(f"data.whole must be a list of names of inputs, not {named!r}")
    for name in named:
        if name not in inputs:
            raise ConfigError(f"{path}: data.whole: no array {name!r}{nearest(name, inputs)}")
    return {
        name: array
        for name, array in inputs.items()
        if name in named or array.ndim == 0 or (array.size == 1 and cases > 1)
    }


def _cases(
    path: Path,
    arrays: Mapping[str, Array],
    own: Mapping[str, str],
    settings: Settings,
    text: bool,
) -> Cases:
    for of in own.values() if own != {name: name for name in _OWN} else ("labels",):
        if of not in arrays:
            raise ConfigError(f"{path}: no array {of!r}; it has {', '.join(arrays) or 'none'}")
    mine = {key: arrays[name] for key, name in own.items() if name in arrays}
    inputs = {name: array for name, array in arrays.items() if name not in own.values()}
    named = _NAMED.format(labels=own["labels"])
    if not inputs:
        kept = [name for name in own.values() if name in arrays and name != own["labels"]]
        fix = f"{kept[0]!r} is read as the archive's own: {named}" if kept else (
            "name them as in the model"
        )  # fmt: skip
        raise ConfigError(f"{path}: no input arrays beside {own['labels']!r}; {fix}")
    labels = mine["labels"]
    if not text or labels.dtype.kind != "U":
        _check_numbers(path, own["labels"], labels)
    if labels.ndim == 0 or not len(labels):
        raise ConfigError(f"{path}: {own['labels']!r} has no cases; they run along axis 0")
    check_size(path, _CASE_BYTES * len(labels), f"{len(labels)} cases")
    if "label_names" in mine:
        check_size(path, _CASE_BYTES * mine["label_names"].size, "label_names")
    whole = _whole(path, inputs, len(labels), settings)
    inputs = {name: array for name, array in inputs.items() if name not in whole}
    told = {own[key]: mine[key] for key in ("groups", "ids") if key in mine}
    for name, array in {**inputs, **told}.items():
        length = len(array) if array.ndim else 0
        if length != len(labels):
            hint = "" if name in told else "; if it is the same for all, name it in data.whole"
            raise ConfigError(
                f"{path}: {name!r} has {length} cases and {own['labels']!r} has {len(labels)}; "
                f"axis 0 of every array runs over cases{hint}"
            )
        if name in told and array.size != len(labels):
            raise ConfigError(
                f"{path}: {name!r} has shape {array.shape} where one name a case is read; {named}"
            )
    ids = _texts(mine.get("ids", np.arange(len(labels))))
    return Cases(
        inputs=inputs,
        labels=labels,
        ids=ids,
        groups=_texts(mine["groups"]) if "groups" in mine else ids,
        label_names=_texts(mine["label_names"]) if "label_names" in mine else (),
        whole=whole,
    )


def _texts(values: Array) -> tuple[str, ...]:
    return tuple(str(value) for value in values.reshape(-1).tolist())


def _check_numbers(path: Path, name: str, array: Array) -> None:
    if array.dtype.kind not in "biuf":
        raise ConfigError(f"{path}: {name!r} holds {array.dtype}, not numbers; save it as numbers")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise ConfigError(f"{path}: {name!r} holds {bad} NaN or infinite values; remove them")
