"""The columns of csv and json, in order: what a row is of, and the quantities with their limits.

New ones go to the end: their order is a promise to who reads them by place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchhub.model.quantities import QUANTITIES


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column that is no quantity: its name, its type, what it says, and where it is empty."""

    name: str
    type: type
    words: str
    empty: str = ""


_UNFINISHED = "the cell is not finished"
_UNTIMED = "no timed calls: cells of other scenarios than latency, throughput and paced"
_UNJUDGED = QUANTITIES["quality"].empty
_ATTRIBUTES: Mapping[str, Attribute] = {
    one.name: one
    for one in (
        Attribute("run", str, "the run's id"),
        Attribute("device", str, "the device's name"),
        Attribute(
            "arch",
            str,
            "its processor's architecture: x86_64, aarch64, ..",
            "the device never answered",
        ),
        Attribute("emulated", bool, "whether its times are of an emulator, which are not ranked"),
        Attribute("backend", str, "the inference runtime"),
        Attribute("backend_version", str, "its version on the device", _UNFINISHED),
        Attribute(
            "provider",
            str,
            "who computes within it, such as CPUExecutionProvider",
            "the cell is not finished, or the backend has none",
        ),
        Attribute("variant", str, "the artifact's name in the suite"),
        Attribute("recipe", str, "how it was made", "it is a model file as given"),
        Attribute("model_sha256", str, "the artifact's digest", "no model runs in the cell"),
        Attribute("scenario", str, "what the cell measures"),
        Attribute("batch", int, "cases a call"),
        Attribute("threads", int, "threads a session may use"),
        Attribute(
            "precision",
            str,
            "the float type that the backend says it computed in",
            "the backend does not say",
        ),
        Attribute("launches", int, "fresh processes that finished"),
        Attribute("iterations", int, "timed calls of all launches, warm-up left out", _UNTIMED),
        Attribute(
            "n_eff", float, "independent samples that the calls are worth, for p95", _UNTIMED
        ),
        Attribute("status", str, "finished, failed or unmeasured"),
        Attribute("reason", str, "why it is not finished", "the cell is finished"),
        Attribute("flags", str, "doubts, joined by semicolons", "there are none"),
        Attribute("quality_metric", str, "the metric that `quality` is of", _UNJUDGED),
        Attribute("quality_cases", int, "cases that count in it", _UNJUDGED),
        Attribute("clock", str, "the clock that timed the calls", _UNFINISHED),
        Attribute("concurrency", int, "calls under way at once"),
        Attribute("rate_per_s", float, "arrivals a second, of paced cells", "calls are not paced"),
        Attribute(
            "options", str, "the backend's own options, as name=value words", "none was chosen"
        ),
        Attribute(
            "energy_source",
            str,
            "the counter that `energy_mj` comes from",
            QUANTITIES["energy_mj"].empty,
        ),
        Attribute(
            "shapes",
            str,
            "what inputs with open sizes were given, as `x=1x3x224x224`, batch included",
            "the model or the data says it all",
        ),
    )
}

_ORDER = (
    "run", "device", "arch", "emulated", "backend", "backend_version", "provider", "variant",
    "recipe", "model_sha256", "scenario", "batch", "threads", "precision", "launches",
    "iterations", "n_eff", "status", "reason", "flags", "load_ms", "first_inference_ms", "mean_ms",
    "p50_ms", "p90_ms", "p95_ms", "p99_ms", "throughput_per_s", "peak_rss_mib", "model_rss_mib",
    "gpu_mem_mib", "energy_mj", "model_bytes", "gzip_bytes", "params", "nonzero_params", "macs",
    "compression_params", "compression_bytes", "speedup", "quality_metric", "quality",
    "quality_loss", "quality_cases", "agreement_max_abs", "clock", "concurrency", "rate_per_s",
    "options", "service_p50_ms", "device_p50_ms", "copy_in_p50_ms", "copy_out_p50_ms",
    "overhead_p50_ms", "energy_source", "postprocess_p50_ms", "sparse_bytes",
)  # fmt: skip


#: Those that came after the quantities that have no place in the order above.
_LATER = ("shapes",)


def _columns() -> Iterator[str]:
    later = [one.name for one in QUANTITIES.values() if one.column and one.name not in _ORDER]
    for name in (*_ORDER, *later, *_LATER):
        yield name
        if name in QUANTITIES:
            yield from QUANTITIES[name].limits or ()


#: Every column of csv, in order.
COLUMNS: tuple[str, ...] = tuple(_columns())
#: The columns that are no quantities.
ATTRIBUTES: Mapping[str, Attribute] = _ATTRIBUTES
#: Columns that are the end of an interval: the quantity, and whether it is the lower end.
ENDS: Mapping[str, tuple[str, bool]] = {
    end: (one.name, end == one.limits[0])
    for one in QUANTITIES.values()
    if one.limits is not None
    for end in one.limits
}
