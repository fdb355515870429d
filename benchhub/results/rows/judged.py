"""What the outputs of cells are worth: how far from the reference, and of which quality; pure.

Quality is measured in the quality cell of a (device, backend, variant, batch) and shown in the
other rows of that batch too; the provenance of a row says from which cell it comes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchhub.model.asked import Agreement
from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo
from benchhub.model.figure import Figure, Interval
from benchhub.model.flag import WRONG_OUTPUTS, Flag, FlagKind
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey
from benchhub.results.rows.agreement import agreement, common_cases
from benchhub.results.rows.alike import Apart, Artifact, artifact_of
from benchhub.results.rows.judging import Group, JudgedQuality, is_base, is_reference
from benchhub.results.rows.launch_values import NS_PER_MS
from benchhub.results.rows.quality.outputs_read import box_reading, compared
from benchhub.results.rows.quality.same_boxes import same_boxes
from benchhub.stats.interval import median_interval

#: What to do about answers that hang on a case's place.
_AXIS = "cases run along another axis of its file: say which with batch_axis"


@dataclass(frozen=True, slots=True)
class Agreed:
    """How far outputs lie from the reference, and what to doubt for that."""

    max_abs: float | None = None
    relative: float | None = None
    flags: tuple[Flag, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether they may be counted on as a baseline."""
        return not any(flag.name in WRONG_OUTPUTS for flag in self.flags)


def agreed(
    launches: Sequence[Launch],
    answer_key: AnswerKey,
    limits: Agreement,
    approximates: str = "",
) -> Agreed:
    """Return the worst agreement of `launches`, with flags where their outputs are garbage.

    They are held against the controller's answers of the variant that they approximate; empty: the
    baseline's. Where these vary from call to call, lying apart from them makes nothing garbage; nor
    does finding the same boxes in another order. What no metric reads and varies is left out. Of
    one that is to approximate what the reference device did not answer nothing is known.
    """
    own = answer_key.own.get(approximates)
    reference, spreads, cases = answer_key.reference, answer_key.spreads, None
    if own is not None:
        reference, spreads, cases = own.outputs, own.spreads, common_cases(own.outputs)
    reference, spreads = compared(reference, answer_key), compared(spreads, answer_key)
    found = [
        agreement(
            [array[:cases] for array in compared(launch.outputs, answer_key)], reference, spreads
        )
        for launch in launches
        if launch.outputs
    ]
    whose = "the baseline" if own is None else approximates
    flags = []
    alone = approximates and own is None and answer_key.measured is not None
    if alone or not found:
        return Agreed()
    worst_abs, worst = max(one[0] for one in found), max(one[1] for one in found)
    if not math.isfinite(worst_abs):
        evidence = f"outputs are not finite, or of another shape than {whose}'s"
        flags.append(Flag(FlagKind.NONFINITE, evidence, caps=True))
    far = worst > limits.max_relative and not (own is None and answer_key.varying)
    if far and not (own is None and _same_boxes(launches, answer_key, limits)):
        evidence = (
            f"outputs lie {worst:.2g} of the reference's spread from {whose}'s"
            f" (limit {limits.max_relative:g}; worst of {len(found)} launches)"
        )
        flags.append(Flag(FlagKind.GARBAGE, evidence, caps=True))
    return Agreed(worst_abs, worst, tuple(flags))


def misplaced_flag(misplaced: Apart) -> Flag:
    """Return the doubt that answers hang on a case's place in its batch, beyond rounding."""
    return Flag(FlagKind.PLACE_DEPENDENT, f"{moved(misplaced)}; {_AXIS}", caps=True)


def moved(misplaced: Apart) -> str:
    """Return in words how far answers lie off in another order of the same cases."""
    return f"in another order of the same cases its answers lie {misplaced.text} off"


def _same_boxes(launches: Sequence[Launch], answer_key: AnswerKey, limits: Agreement) -> bool:
    """Return whether all launches found what the baseline finds, if in other rows."""
    reading = box_reading(answer_key)
    if reading is None:
        return False
    aside = answer_key.uncompared
    return all(
        same_boxes(launch.outputs, answer_key.reference, reading, limits.max_relative, aside)
        for launch in launches
        if launch.outputs
    )


def below_chance(quality: JudgedQuality, allowed: bool) -> Flag | None:
    """Return the doubt that the baseline is no better than one answer for all cases, if it is.

    It keeps budgets of quality from being PASS unless that is `allowed`, or it is only a further
    metric that says so.
    """
    first = [quality.first] if quality.first else []
    said = [one for one in (*first, *quality.also.values()) if one.below_chance]
    if not said:
        return None
    told = "; ".join(
        f"{one.metric} of the baseline is {one.baseline:.4g}, and one answer for all cases has"
        f" {one.chance:.4g}"
        for one in said
    )
    evidence = f"{told}: see that labels and outputs are of the same things, in the same order"
    return Flag(FlagKind.BELOW_CHANCE, evidence, caps=said[0] in first and not allowed)


def postprocessing(launches: Sequence[Launch], device: DeviceInfo | None) -> Figure | None:
    """Return how long the task's own part of an answer takes, where the device is the controller.

    It is timed on the controller, so it says nothing of another machine.
    """
    timed = [launch.postprocess_ns for launch in launches if launch.postprocess_ns.size]
    if not timed or device is None or device.transport != "local":
        return None
    found = median_interval(np.concatenate(timed).tolist())
    low, high = (None if end is None else end / NS_PER_MS for end in (found.low, found.high))
    interval = Interval(low, high, found.method, found.confidence, cases=found.n)
    return Figure(found.estimate / NS_PER_MS, interval)


def group_of(cell: Cell) -> Group:
    """Return what a cell's outputs depend on."""
    return artifact_of(cell), cell.batch


def varies(
    artifact: Artifact, baseline: str, answer_key: AnswerKey, varying: Mapping[Artifact, Apart]
) -> str:
    """Return in what way an artifact's answers vary, or its baseline's; empty: neither do."""
    if answer_key.varying:
        return f"the baseline's answers vary from call to call by {answer_key.varying}"
    own = varying.get(artifact)
    if own is not None:
        return f"its answers vary from call to call by {own.text}"
    base = next(
        (
            apart
            for of, apart in varying.items()
            if is_base(of, artifact, baseline) or is_reference(of, answer_key, baseline)
        ),
        None,
    )
    return f"the baseline's answers vary from call to call by {base.text}" if base else ""
