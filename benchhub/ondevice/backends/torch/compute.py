"""One forward pass in PyTorch: what it computes in, what it needs, why it failed."""

import contextlib
import os
import shutil
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

import torch

from benchhub.ondevice.backends.torch.nvidia import exhausted_text, is_exhausted
from benchhub.ondevice.failed import Failed

DTYPES: Dict[str, Any] = {"f16": torch.float16, "bf16": torch.bfloat16}
_NAMES = {
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.float32: "f32",
    torch.float64: "f64",
}


class Compute:
    """The module as asked for; a call takes tensors on its device and returns such, in float32.

    Casts of inputs to f16 or bf16, their rearrangement to channels-last and the casts of the
    outputs back are part of the call, as they are in an ONNX model that keeps float32 outside.
    """

    def __init__(self, module: Any, precision: str, channels_last: bool) -> None:
        self._dtype = DTYPES.get(precision)
        self._channels_last = channels_last
        self._module = module

    def __call__(self, inputs: Sequence[Any]) -> List[Any]:
        """Return the outputs as a flat list."""
        outputs: List[Any] = []
        flatten(self._module(*[self._prepared(tensor) for tensor in inputs]), outputs)
        return [_widened(tensor) for tensor in outputs]

    def _prepared(self, tensor: Any) -> Any:
        if self._dtype is not None and tensor.is_floating_point():
            tensor = tensor.to(self._dtype)
        if self._channels_last and tensor.dim() == 4:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        return tensor


def prepared(module: Any, precision: str, channels_last: bool) -> Any:
    """Return the module, already on its device, in the precision and layout asked for."""
    if precision in DTYPES:
        module = module.to(DTYPES[precision])
    if channels_last:
        module = module.to(memory_format=torch.channels_last)
    return module


def in_force(module: Any, asked: str, tf32: bool) -> str:
    """Return the precision of the module's own weights; `asked` where it has none."""
    tensors = [*module.parameters(), *module.buffers()]
    kinds = {_NAMES[tensor.dtype] for tensor in tensors if tensor.dtype in _NAMES}
    if tf32:
        kinds = {"tf32" if kind == "f32" else kind for kind in kinds}
    return "+".join(sorted(kinds)) or asked


def check_compiler(device: str, environ: Mapping[str, str] = os.environ) -> None:
    """Raise Failed where torch.compile has no compiler to call."""
    wanted = [environ["CXX"]] if environ.get("CXX") else ["g++", "clang++", "c++"]
    name = "C++"
    if device == "cuda":  # Triton compiles its launchers
        wanted, name = [environ["CC"]] if environ.get("CC") else ["gcc", "clang", "cc"], "C"
    if not any(shutil.which(one, path=environ.get("PATH")) for one in wanted):
        text = "mode compile needs a %s compiler and none of %s is there; install g++, or use eager"
        raise Failed("missing", text % (name, ", ".join(wanted)))


@contextlib.contextmanager
def attributed(device: str) -> Iterator[None]:
    """Turn what PyTorch raises into a failure of a known kind where it is one."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        known = explained(error, device)
        if known is None:
            raise
        raise known from error


def explained(error: BaseException, device: str) -> Optional[Failed]:
    """Return a Failed for memory that ran out or an operator that is missing, else None."""
    text = str(error)
    if isinstance(error, MemoryError) or is_exhausted(text):
        return Failed("memory", exhausted_text(text, "torch on %s" % device))
    if isinstance(error, NotImplementedError) or "not implemented for" in text:
        first = text.splitlines()[0] if text else type(error).__name__
        text = "torch on %s: %s; export the model without it, or measure it on another device"
        return Failed("unsupported", text % (device, first.rstrip(". ")))
    return None


def flatten(value: Any, into: List[Any]) -> None:
    """Add the tensors of what a module returned, in its order; ValueError for anything else."""
    if isinstance(value, torch.Tensor):
        into.append(value)
    elif isinstance(value, Mapping):
        for one in value.values():
            flatten(one, into)
    elif isinstance(value, (list, tuple)):
        for one in value:
            flatten(one, into)
    elif value is not None:
        raise ValueError("the model returned a %s, not tensors" % type(value).__name__)


def _widened(tensor: Any) -> Any:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
