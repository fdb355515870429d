"""Unpacking a wheel into an environment: what an installer does, without an installer.

The format is the binary distribution format of packaging.python.org, version 1. Console scripts
are left out: nothing here starts them. The wheel's bytes were verified against the lock before;
zip's checksums and the list in RECORD tell a damaged or a malformed one.
"""

import csv
import io
import os
import shutil
import stat
import zipfile
from typing import Dict, List, NamedTuple, Optional

_CHUNK = 1 << 20
_SIGNATURES = ("RECORD", "RECORD.jws", "RECORD.p7s")


class BadWheel(Exception):
    """A file that is no sound wheel; the message says why, without the file's name."""


class Places(NamedTuple):
    """Where the parts of a wheel go; all of them within one environment."""

    site_packages: str
    scripts: str
    data: str
    headers: str


class WheelMember(NamedTuple):
    """A file of a wheel and where it goes."""

    info: zipfile.ZipInfo
    target: str


def unpacked_bytes(path: str) -> int:
    """Return how much the files of a wheel need; BadWheel if it is no zip archive."""
    with _open(path) as archive:
        return sum(info.file_size for info in archive.infolist())


def unpack(path: str, places: Places) -> None:
    """Write the files of the wheel at `path`; BadWheel before anything is written, OSError."""
    with _open(path) as archive:
        for entry in plan(archive, places):
            _write(archive, entry)


def plan(archive: zipfile.ZipFile, places: Places) -> List[WheelMember]:
    """Return where each file of a wheel goes; BadWheel where one would leave its place."""
    metadata = _metadata_folder(archive)
    sizes = _recorded_sizes(archive, metadata)
    entries = []
    for info in archive.infolist():
        if info.filename.endswith("/"):
            continue
        _refuse_unsafe(info)
        signature = info.filename in ["%s/%s" % (metadata, name) for name in _SIGNATURES]
        if not signature and sizes.get(info.filename, -1) not in (None, info.file_size):
            raise BadWheel("its RECORD does not list %r as it is" % info.filename)
        target = _target(info.filename, metadata, places)
        entries.append(WheelMember(info, target))
    return entries


def _open(path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise BadWheel("it is no zip archive: %s" % error) from error


def _metadata_folder(archive: zipfile.ZipFile) -> str:
    """Return NAME-VERSION.dist-info."""
    found = {name.split("/")[0] for name in archive.namelist() if "/" in name}
    folders = sorted(name for name in found if name.endswith(".dist-info"))
    if len(folders) != 1:
        raise BadWheel("it has %d .dist-info folders, not one" % len(folders))
    try:
        text = archive.read(folders[0] + "/WHEEL").decode("utf-8")
    except (KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise BadWheel("its WHEEL file cannot be read: %s" % error) from error
    for line in text.splitlines():
        if line.startswith("Wheel-Version:") and line.split(":")[1].strip().startswith("1."):
            return folders[0]
    raise BadWheel("its WHEEL file does not say Wheel-Version: 1.x")


def _recorded_sizes(archive: zipfile.ZipFile, metadata: str) -> Dict[str, Optional[int]]:
    try:
        text = archive.read(metadata + "/RECORD").decode("utf-8")
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
        return {row[0]: int(row[2]) if row[2] else None for row in rows}
    except (KeyError, IndexError, ValueError, csv.Error, zipfile.BadZipFile) as error:
        raise BadWheel("its RECORD cannot be read: %s" % error) from error


def _refuse_unsafe(info: zipfile.ZipInfo) -> None:
    name = info.filename
    steps = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in steps or ":" in steps[0]:
        raise BadWheel("%r would be written outside of the environment" % name)
    if stat.S_ISLNK(info.external_attr >> 16):
        raise BadWheel("%r is a link, which wheels cannot hold" % name)


def _target(name: str, metadata: str, places: Places) -> str:
    data = metadata[: -len(".dist-info")] + ".data"
    steps = name.split("/")
    if steps[0] != data:
        return os.path.join(places.site_packages, *steps)
    schemes = {
        "purelib": places.site_packages,
        "platlib": places.site_packages,
        "scripts": places.scripts,
        "data": places.data,
        "headers": places.headers,
    }
    if len(steps) < 3 or steps[1] not in schemes:
        raise BadWheel("%r belongs to no scheme of the wheel format" % name)
    return os.path.join(schemes[steps[1]], *steps[2:])


def _write(archive: zipfile.ZipFile, entry: WheelMember) -> None:
    os.makedirs(os.path.dirname(entry.target), exist_ok=True)
    if os.path.islink(entry.target):
        raise BadWheel("%r would replace a link" % entry.info.filename)
    try:
        with archive.open(entry.info) as source, open(entry.target, "wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise BadWheel("%r cannot be unpacked: %s" % (entry.info.filename, error)) from error
    executable = (entry.info.external_attr >> 16) & 0o111
    if executable:
        os.chmod(entry.target, 0o755)
