"""What a comparison of runs says of each cell, in words that its formats share; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from benchhub.report.gate.again import again_told
from benchhub.report.gate.entries import cell_words
from benchhub.results.compare.conditions import Difference, DifferenceKind, obstacles
from benchhub.results.compare.moves import Change, Move
from benchhub.results.compare.runs import CellComparison, RunComparison, State
from benchhub.text import number, plural

OVERALL: Mapping[int, str] = {
    0: "NOTHING REGRESSED",
    1: "REGRESSED",
    3: "FAILED",
    4: "CANNOT BE TOLD",
}
METHOD = (
    "Launches of two runs are not paired: ratios are Hodges-Lehmann shifts of logs with rank-sum"
    " intervals (from 8 launches a side; else geometric means with Welch's interval), quality is"
    " paired case by case; 95 %. What blocks is adjusted by Holm (.05), what is named by"
    " Benjamini-Hochberg (.10)."
)


def overall(comparison: RunComparison) -> str:
    """The answer in a word or three."""
    return OVERALL[comparison.exit_code]


def counted(comparison: RunComparison) -> str:
    """`1 regressed, 3 unchanged, 2 cells only before`."""
    tally = Counter(move.change for cell in comparison.cells for move in cell.moves)
    said = [f"{tally[change]} {change}" for change in Change if tally[change]]
    states = Counter(cell.state for cell in comparison.cells if cell.state is not State.COMPARED)
    said += [f"{plural(count, 'cell')} {state}" for state, count in states.items()]
    return ", ".join(said)


def closing(comparison: RunComparison) -> str:
    """Return what to do about it."""
    one, other = comparison.before.run, comparison.after.run
    if comparison.exit_code == 0:
        return "Nothing got worse by the margin or more. There is nothing to do."
    if comparison.exit_code == 3:
        return (
            "A cell that was measured before fails now. Fix its cause, then"
            f" `benchhub run --rerun-failed {other.id}` and compare again."
        )
    if comparison.exit_code == 1:
        return (
            "Find out what did it: measure old and new side by side with `benchhub ab`, which also"
            " rules out that it was the day."
        )
    if any(m.change is Change.NOT_COMPARABLE for c in comparison.cells for m in c.moves):
        return (
            f"Measure again with {again_told(one)} under the conditions of run {one.id}. Where the"
            " model, the backend or the system is what you ask about, say so: --question model,"
            " backend, system, or stack for all three."
        )
    return (
        "Neither a regression nor its absence is shown. Measure with more launches"
        " (--effort rigorous), or side by side with `benchhub ab`; a wider --margin asks less."
    )


def where(cell: CellComparison) -> str:
    """The cell in words, with its device."""
    row = cell.row
    return f"{row.device}{' (emulated)' if row.emulated else ''}: {cell_words(row)}"


def figures(move: Move) -> str:
    """`12.1 → 13.9 ms`; empty where nothing was measured."""
    if move.before is None and move.after is None:
        return ""
    shown = [number(v, 4 if move.difference else 3) or "?" for v in (move.before, move.after)]
    unit = f"{move.unit}" if move.unit == "/s" else f" {move.unit}"
    return f"{shown[0]} → {shown[1]}{unit}".rstrip()


def effect(move: Move) -> str:
    """`+14.9 % [+9.1, +21.0]`, of quality the points gained or lost; empty where unknown."""
    if move.effect is None or move.low is None or move.high is None:
        return ""
    if move.difference:
        low, high = sorted((-move.low, -move.high))
        return f"{-move.effect + 0.0:+.4f} [{low + 0.0:+.4f}, {high + 0.0:+.4f}]"
    value, low, high = (100 * (x - 1) for x in (move.effect, move.low, move.high))
    places = 1 if max(abs(value), high - low) >= 1 else 2
    shown = [f"{round(x, places) + 0.0:+.{places}f}" for x in (value, low, high)]
    return f"{shown[0]} % [{shown[1]}, {shown[2]}]"


def launches(move: Move) -> str:
    """`10 and 12 launches`; nothing where cases count and not launches."""
    if move.difference:
        return ""
    return f"{move.launches_before} and {plural(move.launches_after, 'launch')}"


def changes(comparison: RunComparison) -> list[tuple[Difference, bool]]:
    """Return what differs, and whether it forbids comparing; obstacles first, then by kind."""
    found = list(comparison.differences)
    known = {(one.where, one.what) for one in found}
    for cell in comparison.cells:
        for one in cell.differences:
            # Settings are told with their cells; the rest once, as the first cell shows it.
            if one.kind is not DifferenceKind.SETTINGS and (one.where, one.what) not in known:
                known.add((one.where, one.what))
                found.append(one)
    told = [(one, forbids(comparison, one)) for one in found]
    order = list(DifferenceKind)
    return sorted(told, key=lambda pair: (not pair[1], order.index(pair[0].kind), pair[0].where))


def forbids(comparison: RunComparison, difference: Difference) -> bool:
    """Whether this difference alone makes something not comparable."""
    return bool(obstacles([difference], comparison.question, [difference.reach]))
