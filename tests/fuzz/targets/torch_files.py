"""The archives of PyTorch; read, and never run."""

from __future__ import annotations

import io
import json
import pickle
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchhub.compress.files.look import inspect_model

from ..target import Target, lasting
from .archives import zipped
from .model_files import looked_at

_TOLD = {
    "inputs": [{"name": "image", "dtype": "float32", "shape": [None, 3, 12, 12]}],
    "outputs": [{"name": "scores", "dtype": "float32", "shape": [None, 5]}],
    "params": 135, "nonzero_params": 130, "macs": 19440, "torch": "2.6",
}  # fmt: skip


def _script(told: bytes, **more: bytes) -> bytes:
    """What TorchScript's archive looks like from outside."""
    members = {
        "m/constants.pkl": b"\x80\x02).", "m/data.pkl": b"\x80\x02}.", "m/code/__torch__.py": b"x",
        "m/version": b"3", "m/extra/benchhub.json": told,
    }  # fmt: skip
    return zipped({**members, **more}, zipfile.ZIP_STORED)


def _program(told: bytes) -> bytes:
    members = {
        "m/models/model.json": b"{}", "m/archive_format": b"pt2", "m/archive_version": b"0",
        "m/extra/benchhub.json": told,
    }  # fmt: skip
    return zipped(members, zipfile.ZIP_STORED)


def _torch_files() -> Iterator[bytes]:
    told = json.dumps(_TOLD).encode()
    yield _script(told)
    yield _program(told)
    yield _script(json.dumps({k: _TOLD[k] for k in ("inputs", "outputs")}).encode())


def _told(**changes: Any) -> bytes:
    return _script(json.dumps(_TOLD | changes).encode())


def _bomb_in_torch() -> bytes:
    told = b"[" + b" " * 70_000_000
    return zipped({"m/constants.pkl": b"", "m/code/a": b"", "m/extra/benchhub.json": told})


class _Runs:
    """A pickle that runs a command when it is loaded."""

    def __reduce__(self) -> Any:
        return exec, ("import pathlib; pathlib.Path('pickle-was-run').touch()",)


def _checkpoint() -> bytes:
    members = {"a/data.pkl": pickle.dumps(_Runs(), 2), "a/version": b"3\n"}
    return zipped(members, zipfile.ZIP_STORED)


def _exported() -> Iterator[bytes]:
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = torch.nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return self.last(x)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pt2"
        torch.export.save(torch.export.export(Net().eval(), (torch.zeros(2, 4),)), str(path))
        yield path.read_bytes()


_EXPORTED = lasting(lambda: list(_exported()))


def _with_pickles() -> bytes:
    """A sound program in which every pickle runs a command."""
    (whole,) = _EXPORTED()
    with zipfile.ZipFile(io.BytesIO(whole)) as held:
        members = {one: held.read(one) for one in held.namelist()}
    for name, content in members.items():
        if content.startswith(b"PK\x03\x04"):
            members[name] = _checkpoint()
        elif name.endswith("config.json"):
            members[name] = content.replace(b'"use_pickle": false', b'"use_pickle": true')
        elif "weight_" in name:
            members[name] = _checkpoint()
    return zipped(members, zipfile.ZIP_STORED)


def _opened(path: Path) -> None:
    try:
        inspect_model("m", path)
    finally:
        if Path("pickle-was-run").exists():
            Path("pickle-was-run").unlink()
            raise AssertionError("a pickle was run")


_MANIFEST = "not a list of inputs and outputs"

TARGETS = (
    Target(
        "torch", looked_at, _torch_files, ".pt",
        (b"benchhub.json", b"inputs", b"outputs", b"shape", b"params"),
        hard={
            "a manifest of all memory": (_bomb_in_torch, "BENCHHUB_UNPACK"),
            "a manifest nested deeply": (lambda: _script(b"[" * 100_000), _MANIFEST),
            "a manifest not in UTF-8": (lambda: _script(b"{\xff}"), _MANIFEST),
            "sizes that are text": (
                lambda: _told(inputs=[{"name": "x", "dtype": "float32", "shape": ["3"]}]), _MANIFEST
            ),
            "names that are lists": (
                lambda: _told(inputs=[{"name": ["x"], "dtype": "float32", "shape": [3]}]), _MANIFEST
            ),
            "counts beyond 64 bits": (lambda: _told(params=10**400), _MANIFEST),
            "counts that are text": (lambda: _told(macs="many"), _MANIFEST),
            "a checkpoint that runs a command": (_checkpoint, "neither TorchScript nor"),
            "no manifest": (
                lambda: zipped({"m/constants.pkl": b"", "m/code/a": b""}), "has no benchhub"
            ),
            "cut short": (lambda: _script(b"{}")[:-30], "neither TorchScript nor"),
        },
    ),
    Target(
        "torch-program", _opened, _EXPORTED, ".pt2", native=True, needs=("torch",),
        hard={"pickles that run a command": (_with_pickles, "")},
    ),
)  # fmt: skip
