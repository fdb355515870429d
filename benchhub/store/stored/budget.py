"""A budget as the store keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchhub.model.asked import Budget
from benchhub.store.stored.record import Record, parsed, written


class _Selected(Record):
    name: str
    devices: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    paced_min_rate_per_s: float | None = None
    quality_loss_relative: bool = False
    quality_min_cases: int = 200


class BudgetV2(_Selected):
    """Limits by the keys of a suite's budgets."""

    v: int = 2
    limits: dict[str, int | float]
    rare_launches: float | None = None


class BudgetV1(_Selected):
    """Until schema 0006: a key a limit, percentiles by their names."""

    latency_ms: Mapping[str, float] = {}
    paced_ms: Mapping[str, float] = {}
    throughput_min_per_s: float | None = None
    peak_rss_mib: float | None = None
    load_ms: float | None = None
    model_bytes: int | None = None
    quality_loss_max: float | None = None

    def newer(self) -> BudgetV2:
        """Return it with its limits in one mapping, in the order that they are judged in."""
        names = (
            "throughput_min_per_s", "peak_rss_mib", "load_ms", "model_bytes", "quality_loss_max",
        )  # fmt: skip
        limits = {
            **{f"latency_{name}_ms": limit for name, limit in self.latency_ms.items()},
            **{f"paced_{name}_ms": limit for name, limit in self.paced_ms.items()},
            **{name: limit for name in names if (limit := getattr(self, name)) is not None},
        }
        same = self.model_dump(include=set(_Selected.model_fields) - {"v"})
        return BudgetV2(**same, limits=limits)


def write_budget(budget: Budget) -> dict[str, Any]:
    """Return a budget as JSON types."""
    return written(
        BudgetV2(
            name=budget.name,
            devices=budget.devices,
            variants=budget.variants,
            backends=budget.backends,
            threads=budget.threads,
            limits=dict(budget.limits),
            paced_min_rate_per_s=budget.paced_min_rate_per_s,
            quality_loss_relative=budget.quality_loss_relative,
            quality_min_cases=budget.quality_min_cases,
            rare_launches=budget.rare_launches,
        )
    )


def read_budget(raw: Mapping[str, Any]) -> Budget:
    """Invert `write_budget`, or raise Misfit."""
    of = parsed("budget", raw, BudgetV2, BudgetV1)
    return Budget(
        name=of.name,
        devices=of.devices,
        variants=of.variants,
        backends=of.backends,
        threads=of.threads,
        limits=of.limits,
        paced_min_rate_per_s=of.paced_min_rate_per_s,
        quality_loss_relative=of.quality_loss_relative,
        quality_min_cases=of.quality_min_cases,
        rare_launches=of.rare_launches,
    )
