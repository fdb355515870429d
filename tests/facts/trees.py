"""Unpacks what a device shows of itself; see README.md beside this."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchhub.ondevice.facts import conditions, cores, cpu, emulation, gpus, settings, virtual

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))


def unpack(name: str, folder: Path) -> Path:
    """Write the files of device `name` below `folder` and return that."""
    return unpack_text((FOLDER / f"{name}.txt").read_text("utf-8"), folder)


def unpack_text(text: str, folder: Path) -> Path:
    """Write the files that `text` holds below `folder` and return that."""
    pieces = re.split(r"(?:^|\n)==> (\S+) <==\n", text)
    assert not pieces[0]
    for path, content in zip(pieces[1::2], pieces[2::2], strict=True):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content.replace("\\0", "\0"))
    return folder


def described(root: Path, machine: str) -> dict[str, Any]:
    """Return what the parsers make of the hardware and its settings in the tree at `root`.

    `machine` is what uname says on the device; what changes from minute to minute is left out.
    """
    proc, sys_root = f"{root}/proc", f"{root}/sys"
    taken = conditions.snapshot(None, proc, sys_root, with_psutil=False)
    found = settings.settings(proc, sys_root)
    return {
        "board": virtual.board(proc, sys_root),
        "cpu_model": cpu.model(proc),
        "isa_flags": cpu.isa_flags(proc),
        "cores": cores.kinds(proc, sys_root),
        "gpus": gpus.gpus(proc, sys_root, f"{root}/etc", list),
        "emulation": emulation.evidence(machine, proc),
        "virtualization": virtual.hypervisor(proc, sys_root),
        **{name: found[name] for name in ("clock_sources", "turbo", "throttled")},
        **{
            name: getattr(taken, name)
            for name in ("governor", "frequency_mhz", "temperature_c", "throttle_count")
        },
    }
