"""What outputs are judged against, and by what."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array


class Reads(enum.StrEnum):
    """In which form a metric wants outputs and labels; how others become it says a `Reading`."""

    FIRST = "first"  #: one output and the labels, as they are
    CLASSES = "classes"  #: scores (cases, classes), labels (cases,) from 0 on
    RANKED = "ranked"  #: the same of which the order of all scores counts, not the largest alone
    COLUMNS = "columns"  #: scores (cases, things), labels 0 or 1 of the same shape
    ODDS = "odds"  #: log odds (cases, things), labels 0 or 1 of the same shape
    NUMBERS = "numbers"  #: numbers (cases, n), labels of the same shape
    DIRECTIONS = "directions"  #: vectors (cases, ..), labels of the same shape, none of zeros only
    MASKS = "masks"  #: the class of each pixel, (cases, ..), labels of the same shape
    TOKENS = "tokens"  #: log probability of each true token, (cases, tokens), labels their numbers
    VECTORS = "vectors"  #: vectors (cases, n), labels (cases,)
    TEXT = "text"  #: texts (cases,), labels of the same shape
    #: detections (cases, n, 6): x1, y1, x2, y2, score, class (-1: none); labels of the same shape,
    #: with class and whether it is a crowd behind the corners
    BOXES = "boxes"
    OWN = "own"  #: what a function of the user's made of each case, (cases, 1 or 2)


#: Forms whose labels are the class of each case.
OF_CLASSES = frozenset({Reads.CLASSES, Reads.RANKED})


@dataclass(frozen=True, slots=True)
class BoxReading:
    """Where the parts of detections are, beside the boxes, and how they are written.

    `scores`, `classes` and `count` are positions of outputs; -1: behind the boxes in the same
    output, or there is none. A box has the order of `form`; x and y are multiplied by `scale`, so
    that they are those of the labels. `background` is "first" or "last" where one of the classes is
    nothing; `per_box` says whether a box with a score of each class counts as its "best" or "each".
    """

    form: str
    scores: int = -1
    classes: int = -1
    count: int = -1
    scale: tuple[float, float] = (1.0, 1.0)
    background: str = ""
    per_box: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a metric reads a model's outputs and its labels: the contract that a run keeps.

    `labels` and `scores` are what `[data]` says or what there was one reading of. `output` is the
    position of the output that is read, by the baseline's order, `name` its name. `columns` are
    those of its scores, 1: of the positive class only. `integers`: the reference's are no floats.
    Along `axis` of masks' scores run the classes; `symbols` are those of a text's columns. Of a
    metric of the user's own `labels` is "own", `output` lies behind the model's own, `first` is its
    first column there and `columns` how many it has; `unit` and `lower_is_better` are what it says
    of itself. Of detections `output` holds the boxes, and `boxes` says where the rest is.
    """

    labels: str
    scores: str = ""
    output: int = 0
    name: str = ""
    columns: int = 0
    integers: bool = False
    axis: int = 1
    symbols: tuple[str, ...] = ()
    first: int = 0
    unit: str = ""
    lower_is_better: bool = False
    boxes: BoxReading | None = None


@dataclass(frozen=True, slots=True)
class CaseTable:
    """What a metric needs to know of each case: outputs and labels are compared once, not anew.

    `of(outputs, labels)` returns numbers of each case, shape (cases, columns), each from that case
    alone; metrics that are given the same function share its tables. `weighted`, `parts` and
    `by_case` are those of `Metric`, with the table in place of outputs and labels; `parts` None:
    the metric's own. `column` says that the metric is the mean of that column, in which NaN marks
    cases that do not count; None: it is no mean.
    """

    of: Callable[[Array, Array], NDArray[np.float64]]
    weighted: Callable[[NDArray[np.float64], Array], NDArray[np.float64]]
    parts: Callable[[NDArray[np.float64], tuple[str, ...]], dict[str, float]] | None = None
    by_case: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    column: int | None = None


#: What metrics may be: anything, a share, or nothing below 0.
ANY = (-math.inf, math.inf)
SHARE = (0.0, 1.0)
NOT_NEGATIVE = (0.0, math.inf)


@dataclass(frozen=True, slots=True)
class Metric:
    """A quality metric that can be resampled.

    `weighted(outputs, labels, weights)` takes what the task predicts from the model's first output
    (that output itself where it does not predict) and the labels, both with
    the cases on axis 0, and weights of shape (resamples, cases): how often each case counts. It
    returns shape (resamples,); NaN where a resample leaves the metric undefined. `parts` returns
    the metric of the unweighted cases by name (per label, per class); empty when it has none.
    `by_case(outputs, labels)` returns what each case adds, shape (cases,), with the metric as mean:
    the values of a metric that is a mean of values; of others the metric plus the number of cases
    times what a case's weight changes. None: found by leaving cases out, which is slow. With a
    `table` the functions above are called only by who has no table: build such metrics with
    `benchhub.tasks.case_tables`. `reads` says which form outputs and labels are brought to first,
    `chance(labels)` what a model reaches that answers the same for every case; None: not known.
    `within` are the least and the most that it can be, which its interval never passes.
    """

    name: str
    unit: str
    higher_is_better: bool
    weighted: Callable[[Array, Array, Array], NDArray[np.float64]]
    parts: Callable[[Array, Array, tuple[str, ...]], dict[str, float]]
    by_case: Callable[[Array, Array], NDArray[np.float64]] | None = None
    table: CaseTable | None = None
    reads: Reads = Reads.FIRST
    chance: Callable[[Array], float] | None = None
    within: tuple[float, float] = ANY


@dataclass(frozen=True, slots=True)
class Cases:
    """A task's cases: inputs by model input name (axis 0 runs over cases), truth and grouping.

    `groups` says which cases belong together (a patient); resampling draws whole groups. `whole`
    are inputs that are the same for all cases, like a sample rate.
    """

    inputs: Mapping[str, Array]
    labels: Array
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    label_names: tuple[str, ...]
    whole: Mapping[str, Array] = field(default_factory=dict)

    @property
    def arrays(self) -> dict[str, Array]:
        """All inputs, also those that are the same for all cases."""
        return {**self.inputs, **self.whole}


@dataclass(frozen=True, slots=True)
class OwnReference:
    """What the controller computed with a variant that is no approximation of the baseline.

    `outputs` are those of the check cases, `spreads` how far each tensor spreads over more cases.
    """

    outputs: tuple[Array, ...]
    spreads: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ReferenceLaunch:
    """The launch whose outputs are the reference: of which device and backend, at which batch."""

    device: str
    backend: str
    batch: int
    precision: str
    cell: str
    started_at: str

    @property
    def where(self) -> str:
        """What it ran on, in words."""
        at = "" if self.precision == "f32" else f" in {self.precision}"
        return f"on {self.device} and {self.backend} at batch {self.batch}{at}"


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """What outputs are judged against: the labels, and the baseline's own reference outputs.

    `reference` was computed on the controller with the baseline at float32, or, if there is one, by
    a device in the launch `measured`; `rows` cases, the first of which are also the check cases of
    every launch. Where the task predicts, `predict`
    names how (see `benchhub.tasks.predictions`), `predictions` is what it makes of the reference,
    `reference` holds the check cases only, `spreads` how far each of its tensors spreads over all
    cases, and `sketch` a few numbers of each case's, to know the cases by. `also` names further
    metrics. `own` are the references of variants that do not approximate the baseline, by name.
    `varying` says by how much the baseline answers otherwise each time; empty: it does not. So does
    `uncompared`, by position, of outputs that no metric reads: these are compared with nothing.
    `readings` say by metric how it reads outputs and labels; one without reads them as they are.
    `own_scores` is what metrics of the user's own made of each case of the reference: (cases,
    columns).
    """

    metric: str
    labels: Array
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    label_names: tuple[str, ...]
    reference: tuple[Array, ...]
    also: tuple[str, ...] = ()
    predict: str = ""
    predictions: Array | None = None
    sketch: Array | None = None
    spreads: tuple[float, ...] = ()
    own: Mapping[str, OwnReference] = field(default_factory=dict)
    varying: str = ""
    uncompared: Mapping[int, str] = field(default_factory=dict)
    readings: Mapping[str, Reading] = field(default_factory=dict)
    own_scores: Array | None = None
    measured: ReferenceLaunch | None = None
