"""TorchScript files that do not say what goes in: a copy that does, by the shapes asked for.

The file itself knows the names of forward's arguments, and neither their shapes nor their types.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchhub.compress.files.torch import torch_format
from benchhub.compress.files.torch_archive import MANIFEST, count_weights
from benchhub.errors import ConfigError
from benchhub.run.inputs.asked_shapes import AskedShapes, shape_text
from benchhub.run.inputs.room import check_room

#: Names of arguments that are whole numbers; all others are floats.
_WHOLE = re.compile(r"(^|_)(ids?|tokens?|mask|len|lens|lengths?|positions?)$|token_type|segment")


def with_signature(path: Path, sweep: Sequence[AskedShapes], folder: Path) -> Path:
    """Return `path`, or of a TorchScript file without a signature a copy with one in `folder`.

    Inputs are named as forward's arguments; a size is open where the shapes that are asked for
    differ, and the first of all. ConfigError: a shape is missing, torch is not installed here, or
    the module does not run at the shapes.
    """
    if not zipfile.is_zipfile(path) or torch_format(path) != "torchscript" or _has_manifest(path):
        return path
    try:
        import torch
    except ImportError as error:
        raise ConfigError(
            f"{path}: a TorchScript file without {MANIFEST} is read with torch, which is not"
            " installed here; pip install torch, or save it as an exported program"
        ) from error
    jit: Any = torch.jit  # its functions have no types
    module = jit.load(str(path), map_location="cpu").eval()
    names = [one.name for one in module.forward.schema.arguments[1:] if not one.has_default_value()]
    missing = [name for name in names if any(name not in asked.sizes for asked in sweep)]
    if missing:
        words = " ".join(f"--shape {name}=1x3x224x224" for name in missing)
        raise ConfigError(
            f"{path}: a TorchScript file does not say what shapes it takes; write them, for example"
            f" {words}"
        )
    inputs = [
        {"name": name, "dtype": _dtype(name), "shape": _open([a.sizes[name] for a in sweep])}
        for name in names
    ]
    for name in names:
        item_bytes = 8 if _dtype(name) == "int64" else 4
        check_room(str(path), name, sweep[0].sizes[name], item_bytes)
    examples = [torch.zeros(sweep[0].sizes[n], dtype=getattr(torch, _dtype(n))) for n in names]
    try:
        with torch.no_grad():
            found = module(*examples)
    except Exception as error:
        sizes = ", ".join(f"{name} {shape_text(sweep[0].sizes[name])}" for name in names)
        last = str(error).strip().splitlines()[-1]
        raise ConfigError(f"{path}: the module does not run at {sizes}: {last}") from error
    tensors = (found,) if isinstance(found, torch.Tensor) else tuple(found)
    outputs = [
        {"name": f"output{place}", "dtype": str(one.dtype).removeprefix("torch."),
         "shape": [None] * one.dim()}
        for place, one in enumerate(tensors)
    ]  # fmt: skip
    told = {"inputs": inputs, "outputs": outputs, **count_weights(module.state_dict().values())}
    text = json.dumps(told, sort_keys=True)
    digest = hashlib.sha256(path.read_bytes() + text.encode()).hexdigest()
    made = folder / digest[:16] / path.name
    made.parent.mkdir(parents=True, exist_ok=True)
    jit.save(module, str(made), _extra_files={MANIFEST: text})
    return made


def _has_manifest(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(f"/{MANIFEST}") for name in archive.namelist())


def _dtype(name: str) -> str:
    return "int64" if _WHOLE.search(name.lower()) else "float32"


def _open(shapes: Sequence[tuple[int, ...]]) -> list[int | None]:
    """Return the sizes that all shapes share, and None for the first and where they differ."""
    if len({len(shape) for shape in shapes}) > 1:
        raise ConfigError("--shape: the shapes of one TorchScript input have as many sizes each")
    same = [sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*shapes, strict=True)]
    return [None, *same[1:]]
