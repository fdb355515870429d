"""The measured quantities, a table: all that is said of each anywhere stands in its row.

Rows, budgets, the gate, comparisons, claims, reports and the reference pages read it. A quantity
and its budget are added by a row here, its computation (`results.rows`, by column) and its test.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from benchhub.model.scenario import Scenario

#: Launches that a verdict on times takes; a look at fewer passed 6.8 % of cells at the limit.
MIN_LAUNCHES = 10
#: A median over five launches is below the largest of them with 97 %.
MIN_LAUNCHES_OF_MEDIAN = 5


class Grain(enum.IntEnum):
    """What a quantity is one figure of, coarsest first."""

    FILE = 0  #: a variant
    QUALITY = 1  #: a device, backend, variant, precision and options
    ROW = 2  #: a cell


class Scale(enum.StrEnum):
    """On which scale a quantity's errors are about as large upwards as downwards."""

    PLAIN = "plain"
    LOG = "log"
    REMOVED = "removed"  #: a share that is gone: logarithms of what is left


@dataclass(frozen=True, slots=True)
class BudgetKey:
    """How a budget limits a quantity: by which key, of whose rows, and how many launches it takes.

    `scenario` None: of the model file, whatever is measured. `at_least`: the smallest value that
    will do, where usually it is the largest. `whole`: the limit is a whole number.
    """

    key: str
    scenario: Scenario | None
    min_launches: int = 0
    at_least: bool = False
    whole: bool = False
    from_zero: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A measured quantity.

    `scenario` is whose rows have it first of all; None: the model file's, or the quality's.
    `about` explains it to the reader of a report, under the heading `term`. `empty` says in which
    finished cells its column is empty. `limits` are columns of
    their own for the ends of its interval. `quantile`: which of all timed calls it is.
    `compared_in` are the scenarios in which two runs are held against each other by it. `column`
    False: only claims know it. `claimed` False: its figure has no interval, so claims cannot ask
    for it. `rare`: so few cells have samples enough that reports do not list that it is withheld.
    """

    name: str
    words: str
    unit: str
    grain: Grain = Grain.ROW
    scale: Scale = Scale.LOG
    scenario: Scenario | None = None
    timing: bool = False
    more_is_better: bool = False
    whole: bool = False
    limits: tuple[str, str] | None = None
    quantile: float | None = None
    budgets: tuple[BudgetKey, ...] = ()
    compared_in: tuple[Scenario, ...] = ()
    column: bool = True
    claimed: bool = True
    rare: bool = False
    term: str = ""
    about: str = ""
    empty: str = ""


_CALLS = (Scenario.LATENCY, Scenario.PACED)
_COLD = (Scenario.COLD_START,)
_COPIES = "copy in, copy out"
_COUNTS = "params, nonzero, MACs"
_COUNTED = "cells of scenario profile; imported benchmarks"
_NO_CLOCK = "no accelerator, or its backend has no clock of it"
_NO_MODEL = "no model runs in the cell"
_UNTOLD = "no model runs in the cell, or its format does not tell"
_UNJUDGED = (
    "no finished quality cell of the same device, backend, variant, precision and options, or its"
    " outputs are not finite or of another shape"
)
_SIZES = "size, gzip"


def _percentile(
    percent: str, words: str, quantile: float, *, compared: bool = False, rare: bool = False
) -> Quantity:
    name = f"p{percent}"
    return Quantity(
        name=f"{name}_ms",
        words=f"{words} of latency",
        unit="ms",
        scenario=Scenario.LATENCY,
        timing=True,
        limits=(f"{name}_low_ms", f"{name}_high_ms"),
        quantile=quantile,
        budgets=(
            BudgetKey(f"latency_{name}_ms", Scenario.LATENCY, MIN_LAUNCHES),
            BudgetKey(f"paced_{name}_ms", Scenario.PACED, MIN_LAUNCHES),
        ),
        compared_in=_CALLS if compared else (),
        rare=rare,
        empty="other scenarios than latency and paced; withheld where samples are too few",
        term="percentiles",
        about="Percentiles of the time of one call (p50 is the median), pooled over launches, with"
        " a 95 % interval in brackets that counts launches, not iterations, as independent."
        " Withheld where too few samples leave the upper end unbounded.",
    )


def _part(
    name: str, words: str, term: str, about: str = "", claimed: bool = True, empty: str = _NO_CLOCK
) -> Quantity:
    """Return a part of a call, whose median is a column."""
    return Quantity(
        name=f"{name}_p50_ms", words=words, unit="ms", scenario=Scenario.LATENCY, timing=True,
        claimed=claimed, term=term, about=about, empty=empty,
    )  # fmt: skip


def _memory(
    name: str, words: str, term: str, about: str, budget: str = "", compared: bool = True,
    empty: str = _COUNTED,
) -> Quantity:  # fmt: skip
    memory = Scenario.MEMORY
    return Quantity(
        name=name, words=words, unit="MiB", scenario=memory,
        budgets=(BudgetKey(budget, memory, MIN_LAUNCHES_OF_MEDIAN),) if budget else (),
        compared_in=(memory,) if compared else (), term=term, about=about, empty=empty,
    )  # fmt: skip


def _file(
    name: str, words: str, unit: str = "", scale: Scale = Scale.LOG, *, column: bool = False,
    whole: bool = False, term: str = "", about: str = "", budgets: tuple[BudgetKey, ...] = (),
    empty: str = _UNTOLD, more_is_better: bool = False,
) -> Quantity:  # fmt: skip
    return Quantity(
        name=name, words=words, unit=unit, grain=Grain.FILE, scale=scale, column=column,
        whole=whole, term=term, about=about, budgets=budgets, empty=empty if column else "",
        more_is_better=more_is_better,
    )  # fmt: skip


_TABLE = (
    Quantity(
        name="load_ms", words="time to load", unit="ms", scenario=Scenario.COLD_START, timing=True,
        budgets=(BudgetKey("load_ms", Scenario.COLD_START, MIN_LAUNCHES_OF_MEDIAN),),
        compared_in=_COLD, term="load", empty=_COUNTED,
        about="From starting to load the model until the session is ready.",
    ),
    Quantity(
        name="first_inference_ms", words="time of the first call", unit="ms",
        scenario=Scenario.COLD_START, timing=True,
        budgets=(
            BudgetKey("first_inference_ms_max", Scenario.COLD_START, MIN_LAUNCHES_OF_MEDIAN),
        ),
        compared_in=_COLD, term="first inference", empty=_COUNTED,
        about="The first call, which may compile or allocate.",
    ),
    Quantity(
        name="mean_ms", words="mean latency", unit="ms", scenario=Scenario.LATENCY, timing=True,
        claimed=False, term="mean", about="Arithmetic mean of the same samples.",
        empty="other scenarios than latency, throughput and paced",
    ),
    _percentile("50", "median", 0.50, compared=True),
    _percentile("90", "90th percentile", 0.90),
    _percentile("95", "95th percentile", 0.95, compared=True),
    _percentile("99", "99th percentile", 0.99),
    Quantity(
        name="throughput_per_s", words="cases a second", unit="/s", scenario=Scenario.THROUGHPUT,
        timing=True, more_is_better=True,
        limits=("throughput_low_per_s", "throughput_high_per_s"),
        budgets=(
            BudgetKey("throughput_min_per_s", Scenario.THROUGHPUT, MIN_LAUNCHES, at_least=True),
        ),
        compared_in=(Scenario.THROUGHPUT,), term="throughput", empty="other scenarios",
        about="Cases per second, offline, at the settings of the row.",
    ),
    _memory(
        "peak_rss_mib", "peak resident memory", "peak memory",
        "Highest resident memory of the fresh process, with Python and the backend (2^20 bytes).",
        budget="peak_rss_mib",
    ),
    _memory(
        "model_rss_mib", "resident memory on top of the imports", "model memory",
        "Peak memory over what the process held after importing the backend.", compared=False,
    ),
    _memory(
        "gpu_mem_mib", "accelerator memory", "GPU memory", "Device memory taken by the process.",
        empty="no accelerator, or nothing counts its memory",
    ),
    Quantity(
        name="energy_mj", words="energy of one case", unit="mJ", scenario=Scenario.LATENCY,
        timing=True, compared_in=(Scenario.LATENCY, Scenario.THROUGHPUT), term="energy",
        empty="the device has no such counter, or too little was timed for it",
        about="Energy of one case by the counter named beside it, which counts all that its part of"
        " the machine does, idling included.",
    ),
    _file(
        "model_bytes", "bytes of the file", "bytes", column=True, whole=True, term=_SIZES,
        about="The model file, and the same compressed (10^6 bytes).",
        budgets=(BudgetKey("model_bytes", None, whole=True),), empty=_NO_MODEL,
    ),
    _file(
        "gzip_bytes", "bytes of the gzipped file", "bytes", column=True, whole=True, term=_SIZES,
        empty=_NO_MODEL,
    ),
    _file(
        "params", "parameters", column=True, whole=True, term=_COUNTS,
        about="Weights, weights that are not zero, and multiply-accumulates of one case.",
    ),
    _file("nonzero_params", "nonzero parameters", column=True, whole=True, term=_COUNTS),
    _file(
        "macs", "multiply-accumulates of one case", column=True, whole=True, term=_COUNTS,
        empty=f"{_UNTOLD}, or a suite calls it at `shapes`",
    ),
    _file(
        "compression_params", "times fewer nonzero parameters than the baseline", column=True,
        term="compression", more_is_better=True,
        about="Size of the baseline over that of the variant, in nonzero parameters or bytes.",
    ),
    _file(
        "compression_bytes", "times smaller than the baseline's file", column=True,
        term="compression", empty=_NO_MODEL, more_is_better=True,
    ),
    Quantity(
        name="speedup", words="baseline's latency over the variant's", unit="x",
        scenario=Scenario.LATENCY, timing=True, more_is_better=True,
        limits=("speedup_low", "speedup_high"), term="speed-up",
        empty="other scenarios than latency and throughput; no base with the same settings",
        about="Median latency of the base variant over that of this one, or its rate over the"
        " base's in throughput cells; above 1 is faster. The base is the suite's baseline unless"
        " the row says `against` another. Compared within one device, backend and all settings"
        " (threads, batch, concurrency, precision, options) only, launches of one round in pairs."
        " The base's own is 1 by definition and has no interval. Paced cells have none. Two pairs"
        " or more have one though a median is withheld: they cancel the drift that hides that.",
    ),
    Quantity(
        name="quality", words="the metric", unit="", grain=Grain.QUALITY, scale=Scale.PLAIN,
        scenario=Scenario.QUALITY, more_is_better=True, limits=("quality_low", "quality_high"),
        term="quality", empty=_UNJUDGED,
        about="The task's metric of the device's own outputs, 95 % interval over patients.",
    ),
    Quantity(
        name="quality_loss", words="loss against the baseline, in points", unit="",
        grain=Grain.QUALITY, scale=Scale.PLAIN, scenario=Scenario.QUALITY,
        limits=("quality_loss_low", "quality_loss_high"),
        budgets=(BudgetKey("quality_loss_max", Scenario.QUALITY, from_zero=True),),
        term="quality loss", empty=_UNJUDGED,
        about="Quality of the baseline less that of the variant on the same cases, signed so that"
        " positive is worse; the interval is paired. The baseline's own is 0 by definition.",
    ),
    Quantity(
        name="agreement_max_abs", words="largest difference from the reference outputs", unit="",
        grain=Grain.QUALITY, claimed=False, term="agreement",
        empty="there are no reference outputs to hold it against",
        about="Largest absolute difference of the outputs from the reference: the baseline's on"
        " the controller, or of a pruned or refitted network its own.",
    ),
    _part(
        "service", "median of a paced call without its wait", "service",
        "The part of a paced call from its start to its end, without the wait.", claimed=False,
        empty="other scenarios than paced",
    ),
    _part(
        "device", "median computing time by the accelerator's clock", "device p50",
        "Median time by the accelerator's own clock, copies not included.",
    ),
    _part(
        "copy_in", "median time of moving inputs to the accelerator", _COPIES,
        "Median time of moving inputs to the accelerator, outputs back.", claimed=False,
    ),
    _part("copy_out", "median time of moving outputs back", _COPIES, claimed=False),
    _part(
        "overhead", "median of what the accelerator's clock leaves of a call", "launch overhead",
        "Median over calls of the host's time less computing and copying: handing over the work"
        " and waiting for it.",
    ),
    Quantity(
        name="postprocess_p50_ms", words="median time of what the task makes of one answer",
        unit="ms", scenario=Scenario.QUALITY, timing=True, claimed=False, term="post-processing",
        empty="other scenarios than quality, tasks that predict nothing, other devices than the"
        " controller",
        about="Median time over cases of what the task makes of one answer (a map of classes,"
        " nuclei told apart) on the controller, shown where that is the device; it is not in the"
        " latency.",
    ),
    _file(
        "sparse_bytes", "bytes of the file were its zeros not stored, as the recipe says", "bytes",
        column=True, whole=True, empty="the recipe does not say",
    ),
    _percentile("99_9", "99.9th percentile", 0.999, rare=True),
    # What only claims ask for, computed of the others.
    _file("compression_macs", "times fewer multiply-accumulates than the baseline"),
    _file("compression_gzip", "times smaller than the baseline's file, both gzipped"),
    _file("params_removed", "share of nonzero parameters removed", scale=Scale.REMOVED),
    _file("macs_removed", "share of multiply-accumulates removed", scale=Scale.REMOVED),
    _file("bytes_removed", "share of the file removed", scale=Scale.REMOVED),
    _file("sparsity", "share of parameters that are zero", scale=Scale.PLAIN),
    _file("achieved_compression", "times fewer of the weights that the recipe prunes, as it says"),
    _file("lowest_density", "nonzero share of the emptiest layer, as the recipe says"),
    Quantity(
        name="quality_loss_relative", words="loss as a share of the baseline's quality", unit="",
        grain=Grain.QUALITY, scale=Scale.PLAIN, scenario=Scenario.QUALITY, column=False,
    ),
    Quantity(
        name="latency_removed", words="share of the baseline's latency removed", unit="",
        scale=Scale.REMOVED, scenario=Scenario.LATENCY, timing=True, column=False,
    ),
    Quantity(
        name="overhead_share", words="share of a call that is launch overhead", unit="",
        scenario=Scenario.LATENCY, timing=True, column=False,
    ),
)  # fmt: skip

QUANTITIES: Mapping[str, Quantity] = {one.name: one for one in _TABLE}
#: The columns of timed calls' quantiles, with the share of calls at or below each.
PERCENTILES: Mapping[str, float] = {
    one.name: one.quantile for one in _TABLE if one.quantile is not None
}
#: What a budget may limit, by the key that limits it.
BUDGET_KEYS: Mapping[str, tuple[BudgetKey, Quantity]] = {
    key.key: (key, one) for one in _TABLE for key in one.budgets
}
