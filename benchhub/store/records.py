"""Turns the model's types into rows of the tables and back."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import RowMapping, Table

from benchhub.model.arrays import Array
from benchhub.model.asked import Budget
from benchhub.model.cell import Cell, Plan, Variant
from benchhub.model.claim import Claim
from benchhub.model.launch import Details, Launch, RunInfo
from benchhub.model.quality import AnswerKey, OwnReference
from benchhub.ondevice.wire import Failure
from benchhub.outside.masked import all_masked, masked
from benchhub.store import schema
from benchhub.store.blobs import pack_array, pack_ns, unpack_array, unpack_ns
from benchhub.store.reached import Tried
from benchhub.store.stored.budget import write_budget
from benchhub.store.stored.cell import read_cell, write_cell
from benchhub.store.stored.claim import write_claim
from benchhub.store.stored.conditions import read_conditions, write_conditions
from benchhub.store.stored.launch import misfit, unreadable, unreadable_because
from benchhub.store.stored.reading import read_reading, write_reading
from benchhub.store.stored.record import Misfit
from benchhub.store.stored.reference import read_reference_launch, write_reference_launch
from benchhub.store.stored.run import write_run
from benchhub.store.stored.skip import write_skip
from benchhub.store.stored.truth import check_truth
from benchhub.store.stored.variant import write_variant
from benchhub.text import instant, visible

#: Rows by their table, in the order in which they can be written.
Rows = list[tuple[Table, list[dict[str, Any]]]]
#: Finds rows.
Find = Callable[[sa.Select[Any]], Sequence[RowMapping]]
#: So many launches are read at a time.
_CHUNK = 250
#: Fields of a launch that are columns as they stand.
_PLAIN = (
    "run", "attempt", "round", "started_at", "status", "import_ns", "load_ns",
    "first_inference_ns", "elapsed_ns", "imported_rss_bytes", "peak_rss_bytes", "memory_reset",
    "wall_ns", "involuntary_switches", "backend_version", "provider", "precision", "clock",
    "energy_uj", "energy_elapsed_ns", "energy_source", "gpu_bytes", "gpu_source",
)  # fmt: skip
_NO_NS = np.empty(0, dtype=np.int64)


def run_rows(
    run: RunInfo,
    plan: Plan,
    variants: Sequence[Variant],
    budgets: Sequence[Budget],
    claims: Sequence[Claim],
) -> Rows:
    """Return the rows of a new run without launches, its own first."""
    row = write_run(run)
    row["provenance"] = all_masked(row["provenance"])
    row["budgets"] = [write_budget(budget) for budget in budgets]
    row["skips"] = [all_masked(write_skip(skip)) for skip in plan.skips]
    cells = [cell_row(run.id, position, cell) for position, cell in enumerate(plan.cells)]
    made = [
        {"run": run.id, "position": position, "info": _variant(variant)}
        | {name: getattr(variant, name) for name in ("name", "sha256", "model_bytes", "params")}
        for position, variant in enumerate(variants)
    ]
    held = [
        {"run": run.id, "position": position, "info": all_masked(write_claim(claim))}
        for position, claim in enumerate(claims)
    ]
    return [
        (schema.runs, [row]), (schema.cells, cells), (schema.variants, made),
        (schema.claims, held),
    ]  # fmt: skip


def _variant(variant: Variant) -> dict[str, Any]:
    info = write_variant(variant)
    return info | {"provenance": all_masked(info["provenance"])}


def answer_key_rows(run: str, answer_key: AnswerKey) -> Rows:
    """Return the rows of an answer key, that of `truths` first."""
    references = [
        {"run": run, "position": position, "data": pack_array(array)}
        for position, array in enumerate(answer_key.reference)
    ]
    return [
        (schema.truths, [answer_key_row(run, answer_key)]),
        (schema.references, references),
        (schema.own_references, own_reference_rows(run, answer_key)),
    ]


def cell_row(run: str, position: int, cell: Cell) -> dict[str, Any]:
    """Return the row of `cells` for a planned cell."""
    names = ("device", "variant", "backend", "scenario", "batch", "threads")
    columns = {name: getattr(cell, name) for name in names}
    return {**columns, "run": run, "key": cell.key, "position": position, "info": write_cell(cell)}


def answer_key_from(
    row: RowMapping, references: Sequence[bytes], own: Sequence[RowMapping] = ()
) -> AnswerKey:
    """Return the answer key in a row of `truths`, reference blobs and rows of `own_references`."""
    check_truth(dict(row))
    info = dict(row["info"])
    return AnswerKey(
        metric=_text(row["metric"]),
        varying="".join(info.pop("varying", ())),
        uncompared={int(at): why for at, why in info.pop("uncompared", ())},
        measured=read_reference_launch(measured) if (measured := info.pop("measured", 0)) else None,
        labels=unpack_array(row["labels"]),
        reference=tuple(unpack_array(blob) for blob in references),
        also=tuple(map(_text, row["also"] or ())),
        predict=_text(row["predict"] or ""),
        predictions=_unpacked(row["predictions"]),
        sketch=_unpacked(row["sketch"]),
        spreads=tuple(row["spreads"] or ()),
        own=_own_references_from(own),
        readings={name: read_reading(one) for name, one in (row["readings"] or {}).items()},
        own_scores=_unpacked(row["own_scores"]),
        **{name: tuple(map(_text, values)) for name, values in info.items()},
    )


def _text(value: object) -> str:
    """Return a value that should be text; in SQLite a column takes any kind."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where text belongs")
    return value


def answer_key_row(run: str, answer_key: AnswerKey) -> dict[str, Any]:
    """Return the row of `truths`, without the reference arrays."""
    info = {name: list(getattr(answer_key, name)) for name in ("ids", "groups", "label_names")}
    if answer_key.varying:
        info["varying"] = [answer_key.varying]
    if answer_key.uncompared:
        info["uncompared"] = [list(one) for one in sorted(answer_key.uncompared.items())]
    if answer_key.measured:
        info["measured"] = write_reference_launch(answer_key.measured)  # type: ignore[assignment]
    return {
        "run": run,
        "metric": answer_key.metric,
        "info": info,
        "labels": pack_array(answer_key.labels),
        "also": list(answer_key.also),
        "predict": answer_key.predict or None,
        "predictions": _packed(answer_key.predictions),
        "sketch": _packed(answer_key.sketch),
        "spreads": list(answer_key.spreads),
        "readings": {name: write_reading(one) for name, one in answer_key.readings.items()},
        "own_scores": _packed(answer_key.own_scores),
    }


def own_reference_rows(run: str, answer_key: AnswerKey) -> list[dict[str, Any]]:
    """Return the rows of `own_references`: one a variant and output."""
    return [
        {"run": run, "variant": name, "position": position}
        | {"spread": own.spreads[position], "data": pack_array(array)}
        for name, own in answer_key.own.items()
        for position, array in enumerate(own.outputs)
    ]


def _own_references_from(rows: Sequence[RowMapping]) -> dict[str, OwnReference]:
    found: dict[str, list[RowMapping]] = {}
    for row in rows:
        found.setdefault(row["variant"], []).append(row)
    return {
        name: OwnReference(
            tuple(unpack_array(row["data"]) for row in of),
            tuple(float(row["spread"]) for row in of),
        )
        for name, of in found.items()
    }


def launch_row(launch: Launch) -> tuple[dict[str, Any], list[bytes]]:
    """Return the row of `launches` and the output blobs; `digest` covers all of it."""
    samples, failure = launch.samples_ns, launch.failure
    ordered = np.sort(samples)
    row = {name: getattr(launch, name) for name in _PLAIN}
    row |= {
        "cell": launch.cell.key,
        "launch": launch.index,
        "failure_stage": failure.stage if failure else None,
        "failure_kind": failure.kind if failure else None,
        "failure_message": masked(failure.message) if failure else None,
        "samples_count": int(samples.size),
        "p50_ns": round(quantile(ordered, 0.5)) if samples.size else None,
        "p95_ns": round(quantile(ordered, 0.95)) if samples.size else None,
        "mean_ns": float(samples.mean()) if samples.size else None,
        "details": _without_secrets(json.dumps(dict(launch.details.told))),
        "before": write_conditions(launch.before) if launch.before else None,
        "after": write_conditions(launch.after) if launch.after else None,
        "samples": pack_ns(samples),
        "warmup": pack_ns(launch.warmup_ns),
        "tracks": {
            name: base64.b64encode(pack_ns(series)).decode("ascii")
            for name, series in launch.tracks_ns.items()
        },
    }
    outputs = [pack_array(array) for array in launch.outputs]
    # What came later counts only where it is there: the digests of older launches stay.
    later = {
        "predictions": _packed(launch.predictions),
        "postprocess": pack_ns(launch.postprocess_ns) if launch.postprocess_ns.size else None,
        "own_scores": _packed(launch.own_scores),
    }
    row["digest"] = digest_of(row, [*outputs, *(one for one in later.values() if one is not None)])
    return row | later, outputs


def digest_of(told: Mapping[str, Any], blobs: Sequence[bytes]) -> str:
    """Return the digest of a launch's columns by name, and of the blobs that follow them."""
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=_hex).encode())
    for blob in blobs:
        digest.update(blob)
    return digest.hexdigest()


def quantile(ordered: Array, q: float) -> float:
    """Return what `numpy.quantile` makes of values in their order, of which there are some.

    That takes a tenth of a millisecond, as long as all of a launch's samples take to be packed.
    """
    place = (len(ordered) - 1) * q
    low = int(place)
    share = place - low
    below, above = float(ordered[low]), float(ordered[min(low + 1, len(ordered) - 1)])
    step = above - below
    return below + step * share if share < 0.5 else above - step * (1 - share)


def attempt_from(row: RowMapping) -> Tried:
    """Return what a row of `launches` says without its arrays; failed where it cannot be read."""
    status, failure = str(row["status"]), None
    if (why := misfit(dict(row)) or _misfit_conditions(row)) is not None:
        status, failure = "failed", unreadable_because(why)
    elif row["failure_kind"] is not None:
        failure = Failure(row["failure_stage"], row["failure_kind"], row["failure_message"])
    index, number, turn = (_whole(row[name]) for name in ("launch", "attempt", "round"))
    return Tried(str(row["cell"]), index, number, turn, status, failure)


def launch_from(row: RowMapping, cell: Cell, outputs: Sequence[bytes]) -> Launch:
    """Invert `launch_row`; a launch that cannot be read, as earlier versions kept some, failed."""
    why = misfit(dict(row))
    try:
        if why is None:
            return _launch_from(row, cell, outputs)
    except Misfit as error:
        why = error.why
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it is wrong with this one
        why = visible(str(error) or type(error).__name__)[:300]
    return unreadable(dict(row), cell, why, _NO_NS)


def _launch_from(row: RowMapping, cell: Cell, outputs: Sequence[bytes]) -> Launch:
    failure = None
    if row["failure_kind"] is not None:
        failure = Failure(row["failure_stage"], row["failure_kind"], row["failure_message"])
    return Launch(
        **{name: row[name] for name in _PLAIN},
        cell=cell,
        index=row["launch"],
        failure=failure,
        samples_ns=unpack_ns(row["samples"]),
        warmup_ns=unpack_ns(row["warmup"]),
        outputs=tuple(unpack_array(blob) for blob in outputs),
        details=Details(row["details"]),
        before=read_conditions(row["before"]) if row["before"] else None,
        after=read_conditions(row["after"]) if row["after"] else None,
        tracks_ns={
            name: unpack_ns(base64.b64decode(packed))
            for name, packed in (row["tracks"] or {}).items()
        },
        predictions=_unpacked(row["predictions"]),
        postprocess_ns=unpack_ns(row["postprocess"]) if row["postprocess"] else _NO_NS,
        own_scores=_unpacked(row["own_scores"]),
    )


@functools.lru_cache(maxsize=256)
def _without_secrets(details: str) -> dict[str, Any]:
    """Return details without what is secret; those of most launches of a run are the same."""
    found: dict[str, Any] = all_masked(json.loads(details))
    return found


def _misfit_conditions(row: RowMapping) -> str | None:
    try:
        for name in ("before", "after"):
            if row[name]:
                read_conditions(row[name])
    except Misfit as error:
        return error.why
    return None


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _packed(array: Array | None) -> bytes | None:
    return None if array is None else pack_array(array)


def _unpacked(blob: bytes | None) -> Array | None:
    return None if blob is None else unpack_array(blob)


def _hex(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} cannot be stored: use plain JSON types")


def launches_of(rows: Find, run: str, cell: str | None, until: int | None) -> Iterator[Launch]:
    """Yield launches as `Store.launches` does; `rows` reads, a part of them at a time."""
    table, outputs = schema.launches, schema.outputs
    planned = schema.cells.select().where(schema.cells.c.run == run)
    wanted = sa.select(table.c.id, table.c.started_at).where(table.c.run == run)
    if cell is not None:
        wanted = wanted.where(table.c.cell == cell)
        planned = planned.where(schema.cells.c.key == cell)
    if until is not None:
        wanted = wanted.where(table.c.id <= until)
    cells = {row["key"]: read_cell(row["info"]) for row in rows(planned)}
    found = rows(wanted.order_by(table.c.id))
    ids = [row["id"] for row in sorted(found, key=lambda row: instant(row["started_at"]))]
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        read = {row["id"]: row for row in rows(table.select().where(table.c.id.in_(chunk)))}
        blobs: dict[int, list[bytes]] = defaultdict(list)
        kept = outputs.select().where(outputs.c.launch_id.in_(chunk))
        for row in rows(kept.order_by(outputs.c.launch_id, outputs.c.position)):
            blobs[row["launch_id"]].append(row["data"])
        for key in chunk:
            if key in read:  # it may have been deleted meanwhile
                yield launch_from(read[key], cells[read[key]["cell"]], blobs[key])
