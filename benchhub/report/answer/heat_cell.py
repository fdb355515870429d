"""A field of the heat map: a speed-up with its shade, the verdict's sign, and what is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model.figure import Figure
from benchhub.model.row import Row, Verdict
from benchhub.model.scenario import Scenario
from benchhub.report.tables.points import flags_that_matter
from benchhub.text import number

#: A sign for each verdict, which colour only doubles.
SIGNS = {"PASS": "✓", "INCONCLUSIVE": "?", "FAIL": "✗"}
DOUBTED = "!"
#: From how many times as fast or as slow on a shade is taken, the strongest first.
_STEPS = ((3, 2.0), (2, 1.25), (1, 1.0))


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One device with one variant on one backend.

    `shade` is from -3 (much slower) to 3 (much faster), None where that is not known. `row` is the
    cell that is shown, None where there is none.
    """

    text: str
    below: str = ""
    verdict: str = ""
    shade: int | None = None
    row: Row | None = None
    flags: tuple[str, ...] = ()
    mark: str = ""

    @property
    def sign(self) -> str:
        """The verdict's sign, and that there are doubts."""
        return SIGNS.get(self.verdict, "") + (DOUBTED if self.flags else "")

    @property
    def words(self) -> str:
        """Sign and figure in one."""
        return f"{self.sign} {self.text}".lstrip()


def measured_cell(row: Row, verdicts: Sequence[Verdict]) -> HeatCell:
    """Return the field of a row that was measured, with the worst of the verdicts about it."""
    speedup, main = row["speedup"], row[_main(row)]
    shown = f"{number(main.value)} {_unit(row)}"
    flags = tuple(dict.fromkeys(flag.name for flag in flags_that_matter(row)))
    if speedup.by_definition:
        text, below = "baseline", shown
    elif speedup.value is None:
        text, below = shown, ""
    else:
        text, below = f"{number(speedup.value)}×", shown
    shade = None if row.emulated else shade_of(speedup)
    return HeatCell(text, below, worst(verdicts), shade, row, flags)


def shade_of(speedup: Figure) -> int | None:
    """Return how strongly a speed-up is shaded: not at all where its interval holds 1."""
    if speedup.value is None or speedup.value <= 0:
        return None
    if speedup.by_definition:
        return 0
    told = speedup.low is not None and speedup.high is not None
    if not told or speedup.low <= 1 <= speedup.high:  # type: ignore[operator]
        return 0
    times = max(speedup.value, 1 / speedup.value)
    strength = next(shade for shade, least in _STEPS if times >= least)
    return strength if speedup.value > 1 else -strength


def worst(verdicts: Sequence[Verdict]) -> str:
    """Return the worst outcome of some verdicts; empty: there is none."""
    found = {verdict.outcome.value for verdict in verdicts}
    return next((name for name in ("FAIL", "INCONCLUSIVE", "PASS") if name in found), "")


def about(row: Row, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts on a cell, and those on cells of other scenarios of the same use.

    `verdicts` are of its device, backend and variant.
    """
    return [
        one
        for one in verdicts
        if one.cell == row.cell
        or (
            one.scenario != row.scenario
            and (one.batch == row.batch or one.scenario != Scenario.QUALITY)
        )
    ]


def is_measured(row: Row) -> bool:
    """Return whether a row has what a field shows; a figure of a cell that failed is not shown."""
    return row.status != "failed" and row[_main(row)].value is not None


def is_withheld(row: Row) -> bool:
    """Return whether a row was measured and its figure is not shown."""
    return row.status != "failed" and bool(row[_main(row)].withheld)


def _main(row: Row) -> str:
    return "throughput_per_s" if row.scenario == Scenario.THROUGHPUT else "p50_ms"


def _unit(row: Row) -> str:
    return "/s" if row.scenario == Scenario.THROUGHPUT else "ms"
