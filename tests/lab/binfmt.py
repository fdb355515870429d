"""Running another processor's programs: what the kernel has to know to hand them to QEMU."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .command import LabError, run

_KNOWN = Path("/proc/sys/fs/binfmt_misc")
_TYPES = Path("/usr/lib/binfmt.d")
#: Debian architecture: what QEMU calls it.
CALLED = {"arm64": "aarch64", "armhf": "arm"}


def ensure(architecture: str) -> None:
    """Let this machine run programs of `architecture`, also where QEMU cannot be seen.

    What is registered already is used as it is, and what is registered here stays: other labs may
    rely on it, and it changes nothing but that such programs run instead of being refused.
    """
    name = f"qemu-{CALLED[architecture]}"
    line = _line(name)
    if not (_KNOWN / "register").exists():
        run("mount", "-t", "binfmt_misc", "binfmt_misc", str(_KNOWN), check=False)
        if not (_KNOWN / "register").exists():  # nor did another lab mount it meanwhile
            raise LabError("cannot mount binfmt_misc; ARM programs need a kernel that has it")
    if _is_registered(magic=line.split(":")[4].replace("\\x", "").lower()):
        return
    if (_KNOWN / name).exists():  # there, but disabled, or only for files that see QEMU
        line = line.replace(name, f"benchhub-lab-{name}", 1)
    if "F" not in line.rpartition(":")[2]:
        line += "F"
    try:
        (_KNOWN / "register").write_text(line)
    except FileExistsError:  # another lab was quicker
        return
    except OSError as error:
        raise LabError(f"cannot register {name} with binfmt_misc: {error.strerror}") from error


def _is_registered(magic: str) -> bool:
    """Whether files that begin with `magic` run, in any root directory."""
    for entry in _KNOWN.iterdir():
        lines: list[str] = []
        with contextlib.suppress(OSError):  # removed meanwhile; and nobody can read `register`
            lines = entry.read_text().splitlines()
        said = dict(line.partition(" ")[::2] for line in lines)
        # Flag F: QEMU was opened when it was registered, so a device need not have a copy.
        if "enabled" in said and said.get("magic") == magic and "F" in said.get("flags:", ""):
            return True
    return False


def _line(name: str) -> str:
    path = _TYPES / f"{name}.conf"
    try:
        return path.read_text().strip()
    except OSError as error:
        raise LabError(f"{path} is missing; run scripts/install-system-packages") from error
