"""`benchhub devices provision`: environments with the backends, on devices that lack them."""

from __future__ import annotations

import dataclasses
import json as jsonlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import typer

from benchhub.cli import project
from benchhub.outside.faults import of_device
from benchhub.outside.masked import all_masked

if TYPE_CHECKING:
    from benchhub.device.provision.install import Provisioned
    from benchhub.device.provision.lock import Lock
    from benchhub.device.session import DeviceSession
    from benchhub.model.device import DeviceProfile

#: One line of the answer, as --json has it.
Row = dict[str, Any]


def provision(
    device: list[str] = typer.Argument(None, help="Devices (default: localhost)"),
    backend: list[str] = typer.Option(
        None, "--backend", metavar="NAME",
        help="Repeatable (default: onnxruntime, openvino and tflite, where they exist)",
    ),
    offline: bool = typer.Option(
        False, "--offline",
        help="Fetch the wheels here and push them, for devices without internet or pip",
    ),
    remove: bool = typer.Option(False, "--remove", help="Delete environments instead"),
    json: bool = project.JSON,
) -> None:  # fmt: skip
    """Give devices an isolated environment per backend; exit 3 where one cannot be made."""
    from benchhub.config.catalogue import check_own, profile_file
    from benchhub.config.suite import load_profile
    from benchhub.device.provision.lock import defaults, owner, shipped
    from benchhub.errors import DeviceError

    named = backend or defaults()
    owners = sorted({owner(name).name for name in named})
    locks = {} if remove else {name: shipped(name) for name in named}
    profiles = [
        load_profile(profile_file(name, project.folder())) for name in device or ["localhost"]
    ]
    for profile in profiles:
        check_own(profile.name, profile.host)
    rows: list[Row] = []
    for profile in profiles:
        try:
            with of_device(profile.name), _open(profile) as session:
                if remove:
                    new = _remove(session, owners if backend else None)
                else:
                    new = _provision(session, locks, offline, required=bool(backend))
                for row in new:
                    rows.append(row)
                    _tell(row, json)
        except DeviceError as error:
            rows.append({"device": profile.name, "backend": None, "error": str(error)})
            _tell(rows[-1], json)
    if json:
        typer.echo(jsonlib.dumps(all_masked(rows), indent=2))
    if any("error" in row for row in rows):
        raise typer.Exit(3)


def _open(profile: DeviceProfile) -> DeviceSession:
    from benchhub.device.again import again
    from benchhub.device.runner import build_runner
    from benchhub.device.session import DeviceSession, holder

    runner, mine = build_runner(), holder("provisioning")
    return again(lambda: DeviceSession.open(profile, runner, mine), project.note)


def _provision(
    session: DeviceSession, locks: dict[str, tuple[Lock, ...]], offline: bool, required: bool
) -> Iterator[Row]:
    """Yield a row per backend; one that was not asked for by name may be absent."""
    from benchhub.device.provision.install import provision as make
    from benchhub.device.provision.lock import pinned
    from benchhub.errors import BackendError, DeviceError, Unreachable

    cache = project.cache() / "wheels"
    target, _ = session.environments()
    skipped: list[Row] = []
    for name, choices in locks.items():
        row: Row = {"device": session.name, "backend": name}
        try:
            pinned(choices, target)
        except BackendError as error:
            skipped.append({**row, "skipped" if not required else "error": str(error)})
            continue
        say = _sayer(f"{session.name}: {name}")
        try:
            # What registers a third party's backend comes from here, and the rest with it.
            pushed = offline or any(lock.carried for lock in choices)
            yield {**row, **_done(make(session, choices, cache if pushed else None, say))}
        except Unreachable as error:
            again = "; what arrived is kept, run the same command again"
            yield {**row, "error": f"{error}{again}"}
            return
        except DeviceError as error:
            yield {**row, "error": str(error)}
    if len(skipped) == len(locks):
        skipped = [{**row, "error": row.get("error") or row["skipped"]} for row in skipped]
    yield from skipped


def _done(done: Provisioned) -> Row:
    return {
        **dataclasses.asdict(done.environment),
        "built": done.built,
        "moved_bytes": done.moved_bytes,
        "elapsed_s": round(done.elapsed_s, 2),
    }


def _remove(session: DeviceSession, backends: list[str] | None) -> Iterator[Row]:
    removed = session.unprovision(backends)
    if not removed:
        yield {"device": session.name, "backend": None, "removed": None, "freed_bytes": 0}
    for one in removed:
        yield {
            "device": session.name, "backend": None, "removed": one.name,
            "freed_bytes": one.freed_bytes,
        }  # fmt: skip


def _sayer(prefix: str) -> Callable[[str], None]:
    return lambda text: project.note(f"{prefix}: {text}")


def _tell(row: Row, json: bool) -> None:
    if "error" in row:
        project.problem(row["error"])
    elif "skipped" in row:
        project.note(f"skipped: {row['skipped']}")
    elif not json:
        typer.echo(f"{row['device']}: {_text(row)}")


def _text(row: Row) -> str:
    if "removed" in row:
        if row["removed"] is None:
            return "nothing to remove"
        return f"removed {row['removed']}, {row['freed_bytes'] / 1e6:.1f} MB"
    what = f"{row['backend']} {row['version']}"
    if not row["built"]:
        return f"{what} is ready already: nothing to do, 0 bytes"
    return (
        f"{what} is ready for Python {row['python_version']}: {len(row['packages'])} packages, "
        f"{row['size_bytes'] / 1e6:.0f} MB, {row['moved_bytes'] / 1e6:.1f} MB pushed, "
        f"{row['elapsed_s']:.1f} s"
    )
