"""The wheels of a device's environment, fetched on the controller and kept in its cache.

The controller's pip finds and fetches them, told what the device is; its settings hold, those for
a registry of one's own included. What it chose for a kind of device is written down beside the
wheels, so that the second time needs neither pip nor a network.
"""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from benchhub.device.provision.lock import Pin, Pinned
from benchhub.device.provision.packed import Wheel
from benchhub.device.provision.target import Target
from benchhub.device.staging.blob import Blob
from benchhub.errors import BackendError, ConfigError, NoSpace
from benchhub.outside import Variable
from benchhub.outside.written import FULL, drafted

_FETCH_TIMEOUT_S = 3600.0
_FETCHING = threading.Lock()
_NO_SPACE = "No space left"
_NO_WHEEL = re.compile(r"No matching distribution found for ([^\s=<>!;]+)")


def wheels(pinned: Pinned, target: Target, cache: Path) -> tuple[Wheel, ...]:
    """Return a wheel for every pin, in their order, fetching what `cache` does not hold.

    BackendError where one does not exist for `target`, or cannot be fetched; NoSpace or
    ConfigError where the cache cannot be written.
    """
    with _FETCHING:  # of many devices of a kind one fetches, and the others find it
        known = _Known(cache, target, pinned)
        missing = [pin for pin in pinned.pins if known.wheel(pin) is None]
        if missing:
            try:
                cache.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache) as folder:
                    _download(missing, pinned, target, Path(folder))
                    known.take(missing, Path(folder))
            except OSError as error:
                raise _unwritable(cache, error) from error
    return tuple(wheel for pin in pinned.pins if (wheel := known.wheel(pin)) is not None)


class _Known:
    """Which file of the cache is the wheel of which pin, for one kind of device."""

    def __init__(self, cache: Path, target: Target, pinned: Pinned) -> None:
        self._cache = cache
        libc = "-".join(str(part) for part in target.glibc)
        python = target.python.replace(".", "-")
        self._path = cache / f"{target.abi}-{python}-{target.machine}-glibc-{libc}.json"
        self._files = _load(self._path)
        self._wheels: dict[str, Wheel] = {}
        if carried := pinned.lock.carried:  # it was made here, and is fetched from nowhere
            self._wheels[pinned.pins[0].line] = carried.wheel

    def wheel(self, pin: Pin) -> Wheel | None:
        """Return the pin's wheel if its file is there, whole."""
        name = self._files.get(pin.line)
        if pin.line in self._wheels or name is None:
            return self._wheels.get(pin.line)
        try:
            blob = Blob.of_file(self._cache / name)
        except OSError:
            return None
        if blob.sha256 not in pin.sha256:
            return None  # damaged: it is fetched again
        self._wheels[pin.line] = Wheel(name, blob)
        return self._wheels[pin.line]

    def take(self, pins: list[Pin], folder: Path) -> None:
        """Move fetched wheels into the cache and write down whose they are."""
        from packaging.utils import canonicalize_name, parse_wheel_filename

        found = {}
        for path in folder.glob("*.whl"):
            found[parse_wheel_filename(path.name)[0]] = path
        for pin in pins:
            path = found[canonicalize_name(pin.name)]
            os.replace(path, self._cache / path.name)
            self._files[pin.line] = path.name
        with drafted(self._path) as draft:
            draft.write_text(json.dumps(self._files, indent=1, sort_keys=True), "utf-8")


def _load(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    # A name leads nowhere but into the cache.
    return {str(line): Path(str(name)).name for line, name in found.items()}


def download_arguments(target: Target) -> list[str]:
    """Return the options that tell pip which wheels fit `target`, and to take nothing else."""
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes"]
    options += ["--implementation", "cp", "--python-version", target.python, "--abi", target.abi]
    for platform in target.platforms:
        options += ["--platform", platform]
    return options


def _download(pins: list[Pin], pinned: Pinned, target: Target, folder: Path) -> None:
    requirements = folder / "requirements.txt"
    # The markers were evaluated for the device; pip would evaluate them for this interpreter.
    requirements.write_text("".join(f"{pin.line}\n" for pin in pins), "utf-8")
    argv = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-input",
        "--disable-pip-version-check", *download_arguments(target), "--dest", str(folder),
        "--requirement", str(requirements),
    ]  # fmt: skip
    environment = {**os.environ, Variable.PIP_PROGRESS_BAR: "off"}
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, env=environment,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BackendError(
            f"{target.name}: fetching the wheels took longer than {_FETCH_TIMEOUT_S:.0f} s; run "
            "again, what came whole is kept"
        ) from error
    if done.returncode != 0 and _NO_SPACE in done.stdout + done.stderr:
        raise OSError(errno.ENOSPC, _NO_SPACE)
    if done.returncode != 0:
        raise _failure(done.stdout + done.stderr, {pin.name: pin for pin in pins}, pinned, target)


def _failure(
    said: str, pins: Mapping[str, Pin], pinned: Pinned, target: Target
) -> BackendError | ConfigError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    last = " ".join((errors or lines or ["it said nothing"])[-1].split())[:300]
    if "No module named pip" in said:
        return ConfigError(
            f"this Python has no pip, which --offline fetches with; run `{sys.executable} -m "
            "ensurepip`, or leave out --offline"
        )
    missing = _NO_WHEEL.search(said)
    if missing and missing[1] in pins and "Retrying (" not in said:
        pin = pins[missing[1]]
        return BackendError(
            f"{target.name}: {pin.name} {pin.version} has no wheel for {target}; use another "
            f"Python or a newer system there, or leave {pinned.lock.backend} out with --backend"
        )
    if "DO NOT MATCH THE HASHES" in said:
        return BackendError(
            f"{target.name}: a wheel of {pinned.lock.name} is not the one that was locked; check "
            "the package registry that your pip is set to"
        )
    return BackendError(
        f"{target.name}: the wheels of {pinned.lock.name} could not be fetched: {last}; check "
        "this machine's network and pip settings, then run again"
    )


def _unwritable(cache: Path, error: OSError) -> NoSpace | ConfigError:
    if error.errno in FULL:
        return NoSpace(f"{cache}: no space left for wheels; free some, or set BENCHHUB_CACHE")
    return ConfigError(f"{cache}: cannot be written: {error.strerror}; set BENCHHUB_CACHE")
