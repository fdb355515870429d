"""The runs of a suite from the store, and the models that they measured."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchhub.config.fleet.chosen import Choice, places, profiles
from benchhub.config.fleet.words import meant
from benchhub.errors import ConfigError, StoreError, nearest
from benchhub.model.launch import RunInfo
from benchhub.model.request import ABRequest
from benchhub.results.compare.history import HistoryPoint, Screened
from benchhub.store import Store


@dataclass(frozen=True, slots=True)
class History:
    """The timed cells of a suite's runs, oldest run first, and why runs were left out."""

    points: tuple[HistoryPoint, ...]
    left_out: tuple[str, ...] = ()


def history(store: Store, suite: str, devices: Sequence[str] = ()) -> History:
    """Return every timed cell of every run of a suite; a run that cannot be read is left out.

    ConfigError: there is no such run. StoreError: none of them can be read.
    """
    runs = store.runs()
    mine = [run for run in runs if run.suite == suite]
    if not mine:
        known = {run.suite for run in runs}
        raise ConfigError(f"no run of a suite {suite} in the store{nearest(suite, known)}")
    found: list[HistoryPoint] = []
    damaged: list[StoreError] = []
    for run in mine:
        try:
            found += _of_run(store, run)
        except StoreError as error:
            damaged.append(error)
    if damaged and len(damaged) == len(mine):
        raise damaged[0]
    labels: dict[str, Mapping[str, str]] = {}
    for point in found:  # those of the newest run count
        labels[point.cell.device] = point.device.labels if point.device else {}
    asked = meant(devices, labels)
    for device in asked:
        if device not in labels:
            near = nearest(device, labels)
            raise ConfigError(f"device {device} was measured in no run of {suite}{near}")
    kept = (one for one in found if not asked or one.cell.device in asked)
    return History(tuple(kept), tuple(map(str, damaged)))


def _of_run(store: Store, run: RunInfo) -> list[HistoryPoint]:
    infos = {info.name: info for info in store.devices(run.id)}
    return [
        HistoryPoint(
            run.id,
            run.started_at,
            one.cell,
            one.p50s_ns,
            one.backend_version,
            run.provenance.get("benchhub") or None,
            infos.get(one.cell.device),
        )
        for one in store.medians.of(run.id)
    ]


def confirmation(
    store: Store, screened: Screened, project: Path, extra: Sequence[Path]
) -> ABRequest | str:
    """Return what re-measures old against new, or why that cannot be done and what to do.

    Old is the model before the change, new that of the newest run. Their files are looked for where
    their runs had them and among `extra`, by content. Only where the model file changed there are
    two to measure.
    """
    assert screened.before is not None
    old, new = screened.before, screened.points[-1]
    cell = new.cell
    if not cell.runs_model:
        return "no model runs in this cell: the device or the harness changed"
    if old.cell.model_sha256 == cell.model_sha256:
        return (
            "the model file is the same: look at what else changed, or go back to it and run"
            " the suite again"
        )
    if cell.scenario != "latency":
        return "only latency cells are re-measured; screen one at the same batch"
    files = []
    for point in (old, new):
        sha256 = point.cell.model_sha256
        path = _find(store, point.run, sha256, extra)
        if path is None:
            return (
                f"the model of run {point.run} (sha256 {sha256[:12]}) is no longer where it was;"
                " give the file with --model FILE"
            )
        files.append(path)
    import json

    return ABRequest(
        suite="ab",
        devices=(place_of(store, new.run, cell.device, project),),
        backends=(cell.backend,),
        model_a=str(files[0]),
        model_b=str(files[1]),
        names=(f"{old.cell.variant} of {old.run}", f"{cell.variant} of {new.run}"),
        batch=cell.batch,
        threads=cell.threads,
        precision=cell.precision,
        options=json.loads(cell.options),
    )


def _find(store: Store, run: str, sha256: str, extra: Sequence[Path]) -> Path | None:
    recorded = [variant.path for variant in store.variants(run) if variant.sha256 == sha256]
    for path in (*recorded, *extra):
        if path.is_file() and _sha256(path) == sha256:
            return path.resolve()
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def place_of(store: Store, run: str, device: str, project: Path) -> str:
    """Return where the profile is that the run used, or else the one of that name."""
    for place in store.run(run).request.devices:
        with contextlib.suppress(ConfigError):  # it is gone
            if profiles([place])[0].name == device:
                return place
    return places(Choice((device,)), project)[0]
