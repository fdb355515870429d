"""The runner: everything that runs on a device in one archive, the same bytes every time."""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_START = "benchhub/ondevice/agent/bootstrap.py"
_STUB = b'"""What runs on the device; the rest of benchhub stays on the controller."""\n'


@dataclass(frozen=True, slots=True)
class Runner:
    """A Python archive (.pyz) and the sha256 of its bytes."""

    sha256: str
    data: bytes


@functools.cache
def build_runner() -> Runner:
    """Return the archive of the installed `benchhub.ondevice`; no clock, path or mode gets in."""
    sources = {"benchhub/__init__.py": _STUB}
    sources.update(_collect(files("benchhub.ondevice"), "benchhub/ondevice"))
    sources["__main__.py"] = sources.pop(_START)
    return pack(sources)


def pack(sources: dict[str, bytes]) -> Runner:
    """Return an archive of `sources`, by name within it."""
    buffer = io.BytesIO()
    # Stored: compressed bytes differ between versions of zlib, and unpacking would slow starts.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, _TIMESTAMP)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, sources[name])
    data = buffer.getvalue()
    return Runner(hashlib.sha256(data).hexdigest(), data)


def _collect(folder: Traversable, prefix: str) -> dict[str, bytes]:
    found = {}
    for entry in folder.iterdir():
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__":
                found.update(_collect(entry, name))
        elif entry.name.endswith(".py"):
            found[name] = entry.read_bytes()
    return found
