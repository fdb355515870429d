"""What every column means, with its unit: the text below the tables of a report."""

from __future__ import annotations

TIMED_REGION = (
    "A timed iteration is one call of the backend's session with inputs already in memory, until "
    "its outputs can be read on the host. Reading files, preprocessing, loading the model and "
    "copying outputs away are outside of it. Every launch is a fresh process."
)

COLUMN_GLOSSARY: dict[str, tuple[str, str]] = {
    "p50, p90, p95, p99": (
        "ms",
        "Percentiles of the time of one call (p50 is the median), pooled over launches, with a "
        "95 % interval in brackets that counts launches, not iterations, as independent. "
        "Withheld where too few samples leave the upper end unbounded.",
    ),
    "mean": ("ms", "Arithmetic mean of the same samples."),
    "n_eff": ("samples", "How many independent samples the iterations are worth."),
    "launches, iterations": ("", "Fresh processes, and timed calls, that the row rests on."),
    "speed-up": (
        "x",
        "Median latency of the base variant over that of this one, or its rate over the base's in "
        "throughput cells; above 1 is faster. The base is the suite's baseline unless the row says "
        "`against` another. Compared within one device, backend and all settings (threads, batch, "
        "concurrency, precision, options) only, launches of one round in pairs. "
        "The base's own is 1 by definition and has no interval. Paced cells have none.",
    ),
    "settings": (
        "",
        "What varies among the rows of a table: t threads, b cases a call (batch), c calls under "
        "way at once (concurrency), n/s arrivals a second (rate), the precision, and the backend's "
        "own options. What does not vary stands in the caption.",
    ),
    "throughput": ("1/s", "Cases per second, offline, at the settings of the row."),
    "paced latency": (
        "ms",
        "From the moment a call was scheduled to arrive until its outputs can be read, the wait "
        "for earlier calls included. Overloaded: calls arrive faster than they end, so the wait "
        "grows for as long as one measures.",
    ),
    "service": ("ms", "The part of a paced call from its start to its end, without the wait."),
    "device p50": ("ms", "Median time by the accelerator's own clock, copies not included."),
    "copy in, copy out": ("ms", "Median time of moving inputs to the accelerator, outputs back."),
    "launch overhead": (
        "ms",
        "Median over calls of the host's time less computing and copying: handing over the work "
        "and waiting for it.",
    ),
    "load": ("ms", "From starting to load the model until the session is ready."),
    "first inference": ("ms", "The first call, which may compile or allocate."),
    "peak memory": (
        "MiB",
        "Highest resident memory of the fresh process, with Python and the backend (2^20 bytes).",
    ),
    "model memory": ("MiB", "Peak memory over what the process held after importing the backend."),
    "GPU memory": ("MiB", "Device memory taken by the process."),
    "energy": (
        "mJ",
        "Energy of one case by the counter named beside it, which counts all that its part of the "
        "machine does, idling included.",
    ),
    "emulated": (
        "",
        "The device is an emulator: its times are of the emulation, not of a real processor. They "
        "compare with nothing, so they are marked, drawn apart and never ranked.",
    ),
    "size, gzip": ("MB", "The model file, and the same compressed (10^6 bytes)."),
    "params, nonzero, MACs": (
        "millions",
        "Weights, weights that are not zero, and multiply-accumulates of one case.",
    ),
    "compression": (
        "x",
        "Size of the baseline over that of the variant, in nonzero parameters or bytes.",
    ),
    "quality": ("", "The task's metric of the device's own outputs, 95 % interval over patients."),
    "quality loss": (
        "",
        "Quality of the baseline less that of the variant on the same cases, signed so that "
        "positive is worse; the interval is paired. The baseline's own is 0 by definition.",
    ),
    "agreement": (
        "",
        "Largest absolute difference of the outputs from the reference: the baseline's on the"
        " controller, or of a pruned or refitted network its own.",
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
}
