"""`python -m tests.lab.fleet up|down|status`: two sites for a person to play with."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # as tests find one another

from .. import state as states
from ..command import LabError, give_to_caller, why_not
from . import wide
from .fleet import Fleet, check_whole, clear, found, metrics

SITES = ("lab-1", "lab-2")


def main(argv: list[str] | None = None) -> int:
    """Run one verb; 0 if it did what it says, 1 if the fleet is not up, 2 if it cannot be."""
    parser = argparse.ArgumentParser(prog="lab-fleet", description="Two sites on this machine")
    parser.add_argument("verb", choices=("up", "down", "status"))
    parser.add_argument("--dir", type=Path, default=Path(".lab-fleet"), help="a project folder")
    parser.add_argument("--devices", type=int, default=10, help="of each site; 1 to 99")
    given = parser.parse_args(argv)
    if (reason := why_not()) is not None:
        again = f"sudo {sys.executable} -m tests.lab.fleet {given.verb} --dir {given.dir}"
        hint = f"; run: {again}" if os.geteuid() else ""
        print(f"lab-fleet: {reason}{hint}", file=sys.stderr)
        return 2
    if not 1 <= given.devices <= 99:
        parser.error("--devices is from 1 to 99")
    folder = given.dir.resolve()
    try:
        if given.verb == "up":
            up(folder, given.devices)
        elif given.verb == "down":
            down(folder)
        else:
            return status(folder)
    except LabError as error:
        print(f"lab-fleet: {error}", file=sys.stderr)
        return 2
    return 0


def up(folder: Path, devices: int) -> None:
    """Bring everything up that does not run whole already, and say what to do next."""
    try:
        check_whole(folder)
    except LabError:  # nothing, or half of it died; what was measured is kept
        clear(folder, keep_results=True)
        began = time.monotonic()
        fleet = Fleet(folder, dict.fromkeys(SITES, devices), lasting=True)
        try:
            fleet.up()
        except BaseException:
            clear(folder, keep_results=True)
            raise
        print(f"lab-fleet: up in {time.monotonic() - began:.1f} s")
        client = folder / "client"
        give_to_caller([folder, folder / "fleet.toml", folder / "env", client, *client.iterdir()])
    describe(folder)


def down(folder: Path) -> None:
    """Take the fleet of this folder down, and what killed labs left."""
    was_up = bool(found(folder))
    clear(folder)
    print(f"lab-fleet: {folder} {'is down; reports in it are kept' if was_up else 'was not up'}")
    for name in states.sweep():
        print(f"lab-fleet: removed what {name} left behind")


def status(folder: Path) -> int:
    """Say whether the fleet of this folder is up."""
    try:
        check_whole(folder)
    except LabError as error:
        print(f"lab-fleet: {error}")
        return 1
    describe(folder)
    return 0


def describe(folder: Path) -> None:
    """Say what there is, and what to do with it."""
    hub, *sites = found(folder)
    of = {Path(state.folder).name: state for state in sites}
    for name in hub.hosts:
        print(f"  {name}: {len(of[name].hosts)} devices; {metrics(hub, name)}")
    link = wide.told(f"{hub.lab}-gateway-{next(iter(hub.hosts))}", "eth0")
    print(f"  between gateways and scheduler: {link}")
    here = Path(os.path.relpath(folder))
    beside = Path(sys.executable).with_name("benchhub")
    program = os.path.relpath(beside, folder) if beside.exists() else "benchhub"
    chosen = " ".join(f"--device {name}" for name in hub.hosts)
    print(f"try:   cd {here} && . ./env")
    print(f"       {program} run quickstart --backend onnxruntime --effort quick {chosen} \\")
    print('           --engine "$ENGINE"')
    print(f"       {program} report latest --format all -o report")
    usual = folder == Path(".lab-fleet").resolve()
    end = "make lab-fleet-down" if usual else f"python -m tests.lab.fleet down --dir {here}"
    print(f"then:  {end}, which deletes the results; `store copy` keeps them")


if __name__ == "__main__":
    sys.exit(main())
