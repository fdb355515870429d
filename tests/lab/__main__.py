"""`python -m tests.lab up|down|status`: the lab for a person to play with."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from . import arm
from . import state as states
from .command import LabError, give_to_caller, why_not
from .lab import Lab
from .state import State

_X86 = ("lab-x86-1", "lab-x86-2")
DEVICES = (*_X86, "lab-arm64", "lab-arm64-vm", "lab-armhf")


def main(argv: list[str] | None = None) -> int:
    """Run one verb; 0 if it did what it says, 1 if the lab is not up, 2 if it cannot be."""
    parser = argparse.ArgumentParser(prog="lab", description="SSH hosts on this machine")
    parser.add_argument("verb", choices=("up", "down", "status"))
    parser.add_argument("--dir", type=Path, default=Path(".lab"), help="a project folder to fill")
    parser.add_argument(
        "--only",
        choices=(*DEVICES, "x86"),
        action="append",
        help="bring up this device alone, or x86 hosts; again for another; all without it",
    )
    given = parser.parse_args(argv)
    reason = why_not()
    if reason is not None:
        again = f"sudo {sys.executable} -m tests.lab {given.verb} --dir {given.dir}"
        hint = f"; run: {again}" if os.geteuid() else ""
        print(f"lab: {reason}{hint}", file=sys.stderr)
        return 2
    folder = given.dir.resolve()
    try:
        if given.verb == "up":
            return up(folder, given.only)
        return {"down": down, "status": status}[given.verb](folder)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2


def up(folder: Path, only: list[str] | None = None) -> int:
    """Bring the devices up, write their profiles, say what to do next."""
    found = _of(folder)
    if found is not None and found.running():
        _describe(found, folder)
        return 0
    if found is not None:  # half of it died, or the machine was started again
        found.clear()
    began = time.monotonic()
    lab = Lab(dict.fromkeys(_chosen(only), 0), folder, lasting=True)
    try:
        lab.up()
        profiles = lab.write_profiles(folder / "device_profiles")
        give_to_caller([folder, folder / "device_profiles", *profiles, lab.identity_file])
    except BaseException:
        lab.down()
        raise
    print(f"lab: up in {time.monotonic() - began:.1f} s")
    state = _of(folder)
    assert state is not None
    _describe(state, folder)
    return 0


def down(folder: Path) -> int:
    """Take the lab of this folder down, and what killed labs left."""
    found = _of(folder)
    if found is not None:
        found.clear()
        print(f"lab: {folder} is down; results in it are kept")
    else:
        print(f"lab: {folder} was not up")
    for name in states.sweep():
        print(f"lab: removed what {name} left behind")
    return 0


def status(folder: Path) -> int:
    """Say whether the lab of this folder is up."""
    found = _of(folder)
    if found is None or not found.running():
        print(f"lab: {folder} is not up" if found is None else f"lab: {folder} is broken; up again")
        return 1
    _describe(found, folder)
    return 0


def _chosen(only: list[str] | None) -> list[str]:
    """Return which devices to bring up: those asked for; else all that this machine can have."""
    if only:
        return [name for name in DEVICES if name in only or ("x86" in only and name in _X86)]
    reasons = {name: arm.why_not(name) for name in DEVICES if name not in _X86}
    for reason in filter(None, reasons.values()):
        print(f"lab: left out: {reason}", file=sys.stderr)
    if not all(arm.is_cached(name) for name, reason in reasons.items() if reason is None):
        print("lab: first unpacking Debian for ARM, once for all labs; half a minute or more")
    return [name for name in DEVICES if reasons.get(name) is None]


def _of(folder: Path) -> State | None:
    return next((state for state in states.saved() if state.folder == str(folder)), None)


def _describe(state: State, folder: Path) -> None:
    here = Path(os.path.relpath(folder))
    for name, address in state.hosts.items():
        print(f"  {name}  ssh -i {here / 'client_key'} root@{address}")
    beside = Path(sys.executable).with_name("benchhub")
    program = os.path.relpath(beside, folder) if beside.exists() else "benchhub"
    bare = [name for name in state.hosts if name in arm.DEVICES]
    print(f"try:   cd {here}")
    if bare:
        print(f"       {program} devices provision {' '.join(bare)} --offline")
    devices = " ".join(f"--device {name}" for name in ("localhost", *state.hosts))
    # The quickstart's variants, at an effort that translated processors can bear.
    suite = "cross-hardware" if bare else "quickstart"
    print(f"       {program} run {suite} {devices}")
    usual = folder == Path(".lab").resolve()
    print("then:  make lab-down" if usual else f"then:  python -m tests.lab down --dir {here}")


if __name__ == "__main__":
    sys.exit(main())
