"""`benchhub devices provision`: environments with the backends, on devices that lack them."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json as jsonlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from benchhub.cli import project
from benchhub.cli.devices.asked import RERUN_FAILED
from benchhub.outside.masked import all_masked

if TYPE_CHECKING:
    from benchhub.cli.devices.asked import AskedDevices
    from benchhub.cli.devices.together import DeviceLine
    from benchhub.device.provision.install import Provisioned
    from benchhub.device.provision.lock import Lock
    from benchhub.device.session import DeviceSession
    from benchhub.model.device import DeviceProfile
    from benchhub.run.devices.side_by_side import Answer
    from benchhub.run.loop.engine import Sessions

#: One line of the answer, as --json has it.
Row = dict[str, Any]


def provision(
    device: list[str] = project.DEVICES,
    backend: list[str] = typer.Option(
        None, "--backend", metavar="NAME",
        help="Repeatable (default: onnxruntime, openvino and tflite, where they exist)",
    ),
    offline: bool = typer.Option(
        False, "--offline",
        help="Fetch the wheels here and push them, for devices without internet or pip",
    ),
    remove: bool = typer.Option(False, "--remove", help="Delete environments instead"),
    exclude: list[str] = project.EXCLUDE,
    rerun_failed: bool = RERUN_FAILED,
    json: bool = project.JSON,
) -> None:  # fmt: skip
    """Give devices an isolated environment per backend; exit 3 where one cannot be made."""
    from benchhub.cli.devices.asked import asked
    from benchhub.cli.devices.together import print_rows, together
    from benchhub.device.provision.lock import defaults, owner, shipped

    named = backend or defaults()
    owners = sorted({owner(name).name for name in named})
    locks = {} if remove else {name: shipped(name) for name in named}
    group = asked("provision", device, exclude, rerun_failed)
    alone = len(group.devices) == 1
    found: dict[str, list[Row]] = {}

    def ask(profile: DeviceProfile, sessions: Sessions) -> list[Row]:
        with _open(profile, sessions, group) as session:
            if remove:
                rows = _remove(session, owners if backend else None)
            else:
                rows = _provision(session, locks, offline, bool(backend), group)
            # What was made of a device is known whatever becomes of the rest.
            return list(_told(rows, session.name, json, alone))

    def take(answer: Answer[list[Row]]) -> bool:
        name = answer.device.name
        found[name] = answer.told or []
        if answer.error is not None:
            found[name] = [{"device": name, "backend": None, "error": str(answer.error)}]
            if alone:
                _tell(found[name][0], json)
        return not _failed(found[name])

    together(group, ask, take)
    names = [one.name for one in group.devices]
    done = {name: found[name] for name in names if name in found}
    if json:
        rows = [row for of in done.values() for row in of]
        typer.echo(jsonlib.dumps(all_masked(rows), indent=2))
    elif not alone:
        print_rows([_line(name, of) for name, of in done.items()])
    bad = [name for name, of in done.items() if _failed(of)]
    step = "`benchhub devices provision --rerun-failed` takes just those"
    words = "were not cleared" if remove else "lack an environment"
    group.end(bad, [name for name in names if name not in found], words, step)


def _failed(rows: Sequence[Row]) -> bool:
    return any("error" in row for row in rows)


def _told(rows: Iterator[Row], device: str, json: bool, alone: bool) -> Iterator[Row]:
    """Yield rows, each told at once where it is of the only device, and one of what ends them."""
    from benchhub.errors import DeviceError

    def all_of_them() -> Iterator[Row]:
        try:
            yield from rows
        except DeviceError as error:
            yield {"device": device, "backend": None, "error": str(error)}

    for row in all_of_them():
        if alone:
            _tell(row, json)
        yield row


@contextlib.contextmanager
def _open(
    profile: DeviceProfile, sessions: Sessions, group: AskedDevices
) -> Iterator[DeviceSession]:
    from benchhub.device.again import again
    from benchhub.run.devices.side_by_side import opened

    with contextlib.ExitStack() as stack:
        yield again(
            lambda: stack.enter_context(opened(profile, sessions, "provisioning")), group.say
        )


def _provision(
    session: DeviceSession,
    locks: dict[str, tuple[Lock, ...]],
    offline: bool,
    required: bool,
    group: AskedDevices,
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
        say = functools.partial(_say, group, f"{session.name}: {name}")
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


def _say(group: AskedDevices, prefix: str, text: str) -> None:
    group.say(f"{prefix}: {text}")


def _tell(row: Row, json: bool) -> None:
    if "error" in row:
        project.problem(row["error"])
    elif "skipped" in row:
        project.note(f"skipped: {row['skipped']}")
    elif not json:
        from benchhub.cli.show.say import say, stdout

        say(stdout(), "", f"{row['device']}: {_text(row)}")


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


def _line(name: str, rows: Sequence[Row]) -> DeviceLine:
    """Return what a table tells of a device: what went wrong, or what it has now."""
    from benchhub.cli.devices.together import DeviceLine

    wrong = [str(row["error"]).removeprefix(f"{name}: ") for row in rows if "error" in row]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return DeviceLine(name, 0, "failed", wrong[0] + more)
    if any("removed" in row for row in rows):
        return DeviceLine(name, 1, "cleared", "; ".join(map(_text, rows)))
    made = [row for row in rows if "skipped" not in row]
    new = any(row["built"] for row in made)
    told = ", ".join(f"{row['backend']} {row['version']}" for row in made)
    return DeviceLine(name, 1 if new else 2, "ready now" if new else "ready already", told)
