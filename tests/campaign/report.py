"""The counts of a campaign as markdown and JSON: by fault, by device, and every finding."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from campaign.checks import KINDS
from campaign.faults import ALL
from campaign.outcome import Outcome

_HEAD = (
    "fault", "scenarios", "struck", "launches planned", "done", "failed by name", "doubled",
    "wrong cell", "lost", "done at last", "left running", "left locked", "findings",
)  # fmt: skip


def markdown(found: Sequence[Outcome], how: Mapping[str, str]) -> str:
    """Return the page; `how` names command, date and machine."""
    played = [one for one in found if not one.left_out]
    by_fault = [(fault.name, [one for one in played if fault.name in one.faults]) for fault in ALL]
    lines = [
        "# Fault campaign\n",
        "Seeded scenarios, each a short run of one to five devices while one fault strikes, or two."
        " Afterwards every planned launch must have finished once or have a failure with a name;"
        " then all is mended, and a last controller must bring every launch to its end. What is"
        " looked at, and how, is told in [CONTRIBUTING](../../CONTRIBUTING.md). Written by"
        f" `{how['command']}`, {how['date']}, {how['machine']}.\n",
        *(f"- {line}" for line in sums(found)),
        "",
        "A scenario with two faults counts in the lines of both.\n",
        _row(_HEAD),
        f"|{' --- |' * len(_HEAD)}",
        *(_row((name, *_counted(of, name))) for name, of in by_fault),
        _row(("all scenarios, each once", *_counted(played))),
        "",
        "## Devices\n",
        "| kind | devices |",
        "| --- | --- |",
        *(f"| {kind} | {count} |" for kind, count in _devices(played)),
        "",
        "## Left out\n",
        *(_left_out(found) or ["Nothing."]),
        "",
        "## Findings\n",
        *(_findings(played) or ["None."]),
    ]
    return "\n".join(lines) + "\n"


def sums(found: Sequence[Outcome]) -> list[str]:
    """Return the sums, a line each."""
    played = [one for one in found if not one.left_out]
    bad = [one for one in played if one.findings]
    planned = sum(one.counts.planned for one in played)
    done, last = sum(one.counts.done for one in played), sum(one.at_last for one in played)
    trees = Counter(one.of or "an unknown tree" for one in found)
    return [
        f"{len(played)} of {len(found)} scenarios played, {len(found) - len(played)} left out;"
        f" {len(bad)} with findings",
        f"{planned} launches planned: {done} done before anything was mended,"
        f" {sum(one.counts.named for one in played)} failed by name,"
        f" {sum(one.counts.lost for one in played)} lost; {last} done at last",
        f"{sum(one.counts.doubled for one in played)} doubled,"
        f" {sum(one.counts.wrong for one in played)} under a wrong cell,"
        f" {sum(one.running for one in played)} processes and"
        f" {sum(one.locked for one in played)} locks left",
        f"{sum(one.controllers for one in played)} controllers in"
        f" {sum(one.took_s for one in played) / 3600:.1f} hours of scenarios",
        f"of {', '.join(f'{tree} ({count})' for tree, count in sorted(trees.items()))}",
    ]


def as_json(found: Iterable[Outcome], how: Mapping[str, str]) -> str:
    """Return every outcome, and how they came about."""
    known = {"how": dict(how), "outcomes": [dataclasses.asdict(one) for one in found]}
    return json.dumps(known, indent=1) + "\n"


def line(one: Outcome) -> str:
    """Return an outcome as a line for who waits."""
    if one.left_out:
        return f"{one.seed}: left out: {one.left_out}"
    counts = one.counts
    told = f"{counts.done} + {counts.named} of {counts.planned}, then {one.at_last}"
    unmet = [name for name in one.faults if name not in one.struck]
    told += f", {' and '.join(unmet)} came too late" if unmet else ""
    return f"{one.seed}: {'; '.join(one.told)}: {told}, {one.took_s:.1f} s{_listed(one.findings)}"


def _listed(findings: Sequence[str]) -> str:
    return "".join(f"\n    {one}" for one in findings)


def _counted(of: Sequence[Outcome], fault: str = "") -> tuple[object, ...]:
    """Return the cells of a line; what no scenario was played of is empty, not 0."""
    if not of:
        return (0, *[""] * (len(_HEAD) - 2))
    each: tuple[Callable[[Outcome], int], ...] = (
        lambda one: 1,
        lambda one: fault in one.struck if fault else bool(one.struck),
        lambda one: one.counts.planned,
        lambda one: one.counts.done,
        lambda one: one.counts.named,
        lambda one: one.counts.doubled,
        lambda one: one.counts.wrong,
        lambda one: one.counts.lost,
        lambda one: one.at_last,
        lambda one: one.running,
        lambda one: one.locked,
        lambda one: len(one.findings),
    )
    return tuple(sum(map(count, of)) for count in each)


def _devices(played: Iterable[Outcome]) -> list[tuple[str, int]]:
    kinds = Counter(
        text.partition(" ")[2].rpartition(", ")[0] for one in played for text in one.devices
    )
    return sorted(kinds.items())


def _left_out(found: Iterable[Outcome]) -> list[str]:
    reasons = Counter(one.left_out for one in found if one.left_out)
    return [f"- {count}: {reason}" for reason, count in reasons.most_common()]


def _findings(played: Iterable[Outcome]) -> list[str]:
    found = []
    for kind, meaning in KINDS.items():
        seeds = [one.seed for one in played if any(f.startswith(f"{kind}: ") for f in one.findings)]
        if seeds:
            found.append(f"- {kind} ({meaning}): seeds {', '.join(map(str, seeds))}")
    return found


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
