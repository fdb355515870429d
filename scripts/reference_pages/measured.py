"""The pages of what is measured and told: columns, quantities, flags, failures, exit codes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from benchhub import errors
from benchhub.model.cell import SKIPS
from benchhub.model.columns import ATTRIBUTES, COLUMNS, ENDS
from benchhub.model.flag import FLAGS
from benchhub.model.quantities import BUDGET_KEYS, QUANTITIES, Grain, Quantity
from benchhub.ondevice.wire import KINDS, REFUSALS, STAGES, TRACKS, TROUBLES
from reference_pages.markdown import code, codes, page, section, sentence, table

_GRAINS = {
    Grain.FILE: "a model file",
    Grain.QUALITY: "a device, backend, variant, precision and options",
    Grain.ROW: "a cell",
}
_TYPES = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def columns() -> str:
    """Return the page of every column of csv, parquet and json."""
    return page(
        "Columns",
        "One row a cell, the columns in this order; new ones go to the end. Empty means that it was"
        " not measured, never 0. Figures are of cells whose `status` is `finished`; the last column"
        " says where they are empty nevertheless. The json report has intervals, flags and"
        " provenance besides.",
        table(
            ("", "column", "unit or type", "better", "what it is", "empty where"),
            [(str(number), *_column(name)) for number, name in enumerate(COLUMNS, 1)],
        ),
    )


def quantities() -> str:
    """Return the page of every quantity: what budgets, comparisons and claims ask for."""
    return page(
        "Quantities",
        "What is measured, by name. Those with a column are in [columns](columns.md); the others"
        " are computed of them, for claims. Two runs are compared by them in the"
        " scenarios of the last column.",
        table(
            ("quantity", "what it is", "unit", "one for", "rows a claim reads", "compared in"),
            map(_quantity, QUANTITIES.values()),
        ),
        section(
            "What budgets limit",
            "The keys of [`[[budgets]]`](suites.md#budgets) that are limits. With fewer launches a"
            " limit on times or memory is INCONCLUSIVE.",
            table(
                ("key", "quantity", "limit", "unit", "cells", "launches"),
                [
                    (
                        code(name),
                        code(of.name),
                        "at least" if key.at_least else "at most",
                        of.unit,
                        code(key.scenario) if key.scenario else "any",
                        str(key.min_launches or ""),
                    )
                    for name, (key, of) in BUDGET_KEYS.items()
                ],
            ),
        ),
    )  # fmt: skip


def flags() -> str:
    """Return the page of every doubt that a row can have."""
    return page(
        "Flags",
        "Doubts about a cell. Each comes with its evidence; where that says that the figures may be"
        " wrong for it, the flag keeps the cell's verdicts from PASS.",
        table(
            ("flag", "what it says", "about"),
            [(code(kind), of.words, of.concern.value) for kind, of in FLAGS.items()],
        ),
        "*About* is what the doubt concerns: `disturbance` the device, and through it times;"
        " `times` times that cannot be counted on for another reason; `outputs` what was computed:"
        " no budget of it passes, and it is not ranked; `answers` that they hang on more than the"
        " case; `quality` what a loss is"
        " worth: no budget of it passes; `record` how the measuring went.",
    )


def failures() -> str:
    """Return the page of what a failed launch is told by, and of what is not measured."""
    return page(
        "Failures and skips",
        "A failed launch names the stage, the kind and a cause: `time: deadline: ...`. It fails its"
        " cell, and the other cells go on.",
        section("Stages", table(("stage", "what is done in it"), _coded(STAGES.items()))),
        section("Kinds", table(("kind", "what happened"), _coded(KINDS.items()))),
        section(
            "Refusals",
            "A device that cannot be used at all is told by an error, of which these are the"
            " device's own.",
            table(("kind", "why"), _coded(REFUSALS.items())),
        ),
        section(
            "Provisioning",
            "Why `benchhub devices provision` made no environment.",
            table(("kind", "why"), _coded(TROUBLES.items())),
        ),
        section(
            "Skips",
            "What is not measured, with the reason in words.",
            table(("kind", "why"), _coded(SKIPS.items())),
        ),
        section(
            "Series",
            "Beside its samples a launch may have further values of each timed call.",
            table(("series", "what it is"), _coded(TRACKS.items())),
        ),
    )


def exit_codes() -> str:
    """Return the page of what the command line returns, and of which error says so."""
    return page(
        "Exit codes",
        table(("code", "meaning"), [(str(k), text) for k, text in errors.EXIT_CODES.items()]),
        "Where several apply, the worst wins: 70, 2, 3, 1, 4.",
        section(
            "Errors",
            "Each is one line on stderr.",
            table(("error", "exit code", "what it is"), _errors(errors.BenchhubError)),
        ),
    )


def _column(name: str) -> tuple[str, str, str, str, str]:
    if name in ATTRIBUTES:
        one = ATTRIBUTES[name]
        return code(name), _TYPES[one.type], "", one.words, one.empty
    if name in ENDS:
        of, lower = ENDS[name]
        text = f"{'lower' if lower else 'upper'} end of the 95 % interval of `{of}`"
        empty = f"as {code(of)}; where this end is not known"
        return code(name), QUANTITIES[of].unit, "", text, empty
    quantity = QUANTITIES[name]
    return code(name), quantity.unit, _better(quantity), quantity.words, quantity.empty


def _better(one: Quantity) -> str:
    if one.name == "quality":
        return "as the metric"
    return "higher" if one.more_is_better else "lower"


def _quantity(one: Quantity) -> tuple[str, ...]:
    return (
        code(one.name),
        one.words,
        one.unit,
        _GRAINS[one.grain],
        _read_by_claims(one),
        codes(one.compared_in),
    )


def _read_by_claims(one: Quantity) -> str:
    if not one.claimed:
        return "cannot be claimed"
    return code(one.scenario) if one.scenario else "any"


def _coded(pairs: object) -> Iterator[tuple[str, str]]:
    for name, text in pairs:  # type: ignore[attr-defined]
        yield code(name), text


def _errors(kind: type[errors.BenchhubError], depth: int = 0) -> Iterator[tuple[str, str, str]]:
    shown = f"{'- ' * depth}{code(kind.__name__)}"
    yield shown, str(kind.exit_code), sentence(inspect.getdoc(kind))
    for one in kind.__subclasses__():
        if one.__module__ == errors.__name__:
            yield from _errors(one, depth + 1)
