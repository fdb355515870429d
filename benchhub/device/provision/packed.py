"""A wheel, and how one is made of a distribution that is installed here.

A lock cannot hold the hash of the wheel that it lies in. So the distribution that registers a
third party's backend is not fetched for a device: it is packed again from its installed files.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from benchhub.device.staging.blob import Blob
from benchhub.errors import ConfigError

_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
#: What an installer adds to a distribution.
_INSTALLERS = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel: its file name, and its content as a blob."""

    name: str
    blob: Blob


@dataclass(frozen=True, slots=True)
class Packed:
    """A distribution of this machine as a wheel, the same bytes every time."""

    name: str
    version: str
    requires_python: str
    wheel: Wheel


def packed(distribution: str) -> Packed:
    """Return an installed distribution as a wheel.

    ConfigError where it is not pure Python, or is installed so that its files lie elsewhere.
    """
    found = importlib.metadata.distribution(distribution)
    told = (found.read_text("WHEEL") or "").splitlines()
    tags = [line.partition(":")[2].strip() for line in told if line.startswith("Tag:")]
    if not tags or not all(tag.endswith("-none-any") for tag in tags):
        raise ConfigError(
            f"{distribution} is no pure Python wheel here, so it cannot be sent to a device; keep"
            " what is compiled in a distribution of its own, which its lock names"
        )
    if json.loads(found.read_text("direct_url.json") or "{}").get("dir_info", {}).get("editable"):
        raise ConfigError(
            f"{distribution} is installed editable here, so there is nothing of it to send to a"
            " device; install its wheel"
        )
    plain = re.sub("[-_.]+", "_", str(found.metadata["Name"]))
    stem = f"{plain}-{found.version}"
    content = {path.as_posix(): path.read_binary() for path in found.files or () if _wanted(path)}
    data = _archive(content, f"{stem}.dist-info")
    return Packed(
        name=str(found.metadata["Name"]),
        version=found.version,
        requires_python=str(found.metadata.json.get("requires_python", "")),
        wheel=Wheel(f"{stem}-{tags[0]}.whl", Blob.of_bytes(data)),
    )


def _wanted(path: importlib.metadata.PackagePath) -> bool:
    if path.suffix == ".pyc" or path.parts[0] == "..":  # made here; console scripts
        return False
    return not (path.parts[0].endswith(".dist-info") and path.name in _INSTALLERS)


def _archive(content: Mapping[str, bytes], metadata: str) -> bytes:
    rows = []
    for name in sorted(content):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content[name]).digest()).rstrip(b"=")
        rows.append(f'"{name}",sha256={digest.decode()},{len(content[name])}\n')
    record = f"{metadata}/RECORD"
    whole = {**content, record: "".join([*rows, f'"{record}",,\n']).encode()}
    buffer = io.BytesIO()
    # Stored: compressed bytes differ between versions of zlib.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(whole):
            entry = zipfile.ZipInfo(name, _TIMESTAMP)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, whole[name])
    return buffer.getvalue()
