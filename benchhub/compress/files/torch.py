"""What a TorchScript file or an exported program is; PyTorch is not needed where it says so itself.

`torch_archive` writes `benchhub.json` into the archive: inputs, outputs and counts. An exported
program without it is opened with PyTorch; a TorchScript module without it has no shapes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchhub.compress.files.torch_archive import MANIFEST, count_weights, program_facts
from benchhub.errors import ConfigError
from benchhub.model.cell import TensorSpec, Variant

#: What a torch file may hold.
TORCH_FORMATS = ("torchscript", "exported")


def torch_format(path: Path) -> str | None:
    """Return torchscript or exported by what the archive holds, None if it is neither."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member.partition("/")[2] for member in archive.namelist()]
            names = {*members, *archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return None
    if "serialized_exported_program.json" in names or any(
        name.startswith("models/") and name.endswith(".json") for name in names
    ):
        return "exported"
    if "constants.pkl" in names and any(name.startswith("code/") for name in names):
        return "torchscript"
    return None


def inspect_torch(name: str, path: Path) -> Variant:
    """Return the variant `name` as found in a `.pt` or `.pt2` file.

    Raises ConfigError if the file is missing, is a checkpoint rather than a model, or says
    nothing about its inputs and cannot be asked.
    """
    try:
        blob = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"variant {name}: cannot read model {path}: {reason}") from error
    found = torch_format(path)
    if found is None:
        raise ConfigError(
            f"variant {name}: model {path} is neither TorchScript nor an exported program (a"
            " checkpoint holds weights only); save it with torch.export.save or torch.jit.save"
        )
    facts = _manifest(name, path)
    if facts is None:
        if found == "torchscript":
            raise ConfigError(
                f"variant {name}: model {path} has no {MANIFEST}, so its shapes are unknown;"
                " save it with benchhub.compress.files.torch_archive.save_torchscript"
            )
        facts = _asked(name, path)
    return Variant(
        name=name,
        path=path,
        sha256=hashlib.sha256(blob).hexdigest(),
        format=found,
        model_bytes=len(blob),
        gzip_bytes=len(gzip.compress(blob, compresslevel=6, mtime=0)),
        inputs=_specs(facts["inputs"]),
        outputs=_specs(facts["outputs"]),
        params=facts.get("params"),
        nonzero_params=facts.get("nonzero_params"),
        macs=facts.get("macs"),
        uncounted=() if "macs" in facts else ("forward of unknown shape",),
    )


def _manifest(name: str, path: Path) -> Mapping[str, Any] | None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.split("/")[-2:] not in (["extra", MANIFEST], ["extra_files", MANIFEST]):
                continue
            try:
                facts: Mapping[str, Any] = json.loads(archive.read(member))
                _specs(facts["inputs"]), _specs(facts["outputs"])
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigError(
                    f"variant {name}: {MANIFEST} in {path} is not a list of inputs and outputs"
                    f" ({error!r}); export the model again"
                ) from error
            return facts
    return None


def _specs(raw: Any) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(one["name"], one["dtype"], tuple(one["shape"])) for one in raw)


def _asked(name: str, path: Path) -> Mapping[str, Any]:
    try:
        import torch
    except ImportError as error:
        raise ConfigError(
            f"variant {name}: model {path} has no {MANIFEST} and torch is not installed here to"
            " read it; pip install torch, or export it with benchhub.compress.files.torch_archive"
        ) from error

    program: Any = torch.export.load(str(path))
    return {**program_facts(program), **count_weights(program.state_dict.values())}
