"""Holds rows against budgets; pure.

`verdict` says how one row is judged, `rates` how a sweep of rates is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchhub.errors import ConfigError, nearest
from benchhub.model.asked import Budget
from benchhub.model.cell import Cell, Plan, Skip
from benchhub.model.flag import FlagKind
from benchhub.model.row import Row, Verdict
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.results.verdicts.limits import Limit, limits_of
from benchhub.results.verdicts.one_row import judge_row
from benchhub.results.verdicts.rates import judge_rates

#: The words for an exit code of the gate. ERROR: a device or a cell failed.
OVERALL: Mapping[int, str] = {0: "PASS", 1: "FAIL", 3: "ERROR", 4: "INCONCLUSIVE"}
#: The word where no budget was applied to anything.
NO_BUDGETS = "NO BUDGETS"


def judge(rows: Sequence[Row], budgets: Sequence[Budget]) -> tuple[Verdict, ...]:
    """Return a verdict for every entry of every budget and every cell it applies to.

    An entry applies to the cells of its own scenario; where a matching (device, backend, variant)
    has none of that scenario, to any of its cells that measured the column; where nothing did, one
    INCONCLUSIVE verdict says so. One of a loss applies to each batch, too, whose answers are others
    and were not judged: INCONCLUSIVE. The null backend runs no model, so no budget applies to it.
    Where a budget asks for a paced rate, each sweep of rates gets one verdict, not each rate.
    """
    return tuple(
        verdict
        for budget in budgets
        for limit in limits_of(budget)
        for group in _groups(rows, budget)
        for verdict in _verdicts(group, budget, limit)
    )


def unjudged(
    budgets: Sequence[Budget], verdicts: Sequence[Verdict], cells: Sequence[Cell]
) -> tuple[str, ...]:
    """Return the budgets that planned `cells` match and that got no verdict, by name.

    So too with each device, variant and backend that a budget names, as `CANARY (backend tflite)`.
    The cells became skips when a device turned out to lack their backend: nothing was shown.
    """
    found = []
    for budget in budgets:
        mine = [verdict for verdict in verdicts if verdict.budget == budget.name]
        planned = [cell for cell in cells if cell.runs_model and selects(budget, cell)]
        if not planned or not budget.limits:
            continue
        if not mine:
            found.append(budget.name)
            continue
        for kind in ("device", "variant", "backend"):
            wanted = set(getattr(budget, f"{kind}s")) & {getattr(cell, kind) for cell in planned}
            silent = wanted - {getattr(verdict, kind) for verdict in mine}
            found += [f"{budget.name} ({kind} {value})" for value in sorted(silent)]
    return tuple(found)


def unapplied(
    budgets: Sequence[Budget], verdicts: Sequence[Verdict], cells: Sequence[Cell]
) -> tuple[str, ...]:
    """Return the budgets that set a limit and match none of the planned `cells`, by name.

    So it is with a run that was narrowed down: nothing says whether they are kept.
    """
    judged = {verdict.budget for verdict in verdicts}
    return tuple(
        budget.name
        for budget in budgets
        if budget.limits
        and budget.name not in judged
        and not any(cell.runs_model and selects(budget, cell) for cell in cells)
    )


def answer(verdicts: Sequence[Verdict], failed_cells: int = 0, unjudged_budgets: int = 0) -> str:
    """Return the answer in a word or two: the one that every command and report says.

    PASS only where a budget was applied: without any verdict but those that are so by definition,
    or budget that asks for one, it is NO BUDGETS, whatever else failed.
    """
    if all(verdict.by_definition for verdict in verdicts) and not unjudged_budgets:
        return NO_BUDGETS
    return OVERALL[exit_code(verdicts, failed_cells, unjudged_budgets)]


def exit_code(verdicts: Sequence[Verdict], failed_cells: int = 0, unjudged_budgets: int = 0) -> int:
    """Return 3 if cells failed, else 1 on a FAIL, else 4 on an INCONCLUSIVE, else 0.

    A budget without a verdict is INCONCLUSIVE.
    """
    outcomes = {verdict.outcome for verdict in verdicts}
    if failed_cells:
        return 3
    if VerdictOutcome.FAIL in outcomes:
        return 1
    return 4 if VerdictOutcome.INCONCLUSIVE in outcomes or unjudged_budgets else 0


def check_budgets(budgets: Sequence[Budget], cells: Sequence[Cell]) -> None:
    """Raise ConfigError for a budget that no planned cell matches, naming the nearest selector."""
    models = [cell for cell in cells if cell.runs_model]
    for budget in budgets:
        _check_rate(budget, models)
        known = _named(models) | {"thread count": {str(cell.threads) for cell in models}}
        for kind, wanted in _selectors(budget).items():
            if wanted and not set(wanted) & known[kind]:
                raise ConfigError(
                    f"budget {budget.name} matches no cell: {kind} {wanted[0]} is not in this run"
                    f"{nearest(wanted[0], known[kind])}"
                )
        if not any(selects(budget, cell) for cell in models):
            raise ConfigError(
                f"budget {budget.name} matches no cell: no planned cell has its devices, variants,"
                " backends and threads together; see --dry-run"
            )


def check_names(file: Path, budgets: Sequence[Budget], plan: Plan) -> None:
    """Raise ConfigError for a budget of `file` with a name that the run never heard of.

    One that matches other cells besides would otherwise pass without the one that was meant.
    A budget without a limit is a mistake, too, and so is what `check_budgets` finds.
    """
    models = [cell for cell in plan.cells if cell.runs_model]
    known = _named([*models, *plan.skips])
    known["thread count"] = {str(cell.threads) for cell in models}
    for budget in budgets:
        if not budget.limits:
            raise ConfigError(f"{file}: budget {budget.name} sets no limit; add one, or remove it")
        for kind, wanted in _selectors(budget).items():
            for name in wanted:
                if name not in known[kind]:
                    raise ConfigError(
                        f"{file}: budget {budget.name} names {kind} {name}, which is not in this"
                        f" run{nearest(name, known[kind])}"
                    )
    check_budgets(budgets, plan.cells)


def _selectors(budget: Budget) -> dict[str, tuple[str, ...]]:
    return {
        "device": budget.devices,
        "variant": budget.variants,
        "backend": budget.backends,
        "thread count": tuple(map(str, budget.threads)),
    }


def _named(what: Sequence[Cell | Skip]) -> dict[str, set[str]]:
    return {
        "device": {one.device for one in what},
        "variant": {one.variant for one in what},
        "backend": {one.backend for one in what},
    }


def _verdicts(group: list[Row], budget: Budget, limit: Limit) -> Iterator[Verdict]:
    found = _applies(group, budget, limit)
    measured = [row for row in found if row.scenario == Scenario.PACED]
    if limit.scenario is Scenario.PACED and budget.paced_min_rate_per_s is not None and measured:
        yield from judge_rates(measured, group, budget, limit)
        return
    for row in found:
        yield judge_row(row, group, budget, limit)


def selects(budget: Budget, what: Cell | Row) -> bool:
    """Return whether a budget is about a cell, or about the row of one."""
    return _selects_model(budget, what) and (not budget.threads or what.threads in budget.threads)


def _selects_model(budget: Budget, what: Cell | Row) -> bool:
    return (
        (not budget.devices or what.device in budget.devices)
        and (not budget.variants or what.variant in budget.variants)
        and (not budget.backends or what.backend in budget.backends)
    )


def _groups(rows: Sequence[Row], budget: Budget) -> list[list[Row]]:
    """Return the rows of each (device, backend, variant) that has a row the budget selects."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row.runs_model and _selects_model(budget, row):
            groups.setdefault((row.device, row.backend, row.variant), []).append(row)
    return [group for group in groups.values() if any(selects(budget, row) for row in group)]


def _applies(group: list[Row], budget: Budget, limit: Limit) -> list[Row]:
    threaded = [row for row in group if selects(budget, row)]
    if limit.scenario is None:
        return threaded[:1]
    own = [row for row in threaded if row.scenario == limit.scenario]
    if not own and not limit.timing:  # memory and quality may be measured at one thread count only
        own = [row for row in group if row.scenario == limit.scenario]
    if own:
        return own + (_unjudged_batches(threaded, own) if limit.is_loss else [])
    seen = [
        row
        for row in threaded
        if row[limit.column].value is not None and limit.in_own_scenario(row)
    ]
    return seen or threaded[:1]


def _unjudged_batches(rows: list[Row], judged: list[Row]) -> list[Row]:
    """Return a row of each batch, with each precision and options, at which answers are others
    and nobody judged their quality."""
    known = {_answering(row) for row in judged}
    found: dict[tuple[object, ...], Row] = {}
    for row in rows:
        unlike = any(flag.name is FlagKind.BATCH_DEPENDENT for flag in row.flags)
        if unlike and _answering(row) not in known and row.quality is None:
            found.setdefault(_answering(row), row)
    return list(found.values())


def _answering(row: Row) -> tuple[object, ...]:
    """Return what the answers of a model on one backend and device may hang on."""
    return row.batch, row.precision, row.options


def _check_rate(budget: Budget, cells: Sequence[Cell]) -> None:
    wanted = budget.paced_min_rate_per_s
    if wanted is None:
        return
    if not budget.percentiles(Scenario.PACED):
        raise ConfigError(
            f"budget {budget.name}: paced_min_rate_per_s = {wanted:g} has no limit to meet;"
            " add paced_p95_ms"
        )
    rates = {cell.rate_per_s for cell in cells if cell.rate_per_s and selects(budget, cell)}
    if rates and max(rates) < wanted:
        raise ConfigError(
            f"budget {budget.name}: no planned rate reaches paced_min_rate_per_s = {wanted:g};"
            f" add {wanted:g} to scenarios.paced.rate_per_s"
        )
