"""Devices against variants on backends: speed-ups in one map, and why fields are empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchhub.model.cell import Skip
from benchhub.model.device import DeviceInfo
from benchhub.model.row import Results, Row, Verdict
from benchhub.model.scenario import Scenario
from benchhub.report.answer.heat_cell import (
    HeatCell,
    about,
    is_measured,
    is_withheld,
    measured_cell,
)
from benchhub.report.tables.points import smallest
from benchhub.report.tables.settings import spoken, varying
from benchhub.text import plural

#: How many samples a median lacks differs from cell to cell; the device's own table tells.
_WITHHELD = (
    "too few launches, or launches too unlike each other, to bound the median: raise launches in"
    " its scenario, or quiet the device"
)

_Place = tuple[str, str, str]  # device, backend, variant


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A field for each device and each (backend, variant), by both, and notes `[a]`, `[b]`.

    `by_device`: better with a line a device, for there are more of them than variants.
    """

    about: str
    devices: tuple[DeviceInfo, ...]
    pairs: tuple[tuple[str, str], ...]
    cells: Mapping[_Place, HeatCell] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def by_device(self) -> bool:
        """Whether devices are the lines: what there is more of is."""
        return len(self.devices) > len(self.pairs)

    def cell(self, device: str, pair: tuple[str, str]) -> HeatCell:
        """Return one field."""
        return self.cells[device, *pair]

    @property
    def shaded(self) -> bool:
        """Whether any speed-up is known."""
        return any(one.shade is not None for one in self.cells.values())


def heat_map(result: Results) -> HeatMap:
    """Return the map of a run: latency, or throughput where no latency was asked for.

    Each field is at the smallest settings that were measured. What is empty says why: skipped or
    failed with a note, or not planned. What was skipped everywhere for one reason is counted in a
    note and left out.
    """
    of = _scenario(result)
    timed = [row for row in result.rows if row.scenario == of and row.runs_model]
    chosen = {(row.device, row.backend, row.variant): row for row in smallest(timed)}
    skips: dict[_Place, Skip] = {}
    for skip in result.skips:
        if skip.scenario == of:
            skips.setdefault((skip.device, skip.backend, skip.variant), skip)
    verdicts: dict[_Place, list[Verdict]] = {}
    for one in result.verdicts:
        verdicts.setdefault((one.device, one.backend, one.variant), []).append(one)
    notes = _Notes()
    cells: dict[_Place, HeatCell] = {}
    pairs, left_out = [], dict[tuple[str, str], int]()
    for pair in _pairs(result, [*chosen, *skips]):
        keys: list[_Place] = [(device.name, *pair) for device in result.devices]
        reasons = {skips[key].reason.text for key in keys if key in skips}
        if not any(key in chosen for key in keys) and len(reasons) == 1:
            why = (pair[0], reasons.pop())
            left_out[why] = left_out.get(why, 0) + 1
            continue
        pairs.append(pair)
        for key, device in zip(keys, result.devices, strict=True):
            row = chosen.get(key)
            if row is not None and is_measured(row):
                cells[key] = measured_cell(row, about(row, verdicts.get(key, ())))
            else:
                cells[key] = _empty(row, skips.get(key), device.error, notes)
    return HeatMap(
        _about(result, of, list(chosen.values())),
        result.devices if pairs else (),
        tuple(pairs),
        cells,
        (*notes.listed(), *_left_out(left_out)),
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


def _scenario(result: Results) -> Scenario:
    of = {row.scenario for row in result.rows if row.runs_model}
    rates = Scenario.THROUGHPUT in of and Scenario.LATENCY not in of
    return Scenario.THROUGHPUT if rates else Scenario.LATENCY


def _pairs(result: Results, found: Sequence[_Place]) -> list[tuple[str, str]]:
    backends = list(dict.fromkeys(row.backend for row in result.rows if row.model_sha256))
    variants = [one.name for one in result.variants]

    def place(pair: tuple[str, str]) -> tuple[int, int]:
        backend, variant = pair
        return (
            backends.index(backend) if backend in backends else len(backends),
            variants.index(variant) if variant in variants else len(variants),
        )

    return sorted(dict.fromkeys((backend, variant) for _, backend, variant in found), key=place)


def _about(result: Results, of: Scenario, rows: Sequence[Row]) -> str:
    """What a field shows, and the smallest settings in words, where they are the same in all."""
    main = "cases a second" if of is Scenario.THROUGHPUT else "median latency"
    known = any(row["speedup"].value is not None for row in rows)
    said = f"Speed-up over the base variant, and {main}" if known else main.capitalize()
    if not rows:
        return said
    same = [name for name in ("threads", "batch") if name not in varying(rows)]
    return f"{said}, at {spoken(rows[0], same) if same else 'the smallest settings'}"


def _empty(row: Row | None, skip: Skip | None, lost: str | None, notes: _Notes) -> HeatCell:
    if row is None:
        if lost:
            return HeatCell(f"not measured {notes.mark(lost)}", mark="absent")
        if skip is None:
            return HeatCell("not planned", mark="absent")
        return HeatCell(f"skipped {notes.mark(skip.reason.text)}", mark="absent")
    if is_withheld(row):
        return HeatCell(f"withheld {notes.mark(_WITHHELD)}", mark="absent", row=row)
    mark = "failed" if row.status == "failed" else "absent"
    why = row.reason or "no reason recorded"
    return HeatCell(f"{row.status} {notes.mark(why)}", mark=mark, row=row)


def _left_out(of: Mapping[tuple[str, str], int]) -> list[str]:
    return [
        f"Left out on {backend}, which runs none of them on any device: "
        + "; ".join(f"{plural(n, 'variant')} ({why})" for (b, why), n in of.items() if b == backend)
        for backend in dict.fromkeys(backend for backend, _ in of)
    ]
