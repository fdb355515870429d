"""What every word of a report means, with its unit: the text below its tables.

Of quantities their own table tells; what is here besides are the words around them.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchhub.model.quantities import PERCENTILES, QUANTITIES

TIMED_REGION = (
    "A timed iteration is one call of the backend's session with inputs already in memory, until "
    "its outputs can be read on the host. Reading files, preprocessing, loading the model and "
    "copying outputs away are outside of it. Every launch is a fresh process."
)
#: Words of tables that only runs with several metrics have.
OF_METRICS = ("quality by metric", "post-processing")
#: What stands for a term that is of several quantities.
_HEADINGS: Mapping[str, str] = {
    "percentiles": ", ".join(
        name.removesuffix("_ms").replace("_", ".")
        for name, _ in sorted(PERCENTILES.items(), key=lambda item: item[1])
    )
}
#: Units in which a report shows what is counted in another.
_SHOWN_IN: Mapping[str, str] = {
    "size, gzip": "MB", "params, nonzero, MACs": "millions", "compression": "x",
    "throughput": "1/s",
}  # fmt: skip
_WORDS: Mapping[str, tuple[str, str]] = {
    "n_eff": ("samples", "How many independent samples the iterations are worth."),
    "launches, iterations": ("", "Fresh processes, and timed calls, that the row rests on."),
    "settings": (
        "",
        "What varies among the rows of a table: t threads, b cases a call (batch), c calls under "
        "way at once (concurrency), n/s arrivals a second (rate), the precision, and the backend's "
        "own options. What does not vary stands in the caption.",
    ),
    "paced latency": (
        "ms",
        "From the moment a call was scheduled to arrive until its outputs can be read, the wait "
        "for earlier calls included. Overloaded: calls arrive faster than they end, so the wait "
        "grows for as long as one measures.",
    ),
    "emulated": (
        "",
        "The device is an emulator: its times are of the emulation, not of a real processor. They "
        "compare with nothing, so they are marked, drawn apart and never ranked.",
    ),
    "precision": (
        "",
        "The float type the backend was asked to compute with; int8 layers keep theirs.",
    ),
    "clock": (
        "",
        "Which clock timed the calls: the host's monotonic clock, the accelerator's own, or, on "
        "an emulated device, a clock that counts emulated instructions.",
    ),
    "flags": (
        "",
        "Doubts about a row, with evidence below; gross ones keep timing verdicts from PASS.",
    ),
    "PASS, FAIL, INCONCLUSIVE": (
        "",
        "The whole interval keeps the budget; the whole interval breaks it; it cannot be told.",
    ),
    "empty": ("", "Not measured. It never means 0. A withheld number says so, with its reason."),
    "quality by metric": (
        "",
        "Every metric of the task over the same cases, with its 95 % interval over patients, and "
        "below it the loss against the baseline, paired and positive when worse. A name that ends "
        "in worst5 is the mean of the worst 5 % of the cases.",
    ),
}
_ORDER = (
    "percentiles", "mean", "n_eff", "launches, iterations", "speed-up", "settings",
    "throughput", "paced latency", "service", "device p50", "copy in, copy out",
    "launch overhead", "load", "first inference", "peak memory", "model memory", "GPU memory",
    "energy", "emulated", "size, gzip", "params, nonzero, MACs", "compression", "quality",
    "quality loss", "agreement", "precision", "clock", "flags", "PASS, FAIL, INCONCLUSIVE",
    "empty", *OF_METRICS,
)  # fmt: skip


def glossary(several_metrics: bool) -> list[tuple[str, str, str]]:
    """Return word, unit and meaning of all that a report shows, in its order."""
    quantities: dict[str, tuple[str, str]] = {}
    for one in QUANTITIES.values():
        if one.term:
            quantities.setdefault(one.term, (_SHOWN_IN.get(one.term, one.unit), one.about))
    known = {**quantities, **_WORDS}
    order = [*_ORDER, *(term for term in quantities if term not in _ORDER)]
    return [
        (_HEADINGS.get(word, word), *known[word])
        for word in order
        if several_metrics or word not in OF_METRICS
    ]
