"""Locks of backends, and what is written down beside fetched wheels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from repository import ROOT

from benchhub.device.provision import lock as locks
from benchhub.device.provision.target import Target as Device
from benchhub.device.provision.wheels import _load

from ..target import Target

_MARKERS = {
    "implementation_name": "cpython", "implementation_version": "3.11.2", "os_name": "posix",
    "platform_machine": "aarch64", "platform_python_implementation": "CPython",
    "platform_release": "6.1", "platform_system": "Linux", "platform_version": "1",
    "python_full_version": "3.11.2", "python_version": "3.11", "sys_platform": "linux",
}  # fmt: skip
_DIGEST = "a" * 64
_LOCK = f"""# made with scripts/lock
numpy==2.2.6 ; python_full_version < '3.12' and platform_machine == 'aarch64' \\
    --hash=sha256:{_DIGEST} \\
    --hash=sha256:{_DIGEST}
onnxruntime==1.23.2 ; python_full_version >= '3.10' \\
    --hash=sha256:{_DIGEST}
""".encode()


def _lock(path: Path) -> None:
    made = locks.parse("onnxruntime", "own", "onnxruntime", path.read_text("utf-8", "replace"))
    found = locks.pinned((made,), Device("board", _MARKERS, "glibc 2.36"))
    assert found.sha256


def _locks() -> Iterator[bytes]:
    yield _LOCK
    folder = ROOT / "benchhub" / "ondevice" / "backends" / "onnxruntime"
    yield (folder / "onnxruntime.txt").read_bytes()


def _index(path: Path) -> None:
    for name in _load(path).values():
        assert "/" not in name


TARGETS = (
    Target(
        "lock", _lock, _locks, ".txt",
        (b"==", b" ; ", b"--hash=sha256:", b"python_version", b"and", b"or", b"(", b")", b"'3.11'",
         b"\\\n", b"extra", b"[x]", b"@ https://example.org/a.whl", b">=", b"~="),
        hard={
            "parentheses without end": (
                lambda: _LOCK.replace(b"python_full_version >=", b"(" * 9000, 1), "no requirement"
            ),
            "a version that is none": (lambda: _LOCK.replace(b"1.23.2", b"one"), "no requirement"),
            "a marker that is none": (lambda: _LOCK.replace(b"platform_machine", b"moon"), ""),
            "no hash": (lambda: b"onnxruntime==1.23.2\n", "does not pin one version"),
            "an address": (
                lambda: b"a @ https://example.org/a.whl --hash=sha256:0", "does not pin"
            ),
            "not UTF-8": (lambda: b"\xff\xfe==1\n", "no requirement"),
            "nothing": (lambda: b"", ""),
        },
    ),
    Target(
        "wheels-index", _index, lambda: [b'{"numpy==1 --hash=sha256:aa": "numpy-1.whl"}'], ".json",
        told=(),
        hard={
            "cut short": (lambda: b'{"a": ', None),
            "nested deeply": (lambda: b"[" * 100_000, None),
            "names that lead out": (lambda: b'{"a": "../../etc/passwd", "b": "/etc/passwd"}', None),
            "a list": (lambda: b"[1]", None),
            "names that are none": (lambda: b'{"a": null, "b": {"c": 1}, "d": "a\\u0000"}', None),
        },
    ),
)  # fmt: skip
