"""The locks that ship: what they pin for every kind of device, and that each pin has a wheel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from provision_targets import target

from benchhub.backends import described, every
from benchhub.device.provision.lock import Lock, defaults, parse, pinned, shipped
from benchhub.device.provision.target import Target
from benchhub.device.provision.wheels import download_arguments
from benchhub.errors import BackendError, ConfigError

OWN = [one for one in every()[0] if one.locks and not one.registered_by]
LOCKED = [one.name for one in OWN]
EVERY_LOCK = [lock for name in LOCKED for lock in shipped(name)]
#: The Python and the glibc of Ubuntu 20.04, Debian 11, Ubuntu 22.04, Debian 12, Ubuntu 24.04,
#: Debian 13.
SYSTEMS = {
    "3.8.10": "2.31", "3.9.2": "2.31", "3.10.12": "2.35",
    "3.11.2": "2.36", "3.12.3": "2.39", "3.13.5": "2.41",
}  # fmt: skip
EVERY_TARGET = [
    # The 32-bit wheels of tflite-runtime want a newer system than its Python's own.
    target(python, machine, f"glibc {'2.41' if machine == 'armv7l' else glibc}")
    for python, glibc in SYSTEMS.items()
    for machine in ("x86_64", "aarch64", "armv7l")
]


def applies(lock: Lock, there: Target) -> bool:
    try:
        return bool(pinned((lock,), there).pins)
    except BackendError:
        return False


CHECKED = bool(os.environ.get("BENCHHUB_CHECK_LOCKS"))
#: Those that apply; where none is checked that is not worked out, which every worker would do.
PAIRS = [
    (lock, there)
    for lock in EVERY_LOCK
    for there in EVERY_TARGET
    if not CHECKED or applies(lock, there)
]


@pytest.mark.parametrize("lock", EVERY_LOCK, ids=lambda lock: lock.name)
def test_a_lock_names_no_place_to_fetch_from(lock: Lock) -> None:
    folder = described(lock.backend).runtime.rpartition(".")[0]
    for suffix in ("in", "txt"):
        text = (files(folder) / f"{lock.name}.{suffix}").read_text("utf-8")
        assert "://" not in text
        assert "index-url" not in text


@pytest.mark.parametrize("there", EVERY_TARGET, ids=lambda t: f"{t.python}-{t.machine}")
def test_every_64_bit_device_gets_onnxruntime_openvino_torch_and_tflite(there: Target) -> None:
    for backend in LOCKED:
        if there.machine == "armv7l":
            continue
        found = pinned(shipped(backend), there)
        names = [pin.name for pin in found.pins]
        assert found.lock.package in names
        assert len(set(names)) == len(names)
        assert {"numpy", "psutil"} <= set(names)
        assert found.system == ()


@pytest.mark.parametrize("backend", LOCKED)
def test_a_backend_without_release_for_a_device_is_refused(backend: str) -> None:
    with pytest.raises(BackendError, match=f"no {backend} release .*Python 3.13.5 on armv7l"):
        pinned(shipped(backend), target("3.13.5", "armv7l"))


def test_older_pythons_get_releases_that_exist_for_them() -> None:
    def version(backend: str, python: str, package: str) -> str:
        pins = pinned(shipped(backend), target(python, "aarch64")).pins
        return next(pin.version for pin in pins if pin.name == package)

    assert version("onnxruntime", "3.8.10", "onnxruntime") == "1.19.2"
    assert version("onnxruntime", "3.10.12", "onnxruntime") == "1.23.2"
    assert version("onnxruntime", "3.8.10", "numpy").startswith("1.24.")
    assert version("tflite", "3.8.10", "tflite-runtime") == "2.13.0"
    assert version("tflite-runtime", "3.11.2", "numpy").startswith("1.26.")


def test_a_32_bit_arm_device_gets_tflite_runtime_and_brings_numpy_itself() -> None:
    found = pinned(shipped("tflite"), target("3.11.2", "armv7l"))
    assert found.lock.name == "tflite-runtime"
    assert [pin.name for pin in found.pins] == ["tflite-runtime"]
    assert found.system == ("numpy", "psutil")


def test_a_lock_can_be_asked_for_by_its_own_name() -> None:
    (lock,) = shipped("tflite-runtime")
    assert (lock.backend, lock.name) == ("tflite", "tflite-runtime")


def test_a_backend_without_lock_is_refused_with_a_hint() -> None:
    with pytest.raises(ConfigError, match=r"did you mean onnxruntime\?"):
        shipped("onnxrunime")
    with pytest.raises(ConfigError, match="tensorrt cannot be provisioned"):
        shipped("tensorrt")
    with pytest.raises(ConfigError, match="null needs no runtime"):
        shipped("null")


def test_every_lock_beside_a_backend_is_named_by_it() -> None:
    """And the other way round, in the order that `shipped` keeps."""
    assert {"onnxruntime", "openvino", "tflite", "torch"} <= set(LOCKED)
    for one in OWN:
        folder = files(one.runtime.rpartition(".")[0])
        there = {path.name for path in folder.iterdir() if path.name.endswith((".in", ".txt"))}
        names = [lock.name for lock in shipped(one.name)]
        assert there == {f"{name}.{suffix}" for name in names for suffix in ("in", "txt")}
        assert names == [lock.name for lock in one.locks]


def test_what_is_provisioned_unasked_is_what_the_help_says() -> None:
    from benchhub.cli.devices.provision import provision

    assert defaults() == ("onnxruntime", "openvino", "tflite")
    (_, backend, *_) = provision.__defaults__ or ()
    assert ", ".join(defaults()[:-1]) + f" and {defaults()[-1]}" in backend.help


@pytest.mark.parametrize(
    "line",
    [
        "numpy==2.0.0",  # no hash
        f"numpy>=2.0.0 --hash=sha256:{'0' * 64}",
        f"numpy==2.* --hash=sha256:{'0' * 64}",
        f"numpy --hash=sha256:{'0' * 64}",
        f"-e somewhere --hash=sha256:{'0' * 64}",
    ],
)
def test_a_line_that_pins_nothing_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match="lock odd: "):
        parse("odd", "odd", "numpy", line)


@pytest.mark.skipif(
    not CHECKED,
    reason="asks the package registry for hundreds of wheels; set BENCHHUB_CHECK_LOCKS=1",
)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("lock", "there"), PAIRS, ids=[f"{a.name}-{b.python}-{b.machine}" for a, b in PAIRS]
)
def test_every_pin_has_a_wheel(lock: Lock, there: Target, tmp_path: Path) -> None:
    """Resolved by pip itself with the options of --offline; nothing is installed."""
    found = pinned((lock,), there)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(found.text)
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet",
            "--disable-pip-version-check", *download_arguments(there), "--target",
            str(tmp_path / "never"), "--requirement", str(requirements),
            "--report", str(tmp_path / "report"), "--ignore-requires-python",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    missing = re.findall("No matching distribution found for (.*)", done.stderr)
    assert done.returncode == 0, f"{lock.name} for {there}: {missing} {done.stderr[-2000:]}"
    # `pip install` would hold what a package requires against the Python it runs in.
    entries = json.loads((tmp_path / "report").read_text())["install"]
    assert len(entries) == len(found.pins)
    for entry in entries:
        required = entry["metadata"].get("requires_python") or ""
        assert there.python in SpecifierSet(required), entry["metadata"]["name"]
