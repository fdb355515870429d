"""A metric of the user's own: what its function makes of each case, and the metric of that.

The function takes all outputs of one case, by name and without the axis of cases, and that case's
label. It returns a number, and the metric is their mean; or two, and the metric is the sum of the
first over the sum of the second. NaN: the case does not count, which its label is to decide: where
other cases have NaN for a variant than for the baseline, nothing is judged. Its attributes
`higher_is_better` (True) and `unit` ("") may say more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.quality import Metric, Reading, Reads
from benchhub.tasks.case_tables import mean_metric, summed_metric
from benchhub.tasks.own.code import OwnFunction, own_function

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """A function of the user's, with what it says of itself."""

    of_case: OwnFunction
    higher_is_better: bool
    unit: str

    @property
    def name(self) -> str:
        """What the suite calls it, `file.py:function`."""
        return self.of_case.name

    def scores(self, outputs: Mapping[str, Array], labels: Array) -> Floats:
        """Return what it makes of each case, (cases, 1 or 2).

        ValueError: it raises, or returns something else than one or two numbers each time.
        """
        found = []
        for index in range(len(labels)):
            given = {name: array[index] for name, array in outputs.items()}
            made = self.of_case(given, labels[index], where=f"case {index}")
            found.append(self._row(made, index))
            if len(found[0]) != len(found[index]):
                raise ValueError(
                    f"{self.name} returned {len(found[0])} numbers for case 0 and"
                    f" {len(found[index])} for case {index}; return as many each time"
                )
        return np.asarray(found, dtype=np.float64)

    def _row(self, made: object, index: int) -> list[float]:
        told = np.asarray(made if isinstance(made, np.ndarray | tuple | list) else [made])
        numbers = told.dtype.kind in "biuf" and told.ndim < 2
        row = told.reshape(-1) if numbers else np.empty(0)
        if row.size not in (1, 2) or np.isinf(row).any():
            shown = repr(made)
            shown = shown if len(shown) <= 40 else f"{shown[:40]}.."
            kind = f"an array of shape {np.shape(made)}" if isinstance(made, np.ndarray) else shown
            raise ValueError(
                f"{self.name} returned {kind} for case {index}; return a finite number, or two, or"
                " NaN where the case does not count"
            )
        return [float(value) for value in row]


def own_metric(name: str, folder: Path, where: str) -> OwnMetric:
    """Return the metric of `file.py:function` below `folder`; ConfigError if it cannot be used."""
    function = own_function(name, folder, where)
    better = getattr(function.function, "higher_is_better", True)
    unit = getattr(function.function, "unit", "")
    if not isinstance(better, bool) or not isinstance(unit, str):
        raise ConfigError(
            f"{where}: {name}: higher_is_better must be True or False, and unit a text"
        )
    return OwnMetric(function, better, unit)


def as_stored(name: str, reading: Reading) -> Metric:
    """Return the metric of what was made of each case; no code of the user's is needed for it."""

    def of(outputs: Array, labels: Array) -> Floats:
        made = np.asarray(outputs, dtype=np.float64)
        return np.where(np.isnan(made).any(axis=1, keepdims=True), np.nan, made)

    better = not reading.lower_is_better
    if reading.columns == 1:
        made = mean_metric(
            name, of, unit=reading.unit, higher_is_better=better, reads=Reads.OWN
        )  # fmt: skip
    else:
        made = summed_metric(
            name,
            of,
            lambda sums: sums[:, 0] / sums[:, 1],
            unit=reading.unit,
            higher_is_better=better,
            reads=Reads.OWN,
        )
    return made


def stand_in(metric: OwnMetric) -> Metric:
    """Return the metric by name, unit and direction, before it is known what it makes of cases."""
    reading = Reading(
        "own", columns=1, unit=metric.unit, lower_is_better=not metric.higher_is_better
    )
    return as_stored(metric.name, reading)
