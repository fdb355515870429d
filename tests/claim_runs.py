"""Synthetic runs for claims: variants of chosen sizes, rows of chosen figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from builders import make_device, make_run, make_variant
from rows import changed, make_row

from benchhub.config.suite import load_suite
from benchhub.model.cell import Skip, Variant
from benchhub.model.claim import ClaimAnswer
from benchhub.model.device import DeviceInfo
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.recipe import Recipe
from benchhub.model.row import Results, Row
from benchhub.results.claims.judge import answer_claims

PARAMS, BYTES, MACS = 1_148_000, 4_600_000, 50_000_000
SUITE = """\
[suite]
name = "study"
task = "npz"
baseline = "fp32"
backends = ["onnxruntime", "openvino", "tflite"]
[[variants]]
name = "fp32"
model = "m.onnx"
[scenarios.latency]
"""


def variant(name: str, by: float = 1.0, **changes: Any) -> Variant:
    """A variant with `by` times fewer parameters, operations and bytes than the baseline."""
    values = {
        "params": round(PARAMS / by),
        "nonzero_params": round(PARAMS / by),
        "macs": round(MACS / by),
        "model_bytes": round(BYTES / by),
        "gzip_bytes": round(BYTES / by * 0.9),
        "recipe": None if name == "fp32" else Recipe(name),
    }
    return make_variant(name, **(values | changes))


def row(variant_name: str, scenario: str = "quality", **changes: Any) -> Row:
    """A finished row of onnxruntime on localhost, with no figures."""
    values: dict[str, Any] = {
        "arch": "x86_64",
        "provider": "CPUExecutionProvider",
        "device": "localhost",
        "backend": "onnxruntime",
        "variant": variant_name,
        "scenario": scenario,
        "batch": 1,
        "threads": 1,
        "precision": "f32",
        "launches": 10,
    }
    values |= changes
    facts = [values[n] for n in ("device", "backend", "variant", "scenario", "threads", "batch")]
    values.setdefault("cell", "/".join(map(str, facts)))
    return make_row(**values)


def judged(name: str, loss: float, half: float = 0.005, **changes: Any) -> Row:
    """A quality row that lost `loss` +- `half` of a baseline at .80."""
    base = 0.8
    known: dict[str, Any] = {
        "baseline": base,
        "groups": 200,
        "share": {
            "estimate": loss / base, "low": (loss - half) / base, "high": (loss + half) / base,
            "upper_one_sided": None,
        },
    }  # fmt: skip
    limits: tuple[float | None, float | None] = (loss - half, loss + half)
    if name == "fp32":
        known, limits = {"method": BY_DEFINITION, "baseline": base}, (None, None)
    values = {
        "quality_metric": "dice",
        "quality": base - loss,
        "quality_low": base - loss - 0.02,
        "quality_high": base - loss + 0.02,
        "quality_loss": loss,
        "quality_loss_low": limits[0],
        "quality_loss_high": limits[1],
        "quality_cases": 300,
        "intervals": {"quality_loss": known},
    }
    return row(name, **(values | changes))


def timed(name: str, p50_ms: float, spread: float = 0.02, **changes: Any) -> Row:
    """A latency row of 10 ms / p50 speed-up, both give or take `spread` as a share."""
    gain = 10 / p50_ms
    speedup: dict[str, Any] = {"method": "signed-rank", "confidence": 0.95, "n_eff": 10}
    limits: tuple[float | None, float | None] = (gain * (1 - spread), gain * (1 + spread))
    if name == "fp32":
        speedup, limits = {"method": BY_DEFINITION}, (None, None)
    values = {
        "p50_ms": p50_ms,
        "p50_low_ms": p50_ms * (1 - spread),
        "p50_high_ms": p50_ms * (1 + spread),
        "speedup": gain,
        "speedup_low": limits[0],
        "speedup_high": limits[1],
        "intervals": {"p50_ms": {"confidence": 0.95, "method": "launches"}, "speedup": speedup},
    }
    return row(name, "latency", **(values | changes))


def on_gpu(found: Row) -> Row:
    """The same row as a GPU would have computed it."""
    return changed(found, backend="torch", provider="cuda", options="device=cuda")


def emulated(found: Row) -> Row:
    """The same row of an emulated ARM device."""
    return changed(found, device="arm-vm", arch="aarch64", emulated=True)


def disturbed(found: Row) -> Row:
    """The same row with a flag that caps."""
    return changed(found, flags=(Flag(FlagKind.THROTTLED, "3 events"),))


def run_of(
    rows: Sequence[Row],
    variants: Sequence[Variant],
    skips: Sequence[Skip] = (),
    devices: Sequence[DeviceInfo] = (),
) -> Results:
    """A run of these rows."""
    known = devices or (make_device(facts={"arch": "x86_64", "isa_flags": ["avx2"]}),)
    return Results(make_run(), tuple(known), tuple(rows), (), tuple(skips), tuple(variants))


def read(folder: Path, text: str, variants: Sequence[str] = ()) -> Path:
    """Write a suite with claims, and further variants, and return its path."""
    more = "".join(f'[[variants]]\nname = "{name}"\nmodel = "m.onnx"\n' for name in variants)
    path = folder / "suite.toml"
    path.write_text(SUITE + more + text, "utf-8")
    return path


def answers(folder: Path, text: str, results: Results) -> tuple[ClaimAnswer, ...]:
    """What the claims in `text` come to, read as from a suite with the run's variants."""
    names = [one.name for one in results.variants if one.name != "fp32"]
    return answer_claims(load_suite(read(folder, text, names)).claims, results)
