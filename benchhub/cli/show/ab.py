"""What an A/B found, for the terminal, for scripts and as an exit code."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from benchhub.report.tables.table import Table
    from benchhub.results.load import Judged
    from benchhub.results.load_ab import ABComparison, Side
    from benchhub.stats.paired_ab import ABDecision, Effect

_COLOURS = {
    "regressed": "red", "improved": "green", "equivalent": "green", "inconclusive": "yellow",
}  # fmt: skip
_MARKS = {
    "regressed": "fail", "improved": "pass", "equivalent": "pass", "inconclusive": "inconclusive",
}  # fmt: skip
_EXIT = {"regressed": 1, "improved": 0, "equivalent": 0, "inconclusive": 4}


def verdict(found: ABComparison) -> str:
    """Return the one word that the exit code stands for."""
    if found.emulated or found.decision.change is None:
        return "inconclusive"
    return str(found.decision.change)


def exit_code(found: ABComparison, judged: Judged | None = None) -> int:
    """Return 3 where a side could not be measured, else the worse of the verdict and of limits."""
    codes = {_EXIT[verdict(found)], judged.exit_code if judged else 0}
    codes |= {3} if found.a.failure or found.b.failure else set()
    return next((code for code in (3, 1, 4) if code in codes), 0)


def show(found: ABComparison, delta: float, judged: Judged | None = None) -> None:
    """Print the verdict, the effects beside both sides and how B keeps its limits to stdout."""

    from benchhub.cli.show.results import print_gate
    from benchhub.cli.show.say import say, stdout
    from benchhub.cli.show.table import print_table

    console = stdout()
    for letter, side in (("A", found.a), ("B", found.b)):
        if side.failure:
            say(console, "red", f"{letter}, {side.variant.name}, failed in {side.failure}")
    word = verdict(found)
    say(console, _COLOURS[word], f"{word.upper()}: {_reason(found)}")
    decision = found.decision
    if decision.effects and found.a.typical_ms and found.b.typical_ms:
        print_table(console, _table(found, decision), also="`--json`")
        console.print()
    _advise(console, found, delta)
    if judged is not None:
        print_gate(console, judged)


def _table(found: ABComparison, decision: ABDecision) -> Table:
    """Both sides' statistics, what B is to A, and what follows of each."""
    from benchhub.report.tables.table import Column, TableCell, listing
    from benchhub.text import number

    cell = found.a.cell
    caption = (
        f"{cell.device} {cell.backend} batch {cell.batch} threads {cell.threads},"
        f" {decision.pairs} pairs of launches; A: {found.a.variant.name},"
        f" B: {found.b.variant.name}"
    )
    confidence = 100 * decision.effects[0].ratio.confidence
    heads = ("A ms", "B ms", "B to A", f"{confidence:.3g} % interval")
    columns = [Column(""), *(Column(head, numeric=True) for head in heads), Column("")]
    body = [
        (
            effect.statistic,
            number(found.a.typical_ms[effect.statistic]),
            number(found.b.typical_ms[effect.statistic]),
            f"{effect.ratio.estimate - 1:+.2%}",
            _limits(effect),
            TableCell(str(effect.change), mark=_MARKS[effect.change]),
        )
        for effect in decision.effects
    ]
    return listing("ab", caption, columns, body)


def _limits(effect: Effect) -> str:
    low, high = effect.ratio.low, effect.ratio.high
    return "" if low is None or high is None else f"{low - 1:+.2%} to {high - 1:+.2%}"


def _reason(found: ABComparison) -> str:
    if found.a.failure or found.b.failure:
        return "a side could not be measured"
    if found.emulated:
        return f"the device is emulated, its times say nothing; {found.decision.reason}"
    return found.decision.reason


def _advise(console: Console, found: ABComparison, delta: float) -> None:
    from benchhub.cli.show.say import say
    from benchhub.text import number

    word = verdict(found)
    for name in _others_regressed(found.decision, word):
        say(console, "yellow", f"{name} alone regressed; judge by it with --statistic {name}")
    if word == "inconclusive" and not (found.a.failure or found.b.failure or found.emulated):
        say(
            console, "yellow",
            f"next: quiet the device, raise --iterations (now {found.a.cell.iterations}), or accept"
            f" more with --delta (now {delta:g})",
        )  # fmt: skip
    for flag in found.doubts:
        say(console, "yellow", f"{flag.name}: {flag.evidence}")
    if found.a.variant.sha256 == found.b.variant.sha256:
        say(console, "dim", "A and B are the same file: what differs is noise")
    elif found.outputs_differ is not None:
        how = "cannot be compared, their shapes or values differ too much"
        if math.isfinite(found.outputs_differ):
            how = f"differ by at most {number(found.outputs_differ)}"
        say(console, "dim", f"the outputs of A and B {how}")
    say(console, "dim", f"raw samples: run {found.run}, `benchhub report {found.run}`")


def _others_regressed(decision: ABDecision, word: str) -> list[str]:
    """Return the other statistics that got slower, held to them all being looked at (Holm)."""
    from benchhub.stats.many import holm

    if word == "regressed" or not decision.effects:
        return []
    adjusted = holm([effect.p_value for effect in decision.effects])
    return [
        effect.statistic
        for effect, p_value in zip(decision.effects, adjusted, strict=True)
        if effect.change == "regressed" and p_value <= 1 - effect.ratio.confidence
    ]


def plain(found: ABComparison, judged: Judged | None = None) -> dict[str, Any]:
    """Return a comparison as JSON types; times in milliseconds, ratios of B to A."""
    from benchhub.report.plain import plain as as_json

    decision = found.decision
    differ = found.outputs_differ
    return {
        "schema": 1,
        "run": found.run,
        "device": found.a.cell.device,
        "backend": found.a.cell.backend,
        "batch": found.a.cell.batch,
        "threads": found.a.cell.threads,
        "a": _plain_side(found.a),
        "b": _plain_side(found.b),
        "verdict": verdict(found),
        "reason": _reason(found),
        "pairs": decision.pairs,
        "iterations": decision.iterations,
        "warmup_dropped": found.dropped,
        "emulated": found.emulated,
        "effects": [
            {
                "statistic": effect.statistic,
                "ratio": effect.ratio.estimate,
                "ratio_low": effect.ratio.low,
                "ratio_high": effect.ratio.high,
                "confidence": effect.ratio.confidence,
                "p_value": effect.p_value,
                "verdict": str(effect.change),
            }
            for effect in decision.effects
        ],
        "flags": [{"name": f.name, "evidence": f.evidence} for f in found.doubts],
        "outputs_max_abs_difference": differ if differ is None or math.isfinite(differ) else None,
        "budget": judged.overall if judged else None,
        "budget_verdicts": as_json(judged.verdicts) if judged else [],
    }


def _plain_side(side: Side) -> dict[str, Any]:
    return {
        "model": side.variant.path.name,
        "sha256": side.variant.sha256,
        "launches": len(side.launches),
        **{f"{name}_ms": value for name, value in side.typical_ms.items()},
        "failure": side.failure,
    }
