"""Limits of a metric and of its loss, by resampling groups of cases, and what bounds them; pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import Metric, Reads
from benchhub.outside.one_thread import one_thread
from benchhub.results.rows.case_tables import Tables
from benchhub.stats.bootstrap import Floats, Limits, bootstrap_t, drawn, weighed
from benchhub.stats.rare_losses import guarded

T = TypeVar("T")
#: So many answers at random show what a case may add where that hangs on its label.
_SHUFFLES = 16
#: So many cases, shuffled, are left out one by one of a metric that does not tell what each adds.
_LEFT_OUT = 1024


#: So many weights of cases are held from one bootstrap for the next: 16 MB.
_HELD = 2_000_000


@dataclass(frozen=True, slots=True)
class Draw:
    """Some resamples: how often each group is in them, (rows, groups), and so each case."""

    groups: Floats
    cases: Floats


@dataclass(frozen=True, slots=True)
class Resampling:
    """What models are judged by: a metric, the cases' labels, and the group of each case.

    What the metric sees of a model is its outputs, or the case table made of them.
    """

    metric: Metric
    labels: Array
    members: NDArray[np.int64]
    count: int
    tables: Tables

    def seen(self, outputs: Array, order: Array | None = None) -> Array:
        """Return what the metric sees of `outputs`, in another `order` if one is given."""
        if self.metric.table is not None:
            return self.tables.of(self.metric.table.of, outputs, self.labels, order)
        return outputs if order is None else outputs[order]

    def weighted(self, seen: Array, weights: Array) -> Floats:
        """Return the metric under each of `weights`."""
        if self.metric.table is not None:
            return self.metric.table.weighted(seen, weights)
        return self.metric.weighted(seen, self.labels, weights)

    def counted(self, outputs: Array, baseline: Array) -> NDArray[np.int64]:
        """Return the cases that count; ValueError: they are others for the model and the baseline.

        A model may not choose what it is judged by, and a difference is of the same cases.
        """
        table = self.metric.table
        if table is None or (table.column is None and self.metric.reads is not Reads.OWN):
            return np.arange(len(outputs))  # NaN in its columns says nothing of whole cases
        columns = slice(None) if table.column is None else slice(table.column, table.column + 1)
        mine, other = (
            ~np.isnan(self.seen(array)[:, columns]).any(axis=1) for array in (outputs, baseline)
        )
        for lost, of, whose in (
            (other & ~mine, "", "the baseline"),
            (mine & ~other, " of the baseline", "this variant"),
        ):
            if lost.any():
                raise ValueError(
                    f"{self.metric.name}{of} is NaN in {int(lost.sum())} cases that count for"
                    f" {whose}; labels alone are to decide which cases count: return the worst"
                    " value there"
                )
        return np.flatnonzero(mine)

    def parts(self, outputs: Array, names: tuple[str, ...]) -> dict[str, float]:
        """Return the metric by label."""
        if self.metric.table is not None and self.metric.table.parts is not None:
            return self.metric.table.parts(self.seen(outputs), names)
        return self.metric.parts(outputs, self.labels, names)

    def limits(
        self, pair: tuple[Array, Array], base: float, same: bool, resamples: int, seed: int
    ) -> tuple[Limits, Limits, Limits | None, str]:
        """Return limits of the value (as a loss), of the loss and its share, and their method.

        `pair` is the model's answers and the baseline's; `same`: one function's, rounded.
        """
        sign = 1 if self.metric.higher_is_better else -1
        seen = [self.seen(array) for array in pair]
        own, sizes = self._weighed(seen[0])
        theirs, _ = self._of_baseline("weighed", seen[1], lambda: self._weighed(seen[1]))
        lost = sign * (theirs - own)
        rng = np.random.default_rng(seed)
        order = self._shuffled(len(pair[1]), rng)

        def apart() -> float:
            shuffled = self.seen(pair[1], order)
            return self._worst(pair[1], seen[1], shuffled, np.random.default_rng([seed, 1]))

        worst = self._of_baseline(f"worst {seed}", pair[1], apart)
        unseen = 0.0 if same else worst

        kinds = 3 if base else 2

        def resampled() -> Iterator[tuple[Floats, Floats]]:
            name, draws = self._draws(resamples, seed, rng)
            for index, draw in enumerate(draws):
                against = self.tables.once(
                    (self.metric.name, name, index),
                    partial(self.weighted, seen[1], draw.cases),
                    seen[1],
                )
                value = against if seen[0] is seen[1] else self.weighted(seen[0], draw.cases)
                loss = sign * (against - value)
                with np.errstate(divide="ignore", invalid="ignore"):
                    share = loss / np.abs(against)
                yield draw.groups, np.stack([-sign * value, loss, share], axis=1)[:, :kinds]

        with one_thread():
            found = bootstrap_t(
                np.stack([-sign * own, lost, lost][:kinds]),
                np.stack([sizes, sizes, math.copysign(1, base) * theirs][:kinds]),
                resampled(),
            )
        of_value, _ = guarded(found[0], -sign * own, sizes, worst)
        loss, method = guarded(found[1], lost, sizes, unseen)
        share = guarded(found[2], lost, sizes, unseen, abs(base))[0] if base else None
        return of_value, loss, share, method

    def _draws(
        self, resamples: int, seed: int, rng: np.random.Generator
    ) -> tuple[Hashable, Iterable[Draw]]:
        """Return what tells these resamples from any others, and them; of few cases once."""
        cases = len(self.members)
        name = "draws", seed, resamples, cases, self.count, self.tables.digest(self.members)

        def drawn_with_cases() -> Iterator[Draw]:
            alone = self.count == cases and bool((self.members == np.arange(cases)).all())
            for groups in drawn(self.count, resamples, rng):
                yield Draw(groups, groups if alone else groups[:, self.members])

        if resamples * (self.count + cases) > _HELD:
            return name, drawn_with_cases()
        return name, self.tables.once(name, lambda: tuple(drawn_with_cases()))

    def _of_baseline(self, what: str, answers: Array, compute: Callable[[], T]) -> T:
        """Return `compute()`, which is of a baseline's answers alone, once for all variants."""
        name = what, self.metric.name, len(self.labels), self.count
        return self.tables.once(name, compute, answers)

    def _shuffled(self, cases: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return whose answer each case is given, so that it is one at random.

        Boxes of another image find next to nothing, and then no case could lose much: of them half
        of the cases keep their own.
        """
        order = rng.permutation(cases)
        if self.metric.reads is not Reads.BOXES:
            return order
        given = np.arange(cases)
        given[order[: cases // 2]] = np.roll(order[: cases // 2], 1)
        return given

    def _weighed(self, seen: Array) -> tuple[Floats, Floats]:
        """Return what each group adds to the metric of what is seen, and its number of cases."""
        values = self._by_case(seen)
        if values is None:
            return weighed(lambda weights: self.weighted(seen, weights), self.members, self.count)
        sums = np.bincount(self.members, values, minlength=self.count).astype(np.float64)
        return sums, np.bincount(self.members, minlength=self.count).astype(np.float64)

    def _by_case(self, seen: Array) -> Floats | None:
        if self.metric.table is not None:
            by_case = self.metric.table.by_case
            return None if by_case is None else by_case(seen)
        return None if self.metric.by_case is None else self.metric.by_case(seen, self.labels)

    def _worst(
        self, answers: Array, seen: Array, shuffled: Array, rng: np.random.Generator
    ) -> float:
        """Return how far apart a group of the best and of the worst answers lie, in points.

        Cases may all be lost that belong together, so a group is off by what its cases are off,
        added up. Seen of a model that answers at random; infinite where that does not tell.
        """
        sums, sizes = self._weighed(shuffled)
        off = sums - sums.sum() / sizes.sum() * sizes
        apart = float(off.max() - off.min())
        if not apart > 0:
            return math.inf
        if self.count < len(answers):
            apart = max(apart, self._of_whole_groups(answers, seen, shuffled, rng))
        return float(apart * (self.count / sizes.sum()))

    def _of_whole_groups(
        self, answers: Array, seen: Array, shuffled: Array, rng: np.random.Generator
    ) -> float:
        """Return what a group is off by whose cases are all the best, or all the worst."""
        most = float(np.bincount(self.members).max())
        values = self._by_case(shuffled)
        if values is None:
            return float(np.ptp(self._without_each(shuffled, rng))) * most
        column = self.metric.table is not None and self.metric.table.column is not None
        if column or self.metric.reads is Reads.BOXES:  # whose matches take too long to draw often
            known = self._by_case(seen)
            both = values if known is None else np.concatenate([values, known])
            return float(np.ptp(both)) * most
        drawn = [values]  # what a case adds hangs on its label: each has its own best and worst
        for _ in range(_SHUFFLES - 1):
            again = self._by_case(self.seen(answers, self._shuffled(len(answers), rng)))
            drawn += [] if again is None else [again]
        of_cases = np.ptp(np.stack(drawn), axis=0)
        return float(np.bincount(self.members, of_cases, minlength=self.count).max())

    def _without_each(self, shuffled: Array, rng: np.random.Generator) -> Floats:
        """Return what each case adds, found by leaving it out; of many cases, of some."""
        rows = rng.permutation(len(shuffled))[:_LEFT_OUT]
        alone = dataclasses.replace(
            self, labels=self.labels[rows], members=np.arange(rows.size), count=rows.size
        )
        return alone._weighed(shuffled[rows])[0]
