"""What a run allows to conclude, as computed sentences: never more than the intervals say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results, Row, Verdict
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.report.compare.files import sentences, would_tell
from benchhub.report.tables.emulated import emulation_words
from benchhub.report.tables.front import (
    Undecided,
    front,
    shown_faster,
    time_ratio,
    undecided,
)
from benchhub.report.tables.points import (
    Configuration,
    comparable,
    disagrees,
    median_ms,
    no_latency,
    points,
)
from benchhub.report.tables.rates import highest_rates
from benchhub.report.tables.unlike import unlike_answers
from benchhub.results.load import failures
from benchhub.results.verdicts.judge import NO_BUDGETS, answer
from benchhub.stats.interval import launches_to_tell
from benchhub.text import estimate, number, plural, shown

#: Of what is not told apart in quality no more are told each by itself.
_MOST_UNDECIDED = 2
WORST_FIRST = (VerdictOutcome.FAIL, VerdictOutcome.INCONCLUSIVE, VerdictOutcome.PASS)


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
    """What the gate answers, of several runs the worst; PASS only if a budget judged each of them.

    ERROR where a cell or device failed, else the worst verdict; NO BUDGETS where nothing is judged.
    """
    verdicts = [verdict for result in results for verdict in result.verdicts]
    left = sum(len(result.unjudged) for result in results)
    said = answer(verdicts, sum(map(failures, results)), left)
    free = any(answer(result.verdicts, 0, len(result.unjudged)) == NO_BUDGETS for result in results)
    return NO_BUDGETS if free and said == VerdictOutcome.PASS else said


def rests_on(result: Results) -> str:
    """What the figures of a run rest on: data, metric, and cases."""
    said = []
    if dataset := result.run.provenance.get("dataset"):
        said.append(f"Data: {dataset}.")
    judged = {(one.metric, one.cases) for row in result.rows if (one := row.quality)}
    said += [f"Quality: {name} on {cases} cases." for name, cases in sorted(judged, key=str)]
    return " ".join(said)


def conclusions(result: Results) -> list[Conclusion]:
    """One per device, in the order of the run."""
    return [Conclusion(device.name, tuple(_device(result, device))) for device in result.devices]


def _device(result: Results, device: DeviceInfo) -> list[str]:
    if device.error:
        return [f"Not measured: {device.error}"]
    rows = [row for row in result.rows if row.device == device.name]
    overhead = _overhead(rows)
    failed = sum(row.status != "finished" for row in rows)
    trouble = [f"{plural(failed, 'cell')} failed; see Failures."] if failed else []
    trouble = [*unlike_answers(rows), *trouble]
    found = points(rows)
    rates = highest_rates(result, device)
    races = [race for race in result.races if race.fastest.device == device.name]
    raced = [f"{sentence}." for sentence in sentences(races)]
    if not found:
        none = [] if raced else [f"{no_latency(rows)}, so nothing can be ranked."]
        return [*none, *raced, *rates, *overhead, *trouble]
    if device.emulated:
        return [
            f"Latencies are {_of_emulation(device)}: they show that the variants run and agree, "
            "and are not ranked, neither among each other nor against real devices.",
            *trouble,
        ]
    found = comparable(found)
    garbage = [point for point in found if disagrees(point.row)]
    sound = [point for point in found if not disagrees(point.row)]
    said = [_garbage(garbage)] if garbage else []
    if sound:
        front = [] if result.run.kind.without_answers else _front(sound)
        said += [*_fastest(result, sound, ranked=not raced), *raced, *front]
    return [*said, *rates, *overhead, *trouble]


def _of_emulation(device: DeviceInfo) -> str:
    return emulation_words(device).replace("emulated: ", "emulated, ")


def _overhead(rows: Sequence[Row]) -> list[str]:
    null = next(
        (row for row in rows if row.calls_nothing and row["p50_ms"].value is not None),
        None,
    )
    if null is None:
        return []
    overhead_us = 1000 * (null["p50_ms"].value or 0.0)
    overhead_us = 1000 * (null["p50_ms"].value or 0.0)
    return [
        f"Harness overhead: null backend p50 {number(overhead_us, 2)} µs a call. "
        "It runs no model, and its share is in every latency."
    ]


def _garbage(garbage: list[Configuration]) -> str:
    names = _listed([point.label for point in garbage])
    return f"Left out, because the outputs disagree with the baseline's: {names}."


def _fastest(result: Results, candidates: list[Configuration], ranked: bool) -> list[str]:
    """Return how many keep the budgets, and unless files are told apart by races the fastest."""
    here = {point.row.device for point in candidates}
    verdicts = [verdict for verdict in result.verdicts if verdict.device in here]
    judged = [(point, _verdicts(verdicts, point)) for point in candidates]
    limited = {verdict.column for _, verdicts in judged for verdict in verdicts}
    total = plural(len(candidates), "configuration")
    if not any(verdicts for _, verdicts in judged):
        return [f"No budget applies. Of {total}, {_rank(candidates)}"] if ranked else []
    kept = [p for p, vs in judged if vs and all(v.outcome is VerdictOutcome.PASS for v in vs)]
    # A budget for 1 thread says nothing of 2: what it does not cover is not shown to keep it.
    held = [p for p, vs in judged if p in kept and {v.column for v in vs} == limited]
    broken = sum(any(v.outcome is VerdictOutcome.FAIL for v in vs) for _, vs in judged)
    unknown = sum(
        {v.outcome for v in vs} <= {VerdictOutcome.PASS, VerdictOutcome.INCONCLUSIVE}
        and any(v.outcome is VerdictOutcome.INCONCLUSIVE for v in vs)
        for _, vs in judged
    )
    partly = len(kept) - len(held)
    free = sum(not vs for _, vs in judged)
    others = [
        f"{count} {words}"
        for count, words in (
            (broken, "break one" if broken > 1 else "breaks one"),
            (unknown, "undecided"),
            (partly, f"{'are' if partly > 1 else 'is'} not covered by every budget"),
            (free, f"{'have' if free > 1 else 'has'} none"),
        )
        if count
    ]
    rest = f" ({', '.join(others)})" if others else ""
    if held:
        said = f"{len(held)} of {total} {'keeps' if len(held) == 1 else 'keep'} all budgets{rest}."
        among = f" Of {'that one' if len(held) == 1 else 'these'}, "
    else:
        said = f"None of {total} is shown to keep all budgets{rest}."
        among = " Regardless of them, "
    return [said + among + _rank(held or candidates)] if ranked else [said]


def _rank(candidates: list[Configuration]) -> str:
    best, *rest = sorted(candidates, key=lambda p: (median_ms(p), p.label))
    text = f"the lowest median latency is {_measured(best)}."
    ties = [point for point in rest if not shown_faster(best.row, point.row)]
    if ties:
        listed = _listed([_measured(point) for point in ties])
        text += f" Which is fastest cannot be told: no difference is shown to {listed}."
        text += _launches_to_tell(best, ties[0])
    return text


def _launches_to_tell(best: Configuration, nearest: Configuration) -> str:
    ratio = time_ratio(nearest.row, best.row)
    if ratio is None or ratio.low is None or ratio.high is None:
        return " More launches of each may tell."
    needed = launches_to_tell(ratio)
    said = f"{nearest.label} takes {estimate(ratio.estimate, ratio.low, ratio.high)} times as long"
    return f" {said}{':' if needed is None else ';'} {would_tell(needed)}."


def _front(candidates: list[Configuration]) -> list[str]:
    found = front(candidates)
    if not found:
        return [f"Speed cannot be weighed against loss of quality: {_unjudged(candidates)}."]
    listed = _listed([_measured(p, with_loss=True) for p in found], most=4)
    metric = next(p.quality.column("quality_metric") for p in found if p.quality)
    said = [
        f"Best trade-offs by their intervals, loss in {metric or 'quality'}: {listed}. "
        "What is shown to be faster than one of these is shown to lose more."
    ]
    left = undecided(candidates)
    said += [_undecided(one) for one in left[:_MOST_UNDECIDED]]
    if len(left) > _MOST_UNDECIDED:
        more = plural(len(left) - _MOST_UNDECIDED, "more configuration")
        said.append(f"Of {more} no lower loss is shown than of a faster one.")
    return said


def _unjudged(candidates: list[Configuration]) -> str:
    """Return why no configuration has a loss, which may have been judged at another batch."""
    told = dict.fromkeys(point.row["quality"].withheld for point in candidates)
    return "; ".join(filter(None, told)) or "it was not measured"


def _undecided(one: Undecided) -> str:
    slower, faster = _measured(one.point, with_loss=True), _measured(one.faster, with_loss=True)
    told = f"Not told apart in quality: {slower}, and the faster {faster}."
    if one.cases is None:
        return f"{told} More cases may tell whether the slower one loses less."
    return f"{told} If the losses stay so, about {one.cases:,} cases would tell."


def _measured(point: Configuration, with_loss: bool = False) -> str:
    row, quality = point.row, point.quality
    text = f"{point.label} ({shown(row['p50_ms'])} ms"
    if with_loss and quality:
        loss = quality["quality_loss"]
        text += ", the baseline" if loss.by_definition else f", loss {shown(loss)}"
    return text + ")"


def _verdicts(verdicts: Sequence[Verdict], point: Configuration) -> list[Verdict]:
    """Verdicts on this cell, and on cells of other scenarios of the same configuration."""
    row = point.row
    return [
        v
        for v in verdicts
        if v.cell == row.cell
        or (
            (v.device, v.variant, v.backend) == (row.device, row.variant, row.backend)
            and v.scenario != row.scenario
            and (v.batch == row.batch or v.scenario != Scenario.QUALITY)
        )
    ]


def _listed(names: list[str], most: int = 3) -> str:
    shown = "; ".join(names[:most])
    return shown + (f"; and {len(names) - most} more" if len(names) > most else "")
