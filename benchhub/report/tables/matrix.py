"""The overview at the top of a report: every backend and variant on every device, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model.cell import Skip
from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results, Row
from benchhub.model.scenario import Scenario
from benchhub.report.tables.emulated import emulation_words
from benchhub.report.tables.points import flags_that_matter, partner, smallest
from benchhub.report.tables.settings import spoken, varying
from benchhub.report.tables.table import Column, Table, TableCell, text
from benchhub.text import number, plural


@dataclass(frozen=True, slots=True)
class Matrix:
    """The table, and the notes that its marks `[a]`, `[b]` refer to."""

    table: Table
    notes: tuple[str, ...]


def matrix(result: Results) -> Matrix:
    """Median latency and quality loss of every backend and variant by device.

    Each cell is at the smallest settings that were measured; emulated devices come last. What is
    empty says why: skipped or failed with a note, or not planned. What was skipped everywhere for
    one reason is left out of the table and counted in a note.
    """
    timed = [r for r in result.rows if r.scenario == Scenario.LATENCY and r.runs_model]
    chosen = {(r.device, r.backend, r.variant): r for r in smallest(timed)}
    skips: dict[tuple[str, str, str], list[Skip]] = {}
    for skip in result.skips:
        if skip.scenario == Scenario.LATENCY:
            skips.setdefault((skip.device, skip.backend, skip.variant), []).append(skip)
    devices = sorted(result.devices, key=lambda device: device.emulated)
    names = [device.name for device in devices]
    pairs = list(
        dict.fromkeys(
            (backend, variant)
            for _, backend, variant in sorted(
                [*chosen, *skips], key=lambda key: _place(result, key[1], key[2])
            )
        )
    )
    notes = _Notes()
    body, left_out = [], dict[tuple[str, str], int]()
    for backend, variant in pairs:
        keys = [(device, backend, variant) for device in names]
        reasons = {skips[key][0].reason.text for key in keys if key in skips}
        if not any(key in chosen for key in keys) and len(reasons) == 1:
            why = (backend, reasons.pop())
            left_out[why] = left_out.get(why, 0) + 1
            continue
        cells = [
            _cell(result, chosen.get(key), skips.get(key), device.error, notes)
            for key, device in zip(keys, devices, strict=True)
        ]
        body.append((text(backend), text(variant), *cells))
    said = [
        f"Left out on {backend}, which runs none of them on any device: "
        + "; ".join(
            f"{plural(n, 'variant')} ({why})" for (b, why), n in left_out.items() if b == backend
        )
        for backend in dict.fromkeys(backend for backend, _ in left_out)
    ]
    heads = [Column("Backend"), Column("Variant"), *map(_head, devices)]
    below = "" if result.run.kind.without_answers else ", and below it the quality loss"
    caption = f"Median latency{below}{_at(list(chosen.values()))}"
    table = Table("overview", caption, tuple(heads), tuple(body))
    return Matrix(table, (*notes.listed(), *said))


#: How many samples a median lacks differs from cell to cell; the device's own table tells.
_WITHHELD = (
    "too few launches, or launches too unlike each other, to bound the median: raise launches in"
    " [scenarios.latency], or quiet the device"
)


class _Notes:
    """Reasons by letter, in the order they are first needed."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def mark(self, reason: str) -> str:
        number_of = len(self._letters)
        letter = chr(97 + number_of % 26) * (1 + number_of // 26)
        return f"[{self._letters.setdefault(reason, letter)}]"

    def listed(self) -> list[str]:
        return [f"[{letter}] {reason}" for reason, letter in self._letters.items()]


def _place(result: Results, backend: str, variant: str) -> tuple[int, int]:
    backends = list(dict.fromkeys([r.backend for r in result.rows if r.model_sha256]))
    variants = [v.name for v in result.variants]
    return (
        backends.index(backend) if backend in backends else len(backends),
        variants.index(variant) if variant in variants else len(variants),
    )


def _head(device: DeviceInfo) -> Column:
    words = emulation_words(device)
    return Column(f"{device.name} ms", True, f"{words}, not ranked" if words else "")


def _at(rows: Sequence[Row]) -> str:
    """The smallest settings in words, where they are the same in all cells."""
    if not rows:
        return ""
    same = [name for name in ("threads", "batch") if name not in varying(rows)]
    return f", at {spoken(rows[0], same)}" if same else ", at the smallest settings"


def _cell(
    result: Results, row: Row | None, skips: list[Skip] | None, lost: str | None, notes: _Notes
) -> TableCell:
    if row is None:
        if lost:
            return TableCell(f"not measured {notes.mark(lost)}", mark="absent")
        if not skips:
            return TableCell("not planned", mark="absent")
        return TableCell(f"skipped {notes.mark(skips[0].reason.text)}", mark="absent")
    median = row["p50_ms"]
    if median.value is None and not median.withheld:
        mark = "fail" if row.status == "failed" else "absent"
        return TableCell(
            f"{row.status} {notes.mark(row.reason or 'no reason recorded')}", mark=mark
        )
    quality = partner(row, result.rows, "quality_loss")
    below = [_loss(quality)] if quality else []
    if median.value is None:
        return TableCell(f"withheld {notes.mark(_WITHHELD)}", mark="absent", below="; ".join(below))
    flags = ", ".join(dict.fromkeys(flag.name for flag in flags_that_matter(row)))
    return TableCell(
        number(median.value),
        median.value,
        mark="doubt" if flags else "",
        below="; ".join([*below, *([flags] if flags else [])]),
    )


def _loss(quality: Row) -> str:
    loss = quality["quality_loss"]
    if loss.by_definition:
        return "baseline"
    return f"loss {round(loss.value or 0.0, 4) + 0.0:.4f}"
