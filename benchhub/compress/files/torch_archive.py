"""Saves a PyTorch module as an artifact that says what goes in and comes out. Needs PyTorch."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchhub.errors import ConfigError

#: The member of an archive that says what goes in and comes out.
MANIFEST = "benchhub.json"


def save_exported(
    module: Any,
    examples: Mapping[str, Any],
    outputs: Sequence[str],
    path: Path,
    macs: int | None = None,
) -> None:
    """Write `module` as an exported program (.pt2) with an open batch axis.

    `examples` maps input names, in the order of forward's arguments, to tensors of two cases or
    more; `outputs` names what forward returns.
    """
    import torch

    # torch.export takes 1 for a constant, so the examples must not be of one case
    batch = torch.export.Dim("batch", min=1)
    module = module.eval()
    program: Any = torch.export.export(
        module, tuple(examples.values()), dynamic_shapes=tuple({0: batch} for _ in examples)
    )
    manifest = _manifest(module, examples, outputs, macs)
    torch.export.save(program, str(path), extra_files={MANIFEST: manifest})


def save_torchscript(
    module: Any,
    examples: Mapping[str, Any],
    outputs: Sequence[str],
    path: Path,
    macs: int | None = None,
) -> None:
    """Write `module`, traced, as TorchScript (.pt); arguments as in `save_exported`."""
    import torch

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch has a successor, old ones not
        jit: Any = torch.jit  # its functions have no types
        traced = jit.trace(module.eval(), tuple(examples.values()))
        extra = {MANIFEST: _manifest(module, examples, outputs, macs)}
        jit.save(traced, str(path), _extra_files=extra)


def program_facts(program: Any) -> dict[str, Any]:
    """Return inputs and outputs of an exported program by its own signature.

    ConfigError where one is no tensor.
    """
    from benchhub.ondevice.backends.torch.model import named_sides

    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    told = {}
    for side, names in zip(("inputs", "outputs"), named_sides(program), strict=True):
        for name in names:
            if not hasattr(values.get(name), "shape"):
                raise ConfigError(
                    f"{name} of its {side} is no tensor; export a module that takes and returns"
                    " tensors only"
                )
        told[side] = [_tensor(str(name), values[name]) for name in names]
    return told


def count_weights(tensors: Iterable[Any]) -> dict[str, int]:
    """Return how many elements weights have, and how many of them are not zero.

    What several names share, as an embedding tied to the last layer, counts once.
    """
    import torch

    found: dict[tuple[int, int, int], Any] = {}
    for tensor in tensors:
        if tensor.is_floating_point() or (tensor.dtype == torch.int8 and tensor.dim() > 1):
            place = tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.numel()
            found[place] = tensor
    return {
        "params": sum(int(tensor.numel()) for tensor in found.values()),
        "nonzero_params": sum(int(tensor.count_nonzero()) for tensor in found.values()),
    }


def _manifest(
    module: Any, examples: Mapping[str, Any], outputs: Sequence[str], macs: int | None
) -> str:
    import torch

    with torch.no_grad():
        found = module(*examples.values())
    tensors = (found,) if isinstance(found, torch.Tensor) else tuple(found)
    facts = {
        "inputs": [_tensor(name, tensor, fixed=False) for name, tensor in examples.items()],
        "outputs": [
            _tensor(name, tensor, fixed=False)
            for name, tensor in zip(outputs, tensors, strict=True)
        ],
        **count_weights(module.state_dict().values()),
        "torch": str(torch.__version__),
    }
    return json.dumps(facts if macs is None else {**facts, "macs": macs})


def _tensor(name: str, value: Any, fixed: bool = True) -> dict[str, Any]:
    shape = [size if isinstance(size, int) else None for size in value.shape]
    dtype = str(value.dtype).removeprefix("torch.")
    return {"name": name, "dtype": dtype, "shape": shape if fixed else [None, *shape[1:]]}
