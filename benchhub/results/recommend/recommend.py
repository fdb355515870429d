"""What a run recommends: for each of its devices, and for all of them together; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence

from benchhub.errors import ConfigError, nearest
from benchhub.model.asked import Budget
from benchhub.model.cell import FAILED_SKIPS
from benchhub.model.device import DeviceInfo
from benchhub.model.quantities import BUDGET_KEYS, QUANTITIES, Grain
from benchhub.model.request import RunKind
from benchhub.model.row import Results
from benchhub.results.recommend.answer import Recommendation, WhatFailed
from benchhub.results.recommend.choose import MARGIN, choose
from benchhub.results.recommend.finalists import with_left_out
from benchhub.results.recommend.for_all import one_for_all

#: What is best by default; a limit of a rate asks for the rate instead.
LATENCY, RATE = "p50_ms", "throughput_per_s"
QUICK = "a quick run decides nothing: run it with --effort standard"
#: What can be asked to be best: what is measured with an interval, and sizes of files.
OBJECTIVES = tuple(
    one.name
    for one in QUANTITIES.values()
    if one.column
    and (one.budgets or one.name in (LATENCY, "energy_mj", "gzip_bytes"))
    and one.grain is not Grain.QUALITY
)


def objective_of(budgets: Sequence[Budget], by: str = "") -> str:
    """Return the quantity that is to be best; ConfigError for one that cannot be."""
    if by:
        if by not in OBJECTIVES:
            raise ConfigError(f"--by {by}: nothing is chosen by it{nearest(by, OBJECTIVES)}")
        return by
    keys = [BUDGET_KEYS[key][1].name for budget in budgets for key in budget.limits]
    timed = [one for one in keys if QUANTITIES[one].timing]
    return RATE if timed and set(timed) == {RATE} else LATENCY


def recommend(
    results: Results, budgets: Sequence[Budget], by: str = "", devices: Sequence[str] = (),
    robust: bool = False, among: Collection[str] = (),
) -> Recommendation:  # fmt: skip
    """Return what to ship, on each device or on those named; `among` settings, or of all.

    ConfigError: a device that the run does not have, or a quantity nothing is chosen by.
    """
    objective = objective_of(budgets, by)
    known = {one.name: one for one in _devices(results)}
    for name in devices:
        if name not in known:
            raise ConfigError(f"device {name} is not in run {results.run.id}{nearest(name, known)}")
    answers = tuple(
        choose(one, [row for row in results.rows if row.device == name], budgets, objective, among)
        for name, one in known.items()
        if not devices or name in devices
    )
    return Recommendation(
        results.run.id,
        objective,
        MARGIN,
        tuple((one.name, one.limits) for one in budgets if one.limits),
        answers,
        one_for_all(answers, objective) if robust else None,
        tuple(_notes(results, budgets, objective)),
        _failed(results, devices or tuple(known)),
    )


def _failed(results: Results, devices: Collection[str]) -> WhatFailed:
    of_them = [one for one in results.devices if one.name in devices]
    skips = [
        skip
        for skip in results.skips
        if skip.device in devices and skip.reason.kind in FAILED_SKIPS
    ]
    return WhatFailed(
        tuple(r for r in results.rows if r.status == "failed" and r.device in devices),
        {one.name: one.error for one in of_them if one.error},
        tuple(dict.fromkeys(f"{skip.variant} on {skip.backend}" for skip in skips)),
    )


def _devices(results: Results) -> Iterator[DeviceInfo]:
    """Yield the devices of a run, those too that nothing was heard of."""
    yield from results.devices
    heard_of = {one.name for one in results.devices}
    planned = [row.device for row in results.rows] + [skip.device for skip in results.skips]
    for name in dict.fromkeys(planned):
        if name not in heard_of:
            yield DeviceInfo(name, "", emulated=False)


def confirmed(first: Recommendation, again: Sequence[Recommendation]) -> Recommendation:
    """Return a recommendation with the answers of its finalists, which were measured once more."""
    anew = {one.device: one for of in again for one in of.devices}
    devices = tuple(
        with_left_out(one, anew[one.device], first.objective) if one.device in anew else one
        for one in first.devices
    )
    runs = ", ".join(dict.fromkeys(of.run for of in again))
    notes = [one for one in first.notes if one != QUICK]
    if again:
        notes.append(f"the finalists were measured once more: run {runs}")
    for_all = one_for_all(devices, first.objective) if first.for_all is not None else None
    failed = first.failed
    for of in again:
        failed = failed.and_of(of.failed)
    return dataclasses.replace(
        first, devices=devices, for_all=for_all, notes=tuple(notes), failed=failed
    )


def _notes(results: Results, budgets: Sequence[Budget], objective: str) -> list[str]:
    notes = []
    if results.run.status != "done":
        notes.append(f"the run is {results.run.status}: what is not measured yet may be better")
    failed = [one.variant for one in results.skips if one.reason.kind in FAILED_SKIPS]
    if failed:
        notes.append(
            f"not made, or not everywhere, so not looked at: {', '.join(dict.fromkeys(failed))}"
        )
    limited = {key for budget in budgets for key in budget.limits}
    if not limited:
        first = "the fastest" if objective == LATENCY else f"the best by {objective}"
        notes.append(f"no limits were given: what is named is {first}, whatever it loses")
    elif "quality_loss_max" not in limited:
        judged = any(row.quality for row in results.rows)
        unknown = "" if judged else "; nothing is known of it, either"
        notes.append(f"no limit on the loss of quality was given (quality_loss_max){unknown}")
    if results.run.kind is RunKind.IMPORT:
        notes.append("imported: whether its benchmarks do the same work is not known here")
    if results.run.effort == "quick":
        notes.append(QUICK)
    return notes
