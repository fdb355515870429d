"""Which cells give the reference where a device does, and why there is none; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Launch, RunInfo
from benchhub.model.quality import AnswerKey
from benchhub.model.scenario import Scenario


def reference_cells(cells: Iterable[Cell], variant: str, device: str) -> tuple[Cell, ...]:
    """Return the cells that a variant's reference may be of, one a backend, in the plan's order.

    Each is the first one of quality at the smallest batch, at float32 where that is computed.
    """
    found: dict[str, Cell] = {}
    for cell in cells:
        if (cell.device, cell.variant, cell.scenario) != (device, variant, Scenario.QUALITY):
            continue
        known = found.get(cell.backend)
        if known is None or _before(cell) < _before(known):
            found[cell.backend] = cell
    return tuple(found.values())


def _before(cell: Cell) -> tuple[int, bool]:
    return cell.batch, cell.precision != "f32"


def missing_reference(
    run: RunInfo, cells: Sequence[Cell], launches: Sequence[Launch], devices: Sequence[DeviceInfo]
) -> str:
    """Return why a run whose reference was to come from a device has none."""
    device = run.provenance.reference_device
    known = {cell.key: cell for cell in reference_cells(cells, run.baseline, device)}
    failed = [one for one in launches if one.cell.key in known and one.status == "failed"]
    what = f"there is no reference: {run.baseline} on {device}"
    if failed:
        cell, failure = failed[-1].cell, failed[-1].failure
        why = f"{failure.stage}: {failure.kind}: {failure.message}" if failure else "it failed"
        return f"{what} and {cell.backend} was to give it, and failed: {why}"
    error = next((one.error for one in devices if one.name == device and one.error), None)
    return f"{what} was to give it, and was not measured" + (f": {error}" if error else "")


def reference_told(run: RunInfo, answer_key: AnswerKey | None, missing: str) -> dict[str, str]:
    """Return what provenance says of outputs that are not compared, and of a device's reference.

    Of that it says nothing where no device was to give it.
    """
    aside = answer_key.uncompared if answer_key else {}
    told = {"outputs not compared": "; ".join(aside.values())} if aside else {}
    if not run.provenance.reference_device:
        return told
    if answer_key is None or answer_key.measured is None:
        return {"reference": missing, **told}
    of = answer_key.measured
    where = f"{run.baseline} {of.where}: launch of {of.started_at}, cell {of.cell}"
    return {"reference": where, **told}
