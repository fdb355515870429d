"""Opens the two artifacts of PyTorch, and says what goes in and comes out.

Names, types and shapes are read from `benchhub.json` in the archive, written beside the model as
an extra file (`_extra_files` of torch.jit.save, `extra_files` of torch.export.save):

    {"inputs": [{"name": "image", "dtype": "float32", "shape": [null, 3, 64, 64]}], "outputs": []}

in the order of forward's arguments and of what it returns; null is an open size. Without it an
exported program's own signature serves; a TorchScript module has no shapes, and is refused.
"""

import contextlib
import inspect
import json
import os
import zipfile
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

import torch
import torch.utils._pytree as torch_tree

from benchhub.ondevice.backends import TensorInfo

_jit: Any = torch.jit  # its functions have no types
MANIFEST = "benchhub.json"
#: The kind of input that a caller gives, as against weights.
_USER = "USER_INPUT"


class OpenedModule(NamedTuple):
    """A module on its device, and its signature."""

    module: Any
    inputs: List[TensorInfo]
    outputs: List[TensorInfo]


def open_model(path: str, kind: str, device: str) -> OpenedModule:
    """Return the module in a torchscript or exported file on `device`; ValueError if it is none."""
    if not zipfile.is_zipfile(path):
        raise ValueError("%s is no archive of PyTorch; save the model again" % path)
    if _kind(path) != kind:
        text = "the file holds %s, not %s" % (_kind(path) or "no model of PyTorch", kind)
        raise ValueError(text)
    declared = _declared(path)
    if kind == "torchscript":
        if declared is None:
            raise ValueError(
                "the TorchScript file has no %s, so its shapes are unknown; save it with "
                "_extra_files (docs/how-to/gpu.md)" % MANIFEST
            )
        return OpenedModule(_jit.load(path, map_location=device).eval(), *declared)
    with weights_only():
        program: Any = _moved(torch.export.load(path), device)
    if "check_guards" in inspect.signature(program.module).parameters:
        module = program.module(check_guards=False)  # the harness has checked the shapes
    else:
        module = program.module()
    module = _placing(module.to(device), program)
    return OpenedModule(module, *(declared or _signature(program)))


def _placing(module: Any, program: Any) -> Any:
    """Return the module as it is called with its tensors one after the other.

    A program that was exported with keywords, or with lists and tables of tensors, wants them where
    they were, and beside them the numbers that were fixed when it was exported.
    """
    given = _given(program)
    spec = program.call_spec.in_spec
    places = list(range(len(given)))
    one_each = spec is None or torch_tree.tree_unflatten(places, spec) == (tuple(places), {})
    if one_each and not any(map(_is_fixed, given)):
        return module
    return _Placing(module, spec, given)


class _Placing(torch.nn.Module):  # type: ignore[misc,unused-ignore]
    """A module whose tensors are put where its `forward` has them."""

    def __init__(self, module: Any, spec: Any, given: List[Any]) -> None:
        super().__init__()
        self.module, self.spec = module, spec
        self.leaves = [getattr(one, "value", None) for one in given]
        self.open = [place for place, one in enumerate(given) if not _is_fixed(one)]
        self.args, self.kwargs = torch_tree.tree_unflatten(list(range(len(given))), spec)
        # Its calls are timed with this in them: arguments that are tensors are not worth a tree.
        self.plain = all(isinstance(one, int) for one in (*self.args, *self.kwargs.values()))

    def forward(self, *tensors: Any) -> Any:
        """Call the module."""
        leaves = list(self.leaves)
        for place, tensor in zip(self.open, tensors):
            leaves[place] = tensor
        if self.plain:
            named = {name: leaves[place] for name, place in self.kwargs.items()}
            return self.module(*[leaves[place] for place in self.args], **named)
        args, kwargs = torch_tree.tree_unflatten(leaves, self.spec)
        return self.module(*args, **kwargs)


def _given(program: Any) -> List[Any]:
    """Return what a caller gives, flat, those that were fixed among them."""
    specs = program.graph_signature.input_specs
    return [one.arg for one in specs if one.kind.name == _USER]


def _is_fixed(argument: Any) -> bool:
    return hasattr(argument, "value")


@contextlib.contextmanager
def weights_only() -> Iterator[None]:
    """Have torch read weights only in the block: where it may not, it runs what a pickle names.

    torch.export.load does so after its first attempt, whatever its arguments are.
    """
    before = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        yield
    finally:
        os.environ.pop("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
        if before is not None:
            os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = before


def _kind(path: str) -> Optional[str]:
    with zipfile.ZipFile(path) as archive:
        names = ["/" + name for name in archive.namelist()]
    programs = ("/models/", "/serialized_exported_program.json")
    if any(part in name and name.endswith(".json") for part in programs for name in names):
        return "exported"
    return "torchscript" if any("/code/" in name for name in names) else None


def _moved(program: Any, device: str) -> Any:
    """Return the program with the devices that its operators name changed, not only its weights."""
    try:
        from torch.export.passes import move_to_device_pass
    except ImportError:  # before torch 2.5
        return program
    return move_to_device_pass(program, device)


def _declared(path: str) -> Optional[Tuple[List[TensorInfo], List[TensorInfo]]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.split("/")[-2:] in (["extra", MANIFEST], ["extra_files", MANIFEST]):
                found = json.loads(archive.read(member).decode("utf-8"))
                return _tensors(found["inputs"]), _tensors(found["outputs"])
    return None


def _tensors(raw: List[Any]) -> List[TensorInfo]:
    return [TensorInfo(one["name"], one["dtype"], tuple(one["shape"])) for one in raw]


def _signature(program: Any) -> Tuple[List[TensorInfo], List[TensorInfo]]:
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    inputs, outputs = (
        [_info(name, values.get(name)) for name in side] for side in named_sides(program)
    )
    return inputs, outputs


def named_sides(program: Any) -> Tuple[List[Any], List[Any]]:
    """Return the names of what a caller gives an exported program and gets from it.

    What was fixed when it was exported is not given, and nothing is got for a None; a number that
    is returned stands for itself.
    """
    inputs = [one.name for one in _given(program) if not _is_fixed(one)]
    returned = program.graph_signature.user_outputs
    return inputs, [one for one in returned if one is not None]


def _info(name: Any, value: Any) -> TensorInfo:
    if not isinstance(value, torch.Tensor):
        raise ValueError("%s of the exported program is no tensor; only tensors can be fed" % name)
    shape = tuple(size if isinstance(size, int) else None for size in value.shape)
    return TensorInfo(str(name), str(value.dtype).split(".")[-1], shape)
