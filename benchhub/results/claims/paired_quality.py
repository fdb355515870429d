"""Two artifacts' quality on the same cases, set against each other; pure.

Narrower than the difference of their losses: what makes a case hard makes it hard for both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from benchhub.errors import MissingExtra
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.row import Row
from benchhub.results.claims.figures import ClaimFigure
from benchhub.results.rows.case_tables import Tables
from benchhub.results.rows.quality.answered import all_rounded, answers
from benchhub.results.rows.quality.assess import assess
from benchhub.results.rows.quality.outputs_read import compared


class PairedQuality:
    """How much worse one row's artifact is than another's, by any of the run's metrics.

    `launches` has those of a cell by its key; it is asked for what claims are about, and no others.
    """

    def __init__(
        self,
        launches: Callable[[str], Iterable[Launch]],
        answer_key: AnswerKey,
        metrics: Sequence[Metric],
        seed: int,
        tables: Tables,
    ) -> None:
        self._truth, self._seed, self._tables = answer_key, seed, tables
        self._metrics = {metric.name: metric for metric in metrics}
        self._first = metrics[0].name if metrics else ""
        self._all = launches
        self._launches: dict[str, Launch | None] = {}

    def __call__(self, one: Row, other: Row, metric: str) -> ClaimFigure | None:
        """Return the loss of `one` against `other`, positive where `one` is worse.

        `metric` "" is the first one. None: one of them has no answers, or they cannot be paired.
        """
        known = self._metrics.get(metric or self._first)
        mine, theirs = self._of(one), self._of(other)
        if known is None or mine is None or theirs is None:
            return None
        same = None
        if self._truth.predict:
            new, old = (compared(one.outputs, self._truth) for one in (mine, theirs))
            same = all_rounded(new, old, compared(self._truth.spreads, self._truth))
        try:
            found = assess(
                answers(mine, self._truth), self._truth, known, answers(theirs, self._truth),
                seed=self._seed, tables=self._tables, same=same,
            )  # fmt: skip
        except (MissingExtra, ValueError):
            return None  # each by itself has said why
        loss = found.loss
        if not (math.isfinite(loss.low) and math.isfinite(loss.high)):
            return None
        low, high = min(loss.low, loss.estimate), max(loss.high, loss.estimate)
        return ClaimFigure(loss.estimate, low, high, found.groups, how="paired by case")

    def _of(self, row: Row) -> Launch | None:
        if row.provenance.quality is None:
            return None
        cell = row.provenance.quality.cell
        if cell not in self._launches:
            done = (launch for launch in self._all(cell) if launch.status == "finished")
            self._launches[cell] = next(
                (launch for launch in done if answers(launch, self._truth)), None
            )
        return self._launches[cell]
