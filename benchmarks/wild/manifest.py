"""The models of `models.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MANIFEST = Path(__file__).with_name("models.toml")

#: What is made of every model, by its format: variant -> recipe.
RECIPES: Mapping[str, Mapping[str, str]] = {
    "onnx": {name: name for name in ("fp16", "int8-dynamic", "int8-static")},
    "tflite": {
        "fp16": "tflite-fp16",
        "int8-dynamic": "tflite-int8-dynamic",
        "int8-static": "tflite-int8",
    },
}
#: The backends that read each format.
BACKENDS: Mapping[str, tuple[str, ...]] = {
    "onnx": ("onnxruntime", "openvino"),
    "tflite": ("tflite",),
}
#: The file as it was published.
AS_IS = "as-is"


@dataclass(frozen=True, slots=True)
class Package:
    """An archive on the index: its version, the SHA-256 of the archive, its licence."""

    name: str
    version: str
    sha256: str
    licence: str


@dataclass(frozen=True, slots=True)
class Input:
    """What one input's cases are made of; `shape` is that of one case.

    `whole`: the array is not cut into cases, every call gets all of it. Scalars are that, too.
    """

    kind: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    below: int = 0
    value: int = 0
    whole: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether every call gets all of it."""
        return self.whole or self.kind == "scalar"


@dataclass(frozen=True, slots=True)
class State:
    """An input that is fed with an output of the call before, and begins with zeros."""

    output: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the manifest; `output` is the one that its metric reads, empty: its only one."""

    name: str
    package: Package
    file: str
    sha256: str
    what: str
    cases: int
    inputs: Mapping[str, Input]
    metric: str
    output: str = ""
    batch: int = 1
    batch_axis: Mapping[str, int] = field(default_factory=dict)
    state: Mapping[str, State] = field(default_factory=dict)

    @property
    def format(self) -> str:
        """`onnx` or `tflite`."""
        return Path(self.file).suffix.removeprefix(".")

    @property
    def backends(self) -> tuple[str, ...]:
        """Those that read its format."""
        return BACKENDS[self.format]

    @property
    def variants(self) -> tuple[str, ...]:
        """As it is, and what the recipes make of it."""
        return (AS_IS, *RECIPES[self.format])


def load(path: Path = MANIFEST) -> tuple[Model, ...]:
    """Return the models of a manifest, in its order."""
    raw = tomllib.loads(path.read_text("utf-8"))
    packages = {name: Package(name=name, **of) for name, of in raw["packages"].items()}
    return tuple(_model(entry, packages) for entry in raw["models"])


def _model(entry: Mapping[str, Any], packages: Mapping[str, Package]) -> Model:
    inputs = {name: Input(**_tupled(of)) for name, of in entry["inputs"].items()}
    state = {name: State(**_tupled(of)) for name, of in entry.get("state", {}).items()}
    known = {**entry, "package": packages[entry["package"]], "inputs": inputs, "state": state}
    return Model(**known)


def _tupled(of: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in of.items()}
