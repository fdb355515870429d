"""The quantities that a claim can ask for, a table: what each is a figure of, how it spreads."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from benchhub.model.scenario import Scenario


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
class Quantity:
    """A quantity: its grain, the scenario whose rows have it, its scale, whether it is a time."""

    grain: Grain
    meaning: str
    scale: Scale = Scale.LOG
    scenario: Scenario | None = None
    timing: bool = False


def _file(meaning: str, scale: Scale = Scale.LOG) -> Quantity:
    return Quantity(Grain.FILE, meaning, scale)


def _timed(meaning: str, scale: Scale = Scale.LOG, scenario: Scenario | None = None) -> Quantity:
    return Quantity(Grain.ROW, meaning, scale, scenario or Scenario.LATENCY, timing=True)


def _memory(meaning: str) -> Quantity:
    return Quantity(Grain.ROW, meaning, Scale.LOG, Scenario.MEMORY)


QUANTITIES: Mapping[str, Quantity] = {
    "compression_params": _file("times fewer nonzero parameters than the baseline"),
    "compression_macs": _file("times fewer multiply-accumulates than the baseline"),
    "compression_bytes": _file("times smaller than the baseline's file"),
    "compression_gzip": _file("times smaller than the baseline's file, both gzipped"),
    "params_removed": _file("share of nonzero parameters removed", Scale.REMOVED),
    "macs_removed": _file("share of multiply-accumulates removed", Scale.REMOVED),
    "bytes_removed": _file("share of the file removed", Scale.REMOVED),
    "params": _file("parameters"),
    "nonzero_params": _file("nonzero parameters"),
    "macs": _file("multiply-accumulates of one case"),
    "model_bytes": _file("bytes of the file"),
    "gzip_bytes": _file("bytes of the gzipped file"),
    "sparsity": _file("share of parameters that are zero", Scale.PLAIN),
    "achieved_compression": _file("times fewer of the weights that the recipe prunes, as it says"),
    "sparse_bytes": _file("bytes of the file were its zeros not stored, as the recipe says"),
    "lowest_density": _file("nonzero share of the emptiest layer, as the recipe says"),
    "quality": Quantity(Grain.QUALITY, "the metric", Scale.PLAIN),
    "quality_loss": Quantity(Grain.QUALITY, "loss against the baseline, in points", Scale.PLAIN),
    "quality_loss_relative": Quantity(
        Grain.QUALITY, "loss as a share of the baseline's quality", Scale.PLAIN
    ),
    "speedup": _timed("baseline's latency over the variant's"),
    "latency_removed": _timed("share of the baseline's latency removed", Scale.REMOVED),
    "p50_ms": _timed("median latency, ms"),
    "p90_ms": _timed("90th percentile of latency, ms"),
    "p95_ms": _timed("95th percentile of latency, ms"),
    "p99_ms": _timed("99th percentile of latency, ms"),
    "device_p50_ms": _timed("median computing time by the accelerator's clock, ms"),
    "overhead_p50_ms": _timed("median of what the accelerator's clock leaves of a call, ms"),
    "overhead_share": _timed("share of a call that is launch overhead"),
    "energy_mj": _timed("energy of one case, mJ"),
    "throughput_per_s": _timed("cases a second", scenario=Scenario.THROUGHPUT),
    "load_ms": _timed("time to load, ms", scenario=Scenario.COLD_START),
    "first_inference_ms": _timed("time of the first call, ms", scenario=Scenario.COLD_START),
    "peak_rss_mib": _memory("peak resident memory, MiB"),
    "model_rss_mib": _memory("resident memory on top of the imports, MiB"),
    "gpu_mem_mib": _memory("accelerator memory, MiB"),
}

#: What `each` of a claim may name: fields of a row.
EACH = ("backend", "device", "arch", "variant")
