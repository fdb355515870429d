"""A combination that is not measured, as the store keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchhub.model.cell import Skip, SkipKind, SkipReason
from benchhub.store.stored.record import Record, parsed, written

#: How the reasons that were kept as text began or ended, in this order.
_TOLD: tuple[tuple[str, SkipKind], ...] = (
    ("the suite means it for ", SkipKind.NOT_MEANT),
    (" does not tell what its operators take", SkipKind.NO_PROFILE),
    (" is fixed at batch ", SkipKind.FIXED_BATCH),
    (" computes in ", SkipKind.PRECISION),
    (" reads ", SkipKind.FORMAT),
    ("has no times of its rounds", SkipKind.NO_TIMES),
)


class SkipV2(Record):
    """With the kind of the reason, and the settings apart."""

    v: int = 2
    device: str
    variant: str
    backend: str
    scenario: str
    kind: SkipKind
    reason: str
    batch: int | None = None
    precision: str = ""


class SkipV1(Record):
    """Until schema 0006: settings stood behind the scenario, the reason was a text."""

    device: str
    variant: str
    backend: str
    scenario: str
    reason: str

    def newer(self) -> SkipV2:
        """Return it with its settings and the kind of its reason, told by its words."""
        scenario, _, settings = self.scenario.partition(" batch ")
        batch, _, precision = settings.partition(" ")
        kind = next((kind for words, kind in _TOLD if words in self.reason), SkipKind.UNBUILT)
        return SkipV2(
            device=self.device, variant=self.variant, backend=self.backend, scenario=scenario,
            kind=kind, reason=self.reason, batch=int(batch) if batch else None,
            precision=precision,
        )  # fmt: skip


def write_skip(skip: Skip) -> dict[str, Any]:
    """Return a skip as JSON types."""
    return written(
        SkipV2(
            device=skip.device,
            variant=skip.variant,
            backend=skip.backend,
            scenario=skip.scenario,
            kind=skip.reason.kind,
            reason=skip.reason.text,
            batch=skip.batch,
            precision=skip.precision,
        )
    )


def read_skip(raw: Mapping[str, Any]) -> Skip:
    """Invert `write_skip`, or raise Misfit."""
    of = parsed("skip", raw, SkipV2, SkipV1)
    reason = SkipReason(of.kind, of.reason)
    return Skip(of.device, of.variant, of.backend, of.scenario, reason, of.batch, of.precision)
