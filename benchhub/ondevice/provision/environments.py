"""Isolated environments below `<root>/environments`, one per backend: which are ready to use.

`<backend>-<key>/` is laid out as `venv --without-pip` does it, and made by hand, because many
systems split `ensurepip` off their Python: `bin/python` is a link to the base interpreter,
`pyvenv.cfg` names its folder, packages lie in `lib/pythonX.Y/site-packages`. It can be moved: it
is built under a name that ends in `.part` and renamed once it was seen to work. `ready.json` is
the last file that is written. What has none is never used.
"""

import glob
import hashlib
import json
import os
import platform
import shutil
import struct
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

READY = "ready.json"
#: What `ready.json` holds, written by whichever version of this; another file is none.
_FIELDS: Dict[str, type] = {
    "backend": str, "lock": str, "key": str, "version": str, "packages": dict, "pins_sha256": str,
    "base_python": str, "python_version": str, "machine": str, "wheels": list, "bytes": int,
    "built_at": str,
}  # fmt: skip
PART = ".part"


class Base(NamedTuple):
    """The interpreter that environments are made of: its file, its version, its machine."""

    path: str
    version: str
    machine: str


class DeletedEnvironment(NamedTuple):
    """An environment that was deleted, and the room that this gave back."""

    name: str
    freed_bytes: int


def base() -> Base:
    """Return the interpreter of this process, outside of any virtual environment."""
    path = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    if not os.path.isfile(path):
        path = os.path.realpath(sys.executable)
    return Base(path, "%d.%d.%d" % sys.version_info[:3], _machine())


def target() -> Dict[str, Any]:
    """Return what decides which wheels fit: the names of PEP 508's markers, libc, free threading.

    `platform_machine` is that of the interpreter: armv7l for a 32-bit one on an aarch64 kernel.
    `libc` is such as "glibc 2.36", "musl", or None.
    """
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": "%d.%d.%d" % sys.implementation.version[:3],
        "os_name": os.name,
        "platform_machine": _machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": "%d.%d.%d" % sys.version_info[:3],
        "python_version": "%d.%d" % sys.version_info[:2],
        "sys_platform": sys.platform,
        "libc": _libc(),
        "free_threaded": "t" in getattr(sys, "abiflags", ""),
    }


def folder(root: str) -> str:
    """Return the folder that holds every environment of `root`."""
    return os.path.join(root, "environments")


def key(pins: str, interpreter: Base) -> str:
    """Return the name of what `pins` gives with `interpreter`: twelve hex digits."""
    text = "\n".join((pins, interpreter.version, interpreter.machine))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def records(root: str) -> List[Dict[str, Any]]:
    """Return the `ready.json` of every environment, with `reason` where it cannot be used now."""
    interpreter = base()
    found = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder(root)), "*", READY))):
        name = os.path.basename(os.path.dirname(path))
        record = None if name.endswith(PART) else _read(path)
        if record is not None:
            record["name"] = name
            record["python"] = os.path.join(os.path.dirname(path), "bin", "python")
            record["reason"] = _reason(record, interpreter)
            found.append(record)
    return found


def ready(root: str) -> Dict[str, Dict[str, Any]]:
    """Return per backend the record of the environment to use: see `provision` for its keys."""
    usable = [record for record in records(root) if record["reason"] is None]
    return {r["backend"]: r for r in sorted(usable, key=lambda r: str(r.get("built_at", "")))}


def remove(root: str, backends: Optional[Sequence[str]] = None) -> List[DeletedEnvironment]:
    """Delete the environments of `backends` (None: all), begun ones included.

    Wheels that no other environment was made of go with them.
    """
    before = _wheels(root)
    removed = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder(root)), "*"))):
        name = os.path.basename(path)
        backend = name[: -len(PART)] if name.endswith(PART) else name
        if backends is None or backend.rpartition("-")[0] in backends:
            size = size_bytes(path)
            delete(path)
            removed.append(DeletedEnvironment(name, size))
    unused = [os.path.join(root, "blobs", digest) for digest in before - _wheels(root)]
    unused = [path for path in unused if os.path.isfile(path)]
    if unused:
        size = sum(os.lstat(path).st_size for path in unused)
        removed.append(DeletedEnvironment("%d wheels" % len(unused), size))
    for path in unused:
        os.unlink(path)
    return removed


def delete(path: str) -> None:
    """Delete a file, or a folder so that it stops being ready before it loses anything."""
    if os.path.isdir(path) and not os.path.islink(path):
        if os.path.exists(os.path.join(path, READY)):
            os.unlink(os.path.join(path, READY))
        shutil.rmtree(path)
    else:
        os.unlink(path)


def size_bytes(path: str) -> int:
    """Return the bytes of the files below `path`."""
    total = 0
    for parent, _, names in os.walk(path):
        total += sum(os.lstat(os.path.join(parent, name)).st_size for name in names)
    return total


def _wheels(root: str) -> "set[str]":
    return {wheel for record in records(root) for wheel in record.get("wheels", ())}


def _reason(record: Dict[str, Any], interpreter: Base) -> Optional[str]:
    made_of = (record.get("base_python"), record.get("python_version"))
    if made_of != (interpreter.path, interpreter.version):
        return "made for Python %s at %s, the device now has %s at %s; provision it again" % (
            made_of[1],
            made_of[0],
            interpreter.version,
            interpreter.path,
        )
    if not os.access(record["python"], os.X_OK):
        return "%s cannot be run; provision it again" % record["python"]
    return None


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict):
        return None
    known = {name: record.get(name) for name in _FIELDS}
    sound = all(isinstance(known[name], kind) for name, kind in _FIELDS.items())
    return known if sound else None


def _machine() -> str:
    machine = platform.machine().lower()
    if struct.calcsize("P") == 4:
        return {"aarch64": "armv7l", "armv8l": "armv7l", "x86_64": "i686"}.get(machine, machine)
    return {"arm64": "aarch64", "amd64": "x86_64"}.get(machine, machine)


def _libc() -> Optional[str]:
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):  # only the GNU library knows this name
        name = None
    if name:
        return name
    return "musl" if glob.glob("/lib/ld-musl-*") else None
