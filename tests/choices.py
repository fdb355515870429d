"""Rows that can be chosen among, made by hand, and what is chosen of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from builders import make_budget, make_device
from rows import make_row

from benchhub.model.row import Row
from benchhub.results.recommend.answer import DeviceAnswer
from benchhub.results.recommend.choose import choose

DEVICE = make_device("pi")


def latency(
    variant: str, median: float, p95: float | None = None, noise: float = 0.01, **more: Any
) -> Row:
    """A latency cell of ten launches whose medians spread by `noise`, in pairs with all others."""
    high = (p95 or median) * 1.05
    look = {"launches": 10, "iterations": 2000, "estimate": p95 or median, "low": None,
            "high": high, "n_eff": 100.0}  # fmt: skip
    # The sign turns from one variant to another, so that pairs differ by all of the noise.
    sign = -1 if sum(map(ord, variant)) % 2 else 1
    shifts = np.linspace(-noise, noise, 10) * sign
    medians = tuple((one, median * math.exp(float(shifts[one]))) for one in range(10))
    return make_row(
        device="pi", variant=variant, p50_ms=median, p95_ms=p95 or median, launches=10,
        cell=f"{variant} {more.get('threads', 1)}", medians_ms=medians,
        intervals={"p50_ms": {"low": median * 0.99, "high": median * 1.01},
                   "p95_ms": {"low": median * 0.9, "high": high, "looks": [look]}},
        **more,
    )  # fmt: skip


def quality(variant: str, loss: float, upper: float, **more: Any) -> Row:
    return make_row(
        device="pi", variant=variant, scenario="quality", cell=f"quality of {variant}",
        quality_loss=loss, launches=1,
        intervals={"quality_loss": {"low": -1.0, "high": 1.0, "upper_one_sided": upper}}, **more,
    )  # fmt: skip


def chosen(*rows: Row, **limits: float) -> DeviceAnswer:
    return choose(DEVICE, rows, [make_budget("ward", **limits)] if limits else [], "p50_ms")


def names(of: Any) -> list[str]:
    return [one.candidate.row.variant for one in of]
