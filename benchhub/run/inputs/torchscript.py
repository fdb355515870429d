"""TorchScript files that do not say what goes in: a copy that does, by the shapes asked for.

The file itself knows the names of forward's arguments, and neither their shapes nor their types.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.compress.files.torch import torch_format
from benchhub.compress.files.torch_archive import MANIFEST, count_weights
from benchhub.compress.trial.apart import answer, serve
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.ondevice.cause import cause
from benchhub.outside.foreign.arrays import archive
from benchhub.outside.foreign.bounds import check_kind
from benchhub.outside.foreign.reading import reason
from benchhub.outside.written import OTHER_CACHE, write_whole
from benchhub.run.inputs.asked_shapes import AskedShapes, shape_text
from benchhub.run.inputs.given import lacks
from benchhub.run.inputs.room import check_room

#: Types of arguments that a tensor of one number is taken for.
NUMBERS = ("int", "float", "bool")
#: Names of arguments that are whole numbers; all others are floats.
_WHOLE = re.compile(r"(^|_)(ids?|tokens?|mask|len|lens|lengths?|positions?)$|token_type|segment")


def with_signature(
    path: Path, sweep: Sequence[AskedShapes], folder: Path, given: Path | None = None
) -> Path:
    """Return `path`, or of a TorchScript file without a signature a copy with one in `folder`.

    Inputs are named as forward's arguments; a size is open where the shapes that are asked for
    differ, and the first of all. With an archive that is `given`, its arrays say shapes and types,
    those of other lengths than the first are the same for all cases, and numbers are arguments too.
    It is opened in a process of its own, which it may end. ConfigError: a shape is missing, torch
    is not installed here, or the module does not run.
    """
    if path.exists():
        check_kind(path)
    if not zipfile.is_zipfile(path) or torch_format(path) != "torchscript" or _has_manifest(path):
        return path
    if importlib.util.find_spec("torch") is None:
        raise ConfigError(
            f"{path}: a TorchScript file without {MANIFEST} is read with torch, which is not"
            " installed here; pip install torch, or save it as an exported program"
        )
    asked = {
        "path": str(path),
        "sweep": [dict(one.sizes) for one in sweep],
        "folder": str(folder),
        "given": str(given or ""),
    }
    told = answer(__name__, asked)
    if "made" in told:
        return Path(told["made"])
    if "refused" in told:
        raise ConfigError(told["refused"])
    raise ConfigError(f"{path}: torch cannot open it: {told['cause']}; save the module again")


def _answered(asked: Mapping[str, Any]) -> dict[str, Any]:
    sweep = [
        AskedShapes({name: tuple(sizes) for name, sizes in one.items()}) for one in asked["sweep"]
    ]
    given = Path(asked["given"]) if asked["given"] else None
    try:
        return {"made": str(signed(Path(asked["path"]), sweep, Path(asked["folder"]), given))}
    except ConfigError as error:
        return {"refused": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever torch raises is the answer
        return {"cause": reason(error)}


def signed(
    path: Path, sweep: Sequence[AskedShapes], folder: Path, given: Path | None = None
) -> Path:
    """Return what `with_signature` does of a file that needs it; opened here, whatever comes."""
    import torch

    jit: Any = torch.jit  # its functions have no types
    module = jit.load(str(path), map_location="cpu").eval()
    taken = [one for one in module.forward.schema.arguments[1:] if not one.has_default_value()]
    kinds = {one.name: str(one.type) for one in taken}
    for name, kind in kinds.items():
        if kind != "Tensor" and kind not in NUMBERS:
            raise ConfigError(
                f"{path}: argument {name} is {kind}; only tensors and numbers can be given:"
                " save a module that takes those"
            )
    inputs = _of_arrays(path, given, kinds) if given else _of_shapes(path, module, sweep, kinds)
    tensors = _tensors(path, _called(path, module, inputs))
    outputs = [
        {"name": f"output{place}", "dtype": str(one.dtype).removeprefix("torch."),
         "shape": [None] * one.dim()}
        for place, one in enumerate(tensors)
    ]  # fmt: skip
    declared = [{"name": i.name, "dtype": i.dtype, "shape": list(i.shape)} for i in inputs]
    weights = _weights(module)
    text = json.dumps({"inputs": declared, "outputs": outputs, **weights}, sort_keys=True)
    digest = hashlib.sha256(path.read_bytes() + text.encode()).hexdigest()
    made = folder / digest[:16] / path.name
    packed = io.BytesIO()  # of a full disk torch tells no more than that it failed
    jit.save(module, packed, _extra_files={MANIFEST: text})
    write_whole(made, packed.getvalue(), OTHER_CACHE)
    return made


def _weights(module: Any) -> dict[str, int]:
    """Return how many weights there are, in a frozen graph too; empty: quantized layers pack some.

    Numbers of no axis are no weights.
    """
    graph = module.inlined_graph
    constants = graph.findAllNodes("prim::Constant")
    kinds = {str(one.output().type()) for one in (*constants, *graph.findAllNodes("prim::GetAttr"))}
    if any(kind.startswith("__torch__.torch.classes.") for kind in kinds):
        return {}
    valued = [one for one in constants if one.hasAttribute("value")]
    held = [one.t("value") for one in valued if one.kindOf("value") == "t"]
    return count_weights([*module.state_dict().values(), *(one for one in held if one.dim())])


@dataclass(frozen=True, slots=True)
class _Argument:
    """An input: how the copy declares it, and an example to call it with."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    example: Array


def _of_arrays(path: Path, given: Path, kinds: Mapping[str, str]) -> list[_Argument]:
    held = archive(given)
    for name in kinds:
        if name not in held:
            raise lacks(given, name, path.name, held)
    cases = next((len(held[name]) for name in kinds if held[name].ndim), None)
    found = []
    for name, kind in kinds.items():
        array = held[name]
        if kind != "Tensor" and array.ndim:
            raise ConfigError(f"{given}: {name} is a number ({kind}) in {path.name}; give a scalar")
        runs = array.ndim > 0 and len(array) == cases
        shape = (None, *array.shape[1:]) if runs else array.shape
        found.append(_Argument(name, str(array.dtype), shape, array[:1] if runs else array))
    return found


def _of_shapes(
    path: Path, module: Any, sweep: Sequence[AskedShapes], kinds: Mapping[str, str]
) -> list[_Argument]:
    for name, kind in kinds.items():
        if kind != "Tensor":
            raise ConfigError(
                f"{path}: argument {name} is a number ({kind}); give it, and all others, as arrays:"
                f" --inputs FILE.npz of numpy.savez(FILE, {name}=1, ..)"
            )
    missing = [name for name in kinds if any(name not in asked.sizes for asked in sweep)]
    if missing:
        raise ConfigError(
            f"{path}: a TorchScript file does not say what shapes it takes; write them,"
            f" {_example(module, sweep[0], list(kinds), missing)}"
        )
    found = []
    for name in kinds:
        dtype = np.dtype(_dtype(name))
        sizes = sweep[0].sizes[name]
        check_room(str(path), name, sizes, dtype.itemsize)
        shape = _open([asked.sizes[name] for asked in sweep])
        found.append(_Argument(name, dtype.name, shape, np.zeros(sizes, dtype)))
    return found


def _called(path: Path, module: Any, inputs: Sequence[_Argument]) -> Any:
    """Return what the module answers to the examples; ConfigError where it does not run."""
    import torch

    try:
        with torch.no_grad():
            return module(*(torch.from_numpy(np.array(one.example)) for one in inputs))
    except Exception as error:
        sizes = ", ".join(f"{one.name} {shape_text(one.example.shape)}" for one in inputs)
        last = cause(str(error).strip().splitlines()[-1]) if str(error).strip() else "no reason"
        raise ConfigError(f"{path}: the module does not run at {sizes}: {last}") from error


def _tensors(path: Path, found: Any) -> list[Any]:
    """Return what a module answered as a launch takes it; ConfigError where that is no tensor."""
    from benchhub.ondevice.backends.torch.compute import flatten

    tensors: list[Any] = []
    try:
        flatten(found, tensors)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}; save a module that returns tensors only") from error
    if not tensors:
        raise ConfigError(f"{path}: the model returned nothing; save a module that returns tensors")
    return tensors


def _example(module: Any, asked: AskedShapes, names: Sequence[str], missing: Sequence[str]) -> str:
    """Return shapes to write that the module runs at, of its own weights; else an example."""
    for sizes in (*_of_weights(module), (1, 3, 224, 224), (1, 16_000), (1, 128)):
        shapes = {name: (1, 16) if _dtype(name) == "int64" else sizes for name in missing}
        inputs = [
            _Argument(name, "", (), np.zeros(at, _dtype(name)))
            for name in names
            if (at := shapes.get(name) or asked.sizes[name])
        ]
        words = " ".join(f"--shape {name}={shape_text(at)}" for name, at in shapes.items())
        try:
            _called(Path(), module, inputs)
        except ConfigError:
            continue
        return f"for example {words}"
    words = " ".join(f"--shape {name}=1x3x224x224" for name in missing)
    return f"as in {words} (an example of how to write it: the module does not run at that)"


def _of_weights(module: Any) -> list[tuple[int, ...]]:
    """Return shapes that layers with such weights take: images, sound, features."""
    behind = {5: (16, 64, 64), 4: (224, 224), 3: (16_000,), 2: ()}
    first: dict[int, tuple[int, ...]] = {}
    for name, weight in module.state_dict().items():
        if name.endswith("weight") and weight.dim() in behind:
            first.setdefault(weight.dim(), (1, int(weight.shape[1]), *behind[weight.dim()]))
    return list(first.values())


def _has_manifest(path: Path) -> bool:
    with zipfile.ZipFile(path) as opened:
        return any(name.endswith(f"/{MANIFEST}") for name in opened.namelist())


def _dtype(name: str) -> str:
    return "int64" if _WHOLE.search(name.lower()) else "float32"


def _open(shapes: Sequence[tuple[int, ...]]) -> tuple[int | None, ...]:
    """Return the sizes that all shapes share, and None for the first and where they differ."""
    if len({len(shape) for shape in shapes}) > 1:
        raise ConfigError("--shape: the shapes of one TorchScript input have as many sizes each")
    same = [sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True)]
    return (None, *same[1:])


if __name__ == "__main__":
    serve(_answered)
