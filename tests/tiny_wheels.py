"""Wheels of a few bytes, made as the binary distribution format says, and locks of them."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

#: A third party's backend; what it needs beside it is nothing.
DESCRIPTION = """
from benchhub.ondevice.backends import Description
BACKEND = Description("{name}", "{module}_engine", (), ("f32",), distributions=("{name}-rt",))
"""
ENGINE = """
def version():
    return "{version}"
def load(path, options):
    raise ValueError("tiny runs nothing")
"""


def write_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    files: Mapping[str, bytes | str] | None = None,
    tag: str = "py3-none-any",
    entry_points: str = "",
    unlisted: tuple[str, ...] = (),
    more_metadata: str = "",
) -> Path:
    """Write NAME-VERSION-TAG.whl; `unlisted` files are left out of its RECORD."""
    metadata = f"{name}-{version}.dist-info"
    content: dict[str, bytes | str] = dict(files or {f"{name}.py": f"__version__ = {version!r}\n"})
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more_metadata}"
    content[f"{metadata}/METADATA"] = about
    content[f"{metadata}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
    if entry_points:
        content[f"{metadata}/entry_points.txt"] = entry_points
    rows = []
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, text in content.items():
            data = text.encode() if isinstance(text, str) else text
            archive.writestr(inner, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            if inner not in unlisted:
                rows.append(f'"{inner}",sha256={digest},{len(data)}')
        archive.writestr(f"{metadata}/RECORD", "\n".join([*rows, f"{metadata}/RECORD,,", ""]))
    return path


def write_backend(
    folder: Path,
    version: str = "1.0",
    before: str = "",
    more: Mapping[str, bytes] | None = None,
    name: str = "tiny",
) -> Path:
    """Write the wheel of a backend; `before` runs first when its runtime is imported."""
    module = f"{name}_rt"
    files: dict[str, bytes | str] = {
        f"{module}.py": DESCRIPTION.format(name=name, module=module),
        f"{module}_engine.py": before + ENGINE.format(version=version),
    }
    files.update(more or {})
    points = f"[benchhub.backends]\n{name} = {module}:BACKEND\n"
    return write_wheel(folder, module, version, files, entry_points=points)


def write_numpy(folder: Path) -> Path:
    """Write a wheel that only has numpy's name: every child imports that first."""
    return write_wheel(folder, "numpy", "0.1")


def sha256(path: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pin(*wheels: Path, marker: str = "") -> str:
    """Return the line that pins a package to any of these wheels of one version."""
    name, version = wheels[0].name.split("-")[:2]
    hashes = "".join(f" --hash=sha256:{sha256(wheel)}" for wheel in wheels)
    return f"{name.replace('_', '-')}=={version}{marker and f' ; {marker}'}{hashes}\n"
