"""What a run says of samples: they become launches of a cell, and all else is the run's own code.

Nothing here decides. `run.planning` and `run.ab` say when to stop, `results.rows` makes the row,
and `results.verdicts` and `results.compare` judge it, as they do for `benchhub run`, `ab`, `gate`
and `compare`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchhub.model.asked import EFFORTS, Agreement, Budget
from benchhub.model.cell import Cell, More
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Launch, RunInfo
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.request import ABRequest, RunRequest
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.results.compare.ab import look
from benchhub.results.compare.moves import ComparedCell
from benchhub.results.rows.rows import summarize
from benchhub.results.verdicts.judge import judge
from benchhub.run.ab import until_decided
from benchhub.run.planning.going_on import ends, goes_on, limited
from benchhub.stats import looks, paired_ab
from benchhub.stats.paired_ab import ABDecision
from benchhub.stats.samples import Samples

Ints = NDArray[np.int64]
_AT = "2026-01-01T12:00:00Z"
_RUN = RunInfo("known-truth", "known-truth", "", "none", "fp32", "rigorous", _AT, None, "done",
               RunRequest("known-truth", ()))  # fmt: skip
#: As thorough as a run can be, and begun with as few launches as a budget takes.
EFFORT = dataclasses.replace(EFFORTS["rigorous"], launches=looks.LOOKS[0])
_CELL = Cell(
    device="source", variant="int8", model_sha256="0" * 64, backend="onnxruntime",
    scenario=Scenario.LATENCY, batch=1, threads=1, precision="f32", launches=EFFORT.launches,
    iterations=EFFORT.iterations, max_timed_s=EFFORT.max_timed_s, ends_after=looks.EARLY,
)  # fmt: skip
_QUALITY = dataclasses.replace(_CELL, scenario=Scenario.QUALITY, launches=1)
#: The device that all cells are of.
DEVICE = DeviceInfo(_CELL.device, "local", emulated=False)
_AB = ABRequest("ab", ())


def compared(samples_ns: Samples, budgets: Sequence[Budget] = ()) -> ComparedCell:
    """Return a latency cell with these launches, and its row."""
    launches = [_launch(_CELL, index, one) for index, one in enumerate(samples_ns)]
    (row,) = summarize(_RUN, (_CELL,), launches, (), (), budgets=budgets)
    return ComparedCell(row, tuple(launches))


def row_of(samples_ns: Samples, budgets: Sequence[Budget] = ()) -> Row:
    """Return the row of a latency cell with these launches, held against budgets."""
    return compared(samples_ns, budgets).row


def beside_baseline(base_ns: Samples, variant_ns: Samples) -> tuple[Row, ...]:
    """Return the rows of a run's baseline and of a variant, a launch of each in every round."""
    cells = [dataclasses.replace(_CELL, variant=name) for name in (_RUN.baseline, _CELL.variant)]
    return _rows(cells, (base_ns, variant_ns))


def many(samples_ns: Sequence[Samples]) -> tuple[Row, ...]:
    """Return the rows of so many latency cells, each of another model."""
    cells = [
        dataclasses.replace(_CELL, variant=f"variant {number}", model_sha256=f"{number:064x}")
        for number in range(len(samples_ns))
    ]
    return _rows(cells, samples_ns)


def _rows(cells: Sequence[Cell], samples_ns: Sequence[Samples]) -> tuple[Row, ...]:
    launches = [
        _launch(cell, index, one)
        for cell, of in zip(cells, samples_ns, strict=True)
        for index, one in enumerate(of)
    ]
    return tuple(summarize(_RUN, cells, launches, (), ()))


def until_told(draw: Callable[[int], Samples], budget: Budget) -> Row:
    """Return the row of a latency cell that goes on while a budget of a percentile leaves it open.

    `draw(k)` returns k further launches. A run asks before every round; what it is told changes at
    looks alone.
    """
    limits = limited((_CELL,), (budget,), EFFORT, ())
    more, enough = goes_on(limits, EFFORT), ends((_CELL,), (budget,))
    points = [*looks.LOOKS, *(fewest for _, _, fewest in limits.values())]
    samples = [*draw(_CELL.ends_after)]
    if _asked(enough, {_CELL.key: samples}):
        return row_of(samples, (budget,))
    samples.extend(draw(_CELL.launches - _CELL.ends_after))
    while _asked(more, {_CELL.key: samples}):
        samples.extend(draw(_until(sorted(points), len(samples))))
    return row_of(samples, (budget,))


def verdict(row: Row, budget: Budget) -> VerdictOutcome:
    """Return what the only entry of a budget says of a row."""
    (found,) = judge((row,), (budget,))
    return found.outcome


def side_by_side(draw: Callable[[int], tuple[Ints, Ints]]) -> tuple[ABDecision, int]:
    """Return what `benchhub ab` says, and after how many iterations of both.

    `draw(k)` returns k further launches of A and of B, a pair a round.
    """
    more = until_decided("a", "b", _AB)
    a, b = (list(side) for side in draw(paired_ab.LOOKS[0]))
    while _asked(more, {"a": a, "b": b}):
        further = draw(_until(paired_ab.LOOKS, len(a)))
        a, b = [*a, *further[0]], [*b, *further[1]]
    return look(a, b, _AB, final=True)[0], sum(launch.size for launch in (*a, *b))


def judged(
    metric: Metric,
    labels: NDArray[np.generic],
    baseline: NDArray[np.float64],
    outputs: NDArray[np.float64],
    seed: int,
) -> Row:
    """Return the row of a quality cell whose first output is `outputs`, each case a patient's."""
    names = tuple(map(str, range(len(labels))))
    answer_key = AnswerKey(metric.name, labels, names, names, (), (baseline,))
    launch = _launch(_QUALITY, 0, np.empty(0, np.int64), (outputs,))
    (row,) = summarize(
        _RUN, (_QUALITY,), (launch,), (), (),
        limits=Agreement(math.inf), answer_key=answer_key, metric=metric, seed=seed,
    )  # fmt: skip
    return row


def name_of(number: int, backends: int) -> str:
    """Return the key of the latency cell of the candidate `number` of a matrix."""
    return _candidate(number, backends).key


def matrix(
    samples_ns: Sequence[Samples],
    metric: Metric,
    labels: NDArray[np.generic],
    baseline: NDArray[np.float64],
    outputs: Sequence[NDArray[np.float64]],
    backends: int,
    seed: int,
    budgets: Sequence[Budget],
) -> tuple[Row, ...]:
    """Return the rows of variants on backends, a launch of each in every round.

    `samples_ns` are those of each candidate, all backends of the first variant first; `outputs`
    those of each variant, the same on each backend.
    """
    names = tuple(map(str, range(len(labels))))
    answer_key = AnswerKey(metric.name, labels, names, names, (), (baseline,))
    cells, launches = [], []
    for number, of in enumerate(samples_ns):
        cell = _candidate(number, backends)
        quality = dataclasses.replace(cell, scenario=Scenario.QUALITY, launches=1)
        cells += [cell, quality]
        launches += [_launch(cell, index, one) for index, one in enumerate(of)]
        launches.append(_launch(quality, 0, np.empty(0, np.int64), (outputs[number // backends],)))
    return summarize(
        _RUN, cells, launches, (), (),
        limits=Agreement(math.inf), answer_key=answer_key, metric=metric, seed=seed,
        budgets=budgets,
    )  # fmt: skip


def _candidate(number: int, backends: int) -> Cell:
    return dataclasses.replace(
        _CELL, variant=f"variant {number // backends}", backend=f"backend {number % backends}"
    )


def _launch(
    cell: Cell, index: int, samples_ns: Ints, outputs: tuple[NDArray[np.float64], ...] = ()
) -> Launch:
    return Launch(
        run=_RUN.id, cell=cell, index=index, attempt=0, round=index, started_at=_AT,
        status="finished", failure=None, samples_ns=samples_ns,
        warmup_ns=np.empty(0, np.int64), outputs=outputs,
    )  # fmt: skip


def _asked(more: More, samples: Mapping[str, Sequence[Ints]]) -> bool:
    """Return whether a run that has these launches would be told some of their cells."""
    counts = {key: len(of) for key, of in samples.items()}
    return bool(more(counts, lambda key, count: samples[key][:count]))


def _until(points: Sequence[int], have: int) -> int:
    """Return how many launches the next look takes beyond those there are."""
    return next(point for point in points if point > have) - have
