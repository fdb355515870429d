"""Sessions of other programs as a run: each is one launch, of samples or of sums as told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath

from benchhub.errors import ConfigError
from benchhub.model.cell import Cell, Plan
from benchhub.model.device import DeviceInfo
from benchhub.model.facts import Provenance
from benchhub.model.launch import Details, Launch
from benchhub.outside.masked import masked
from benchhub.report.interchange.imported_run import UNKNOWN, ImportedRun, foreign_run
from benchhub.report.interchange.sessions.session import Session


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A file's sessions, its name, its sha256, and when it was written."""

    name: str
    sha256: str
    written_at: datetime
    sessions: tuple[Session, ...]

    @property
    def at(self) -> datetime:
        """When its first session was, as it tells; else when the file was written."""
        return self.sessions[0].at or self.written_at


def run_of_sessions(
    files: Sequence[SessionFile],
    run_id: str,
    device: str | None,
    suite: str | None,
    variant: str | None,
) -> ImportedRun:
    """Return the run of `files`, oldest first; ConfigError without a device, or for one twice."""
    if not device:
        raise ConfigError(
            f"{files[0].name}: {files[0].sessions[0].program} names no machine; add --device NAME"
        )
    _check_twice(files)
    info = DeviceInfo(device, "imported", emulated=False)
    counts: Counter[str] = Counter()
    launches = []
    for file in files:
        for session in file.sessions:
            cell = _cell(session, file, device, variant)
            launches.append(_launch(run_id, cell, counts[cell.key], file, session))
            counts[cell.key] += 1
    programs = sorted({session.program for file in files for session in file.sessions})
    name = suite or "+".join(programs)
    told = {
        "imported": ", ".join(programs),
        "imported files": ", ".join(file.name for file in files),
        "imported sha256": ", ".join(file.sha256 for file in files),
    }
    run = foreign_run(run_id, name, info, (files[0].at, files[-1].at), Provenance(told))
    cells = {launch.cell.key: launch.cell for launch in launches}
    return ImportedRun(run, Plan(tuple(cells.values()), ()), (info,), (), tuple(launches))


def _check_twice(files: Sequence[SessionFile]) -> None:
    """LoadGen writes each result into two files, and a session must not count twice."""
    seen: dict[tuple[object, ...], str] = {}
    for file in files:
        for session in file.sessions:
            if session.program != "LoadGen":
                continue
            same = (session.variant, session.scenario, *sorted(session.told.items()))
            if same in seen:
                raise ConfigError(
                    f"{file.name}: tells the same session as {seen[same]}; import one of them"
                )
            seen[same] = file.name


def _cell(session: Session, file: SessionFile, device: str, variant: str | None) -> Cell:
    return Cell(
        device=device,
        variant=masked(variant or session.variant or PurePath(file.name).stem),
        model_sha256=UNKNOWN,
        backend=session.backend,
        scenario=session.scenario,
        batch=session.batch,
        threads=session.threads,
        precision=session.precision,
        launches=1,
        iterations=0,
        max_timed_s=0.0,
        concurrency=session.concurrency,
        rate_per_s=session.rate_per_s,
        arrivals="poisson" if session.rate_per_s else "",
    )


def _launch(run: str, cell: Cell, index: int, file: SessionFile, session: Session) -> Launch:
    details = {"imported": session.program, "file": file.name, **session.further}
    if session.told:
        details |= {"sums": dict(session.told), "sums_as": session.as_told}
    return Launch(
        run=run,
        cell=cell,
        index=index,
        attempt=0,
        round=index,
        started_at=(session.at or file.written_at).astimezone(UTC).isoformat(timespec="seconds"),
        status="finished",
        failure=None,
        samples_ns=session.samples_ns,
        warmup_ns=session.samples_ns[:0],
        tracks_ns=session.tracks_ns,
        backend_version=session.version,
        provider=session.provider,
        precision=session.precision or None,
        details=Details(details),
        load_ns=session.load_ns,
        first_inference_ns=session.first_inference_ns,
    )
