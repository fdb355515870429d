"""What a run allows to conclude, as computed sentences: never more than the intervals say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model import DeviceInfo, Results, Verdict, VerdictOutcome
from benchhub.report.formats.points import Point, disagrees, overlap, pareto, points
from benchhub.report.formats.text import estimate, plural

WORST_FIRST = (VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE, VerdictOutcome.PASS)
EMULATED = "emulated instruction time"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What to say about one device."""

    device: str
    sentences: tuple[str, ...]


def counts(results: Sequence[Results]) -> dict[str, int]:
    """How many verdicts of each kind, worst first."""
    seen = Counter(verdict.outcome for result in results for verdict in result.verdicts)
    return {outcome.value: seen[outcome] for outcome in WORST_FIRST}


def overall(results: Sequence[Results]) -> str:
    """The worst verdict of all, or `NO BUDGETS`."""
    return next((name for name, count in counts(results).items() if count), "NO BUDGETS")


def conclusions(result: Results) -> list[Conclusion]:
    """One per device, in the order of the run."""
    return [Conclusion(device.name, tuple(_device(result, device))) for device in result.devices]


def _device(result: Results, device: DeviceInfo) -> list[str]:
    if device.error:
        return [f"Not measured: {device.error}"]
    rows = [row for row in result.rows if row.device == device.name]
    failed = sum(row.status != "finished" for row in rows)
    trouble = [f"{plural(failed, 'cell')} failed; see Failures."] if failed else []
    found = points(rows)
    if not found:
        return ["No latency was measured, so nothing can be ranked.", *trouble]
    if device.emulated:
        return [
            f"Latencies are {EMULATED}: they show that the variants run and agree, and are not "
            "ranked, neither among each other nor against real devices.",
            *trouble,
        ]
    garbage = [point for point in found if disagrees(point.row)]
    sound = [point for point in found if not disagrees(point.row)]
    said = [_garbage(garbage)] if garbage else []
    if sound:
        said += [_fastest(result, sound), *_front(sound)]
    return [*said, *trouble]


def _garbage(garbage: list[Point]) -> str:
    names = _listed([point.label for point in garbage])
    return f"Left out, because the outputs disagree with the baseline's: {names}."


def _fastest(result: Results, candidates: list[Point]) -> str:
    judged = [(point, _verdicts(result, point)) for point in candidates]
    total = plural(len(candidates), "configuration")
    if not any(verdicts for _, verdicts in judged):
        return f"No budget applies. Of {total}, {_rank(candidates)}"
    kept = [p for p, vs in judged if vs and all(v.outcome is VerdictOutcome.PASS for v in vs)]
    if kept:
        verb = "keeps" if len(kept) == 1 else "keep"
        return f"{len(kept)} of {total} {verb} every budget; among these, {_rank(kept)}"
    broken = sum(any(v.outcome is VerdictOutcome.FAIL for v in vs) for _, vs in judged)
    return (
        f"None of {total} is shown to keep every budget ({broken} break one, for the others it "
        f"cannot be told). Regardless of budgets, {_rank(candidates)}"
    )


def _rank(candidates: list[Point]) -> str:
    best, *rest = sorted(candidates, key=lambda p: (p.row.p50_ms or 0.0, p.label))
    text = f"the lowest median latency is {_measured(best)}."
    ties = [point for point in rest if overlap(best.row, point.row)]
    if ties:
        listed = _listed([_measured(point) for point in ties])
        text += f" Which is fastest cannot be told: the intervals overlap with {listed}."
    return text


def _front(candidates: list[Point]) -> list[str]:
    front = pareto(candidates)
    if not front:
        return ["Quality loss was not measured, so speed cannot be weighed against it."]
    listed = _listed([_measured(p, with_loss=True) for p in front], most=4)
    return [f"By the point estimates, nothing beats these in both speed and quality: {listed}."]


def _measured(point: Point, with_loss: bool = False) -> str:
    row, quality = point.row, point.quality
    text = f"{point.label} ({estimate(row.p50_ms, row.p50_low_ms, row.p50_high_ms)} ms"
    if with_loss and quality:
        loss = estimate(quality.quality_loss, quality.quality_loss_low, quality.quality_loss_high)
        text += f", loss {loss}"
    return text + ")"


def _verdicts(result: Results, point: Point) -> list[Verdict]:
    """Verdicts on this cell, and on cells of other scenarios of the same configuration."""
    row = point.row
    return [
        v
        for v in result.verdicts
        if v.cell == row.cell
        or (
            (v.device, v.variant, v.backend) == (row.device, row.variant, row.backend)
            and v.scenario != row.scenario
        )
    ]


def _listed(names: list[str], most: int = 3) -> str:
    shown = "; ".join(names[:most])
    return shown + (f"; and {len(names) - most} more" if len(names) > most else "")
