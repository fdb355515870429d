"""What a page can be narrowed down by: the choices there are, and what each line is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchhub.model.row import Results, Row
from benchhub.report.answer.heat_cell import worst

#: What stands for a cell that no budget is about.
NO_VERDICT = "none"
_NAMES = ("device", "backend", "variant", "scenario", "verdict", "threads")


@dataclass(frozen=True, slots=True)
class Facets:
    """The choices of each facet by name, in the order of a report, and every row's own.

    A line of a page has them by their places, `0 1 7 0 2 0`; `-` is none.
    """

    choices: Mapping[str, tuple[str, ...]]
    verdicts: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def shown(self) -> dict[str, tuple[str, ...]]:
        """Those in which there is anything to choose."""
        return {name: values for name, values in self.choices.items() if len(values) > 1}

    def of(self, row: Row) -> str:
        """Return the places of a row."""
        verdict = self.verdict(row)
        return self.places(
            row.device, row.backend, row.variant, row.scenario, verdict, str(row.threads)
        )

    def verdict(self, row: Row) -> str:
        """Return the worst verdict on a row's own cell."""
        return self.verdicts.get((row.run, row.cell), NO_VERDICT)

    def places(self, *values: str) -> str:
        """Return the places of values in the order of the facets; an empty one has none."""
        found = []
        for name, value in zip(_NAMES, values, strict=True):
            known = self.choices[name]
            found.append(str(known.index(value)) if value in known else "-")
        return " ".join(found)


def facets(results: Sequence[Results]) -> Facets:
    """Return what the rows and skips of some runs can be narrowed down by."""
    rows = [row for result in results for row in result.rows if row.runs_model]
    skips = [skip for result in results for skip in result.skips]
    by_cell: dict[tuple[str, str], list[object]] = {}
    for result in results:
        for verdict in result.verdicts:
            by_cell.setdefault((result.run.id, verdict.cell), []).append(verdict)
    verdicts = {key: worst(found) for key, found in by_cell.items()}  # type: ignore[arg-type]
    known = {*verdicts.values(), *([NO_VERDICT] if len(verdicts) < len(rows) else [])}
    return Facets(
        {
            "device": _once(
                [device.name for result in results for device in result.devices]
                + [row.device for row in rows]
            ),
            "backend": _once([row.backend for row in rows] + [skip.backend for skip in skips]),
            "variant": _once(
                [variant.name for result in results for variant in result.variants]
                + [row.variant for row in rows]
                + [skip.variant for skip in skips]
            ),
            "scenario": _once([row.scenario for row in rows]),
            "verdict": tuple(
                one for one in ("FAIL", "INCONCLUSIVE", "PASS", NO_VERDICT) if one in known
            ),
            "threads": tuple(map(str, sorted({row.threads for row in rows}))),
        },
        verdicts,
    )


def _once(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, values)))
