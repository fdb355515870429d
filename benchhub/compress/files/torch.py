"""What a TorchScript file or an exported program is; PyTorch is not needed where it says so itself.

`torch_archive` writes `benchhub.json` into the archive: inputs, outputs and counts. An exported
program without it is opened with PyTorch; a TorchScript module without it has no shapes.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from benchhub.compress.files.model_file import read_model
from benchhub.compress.files.torch_archive import MANIFEST
from benchhub.compress.trial.apart import answer
from benchhub.errors import ConfigError
from benchhub.model.cell import TensorSpec, Variant
from benchhub.outside.foreign.bounds import check_size
from benchhub.outside.foreign.reading import reading

#: What a torch file may hold.
TORCH_FORMATS = ("torchscript", "exported")
#: What `benchhub.json` takes at most.
_MANIFEST_BYTES = 1 << 20
_CHILD = "benchhub.compress.trial.described"


def torch_format(path: Path) -> str | None:
    """Return torchscript or exported by what the archive holds, None if it is neither."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member.partition("/")[2] for member in archive.namelist()]
            names = {*members, *archive.namelist()}
    except Exception:  # noqa: BLE001 - a damaged archive is neither, whatever is wrong with it
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
    blob = read_model(name, path)
    found = torch_format(path)
    if found is None:
        raise ConfigError(
            f"variant {name}: model {path} is neither TorchScript nor an exported program (a"
            " checkpoint holds weights only); save it with torch.export.save or torch.jit.save"
        )
    declared = _manifest(name, path)
    if declared is None:
        if found == "torchscript":
            raise ConfigError(
                f"variant {name}: model {path} has no {MANIFEST}, so its shapes are unknown;"
                " save it with benchhub.compress.files.torch_archive.save_torchscript"
            )
        declared = _asked(name, path)
    return Variant(
        name=name,
        path=path,
        sha256=hashlib.sha256(blob).hexdigest(),
        format=found,
        model_bytes=len(blob),
        gzip_bytes=len(gzip.compress(blob, compresslevel=6, mtime=0)),
        inputs=_specs(declared.inputs),
        outputs=_specs(declared.outputs),
        params=declared.params,
        nonzero_params=declared.nonzero_params,
        macs=declared.macs,
        uncounted=() if "macs" in declared.model_fields_set else ("forward of unknown shape",),
    )


class _DeclaredTensor(BaseModel):
    model_config = ConfigDict(strict=True)

    name: Annotated[str, Field(max_length=4096)]
    dtype: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    shape: Annotated[list[Annotated[int, Field(ge=0, lt=2**40)] | None], Field(max_length=32)]


_Count = Annotated[int, Field(ge=0, lt=2**63)]
_Tensors = Annotated[list[_DeclaredTensor], Field(max_length=1024)]


class _Declared(BaseModel):
    """What `benchhub.json` says, or the program itself."""

    model_config = ConfigDict(strict=True)

    inputs: _Tensors
    outputs: _Tensors
    params: _Count | None = None
    nonzero_params: _Count | None = None
    macs: _Count | None = None


def _manifest(name: str, path: Path) -> _Declared | None:
    where = f"variant {name}: {MANIFEST} in {path}"
    with (
        reading(where, "not a list of inputs and outputs", "export the model again"),
        zipfile.ZipFile(path) as archive,
    ):
        members = archive.infolist()
        check_size(path, sum(member.file_size for member in members))
        for member in members:
            if member.filename.split("/")[-2:] not in (
                ["extra", MANIFEST],
                ["extra_files", MANIFEST],
            ):
                continue
            if member.file_size > _MANIFEST_BYTES:
                raise ValueError(f"it has {member.file_size} bytes")
            return _Declared.model_validate_json(archive.read(member))
    return None


def _specs(declared: Sequence[_DeclaredTensor]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(one.name, one.dtype, tuple(one.shape)) for one in declared)


def _asked(name: str, path: Path) -> _Declared:
    if importlib.util.find_spec("torch") is None:
        raise ConfigError(
            f"variant {name}: model {path} has no {MANIFEST} and torch is not installed here to"
            " read it; pip install torch, or export it with benchhub.compress.files.torch_archive"
        )
    told = answer(_CHILD, {"path": str(path)})
    where = f"variant {name}: model {path}"
    wrong = "not an exported program that can be opened without running what it holds"
    if "refused" in told:
        raise ConfigError(f"{where}: {told['refused']}")
    if "facts" not in told:
        raise ConfigError(f"{where}: {wrong} ({told['cause']}); save it with torch.export.save")
    with reading(where, wrong, "save it with torch.export.save"):
        return _Declared.model_validate(told["facts"])
