"""What a run recommends: for each of its devices, and for all of them together; pure."""

from __future__ import annotations

from collections.abc import Sequence

from benchhub.errors import ConfigError, nearest
from benchhub.model.asked import Budget
from benchhub.model.quantities import BUDGET_KEYS, QUANTITIES, Grain
from benchhub.model.row import Results
from benchhub.results.recommend.answer import Recommendation
from benchhub.results.recommend.choose import MARGIN, choose
from benchhub.results.recommend.for_all import one_for_all

#: What is best by default; a limit of a rate asks for the rate instead.
LATENCY, RATE = "p50_ms", "throughput_per_s"
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
    robust: bool = False,
) -> Recommendation:  # fmt: skip
    """Return what to ship, on each device or on those named.

    ConfigError: a device that the run does not have, or a quantity nothing is chosen by.
    """
    objective = objective_of(budgets, by)
    known = {one.name: one for one in results.devices}
    for name in devices:
        if name not in known:
            raise ConfigError(f"device {name} is not in run {results.run.id}{nearest(name, known)}")
    answers = tuple(
        choose(one, [row for row in results.rows if row.device == name], budgets, objective)
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
        tuple(_notes(results, budgets)),
    )


def _notes(results: Results, budgets: Sequence[Budget]) -> list[str]:
    notes = []
    limited = {key for budget in budgets for key in budget.limits}
    if not limited:
        notes.append("no limits were given: what is named is the fastest, whatever it loses")
    elif "quality_loss_max" not in limited and any(row.quality for row in results.rows):
        notes.append("no limit on the loss of quality was given (quality_loss_max)")
    if results.run.effort == "quick":
        notes.append("a quick run decides nothing: run it with --effort standard")
    return notes
