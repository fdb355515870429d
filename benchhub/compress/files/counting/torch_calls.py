"""The process that calls a torch model once, and counts what its operators multiply.

Operators are counted by torch's own table; one that is in neither that nor the lists here leaves
the count unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchhub.compress.trial.apart import serve
from benchhub.ondevice.backends.torch.model import open_model

#: What multiplies nothing worth counting and is neither pointwise nor a view, as torch tells.
_NAMES = """
_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d all amax amin
aminmax any arange argmax argmin argsort avg_pool2d avg_pool3d bernoulli bucketize cat
channel_shuffle clone col2im constant_pad_nd copy count_nonzero cummax cummin cumprod cumsum
embedding _embedding_bag empty empty_like empty_strided eye fill flip full full_like gather
grid_sampler_2d grid_sampler_3d histc im2col index index_add index_copy index_fill index_put
index_select item lift lift_fresh_copy linspace _local_scalar_dense _log_softmax logcumsumexp
logsumexp masked_fill masked_scatter masked_select max max_pool2d_with_indices
max_pool3d_with_indices max_unpool2d mean median min mode multinomial native_batch_norm
_native_batch_norm_legit _native_batch_norm_legit_no_training native_dropout native_group_norm
native_layer_norm new_empty new_empty_strided new_full new_ones new_zeros nonzero norm ones
ones_like pixel_shuffle pixel_unshuffle prod rand rand_like randint randn randn_like randperm
reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave replication_pad1d
replication_pad2d replication_pad3d resize roll rot90 _safe_softmax scalar_tensor scatter
scatter_add scatter_reduce searchsorted select_scatter slice_scatter _softmax sort
split_with_sizes_copy stack std std_mean sum take _to_copy topk tril tril_indices triu triu_indices
unfold_copy unique unique2 _unique2 _unsafe_index unsafe_split unsafe_split_with_sizes _unsafe_view
upsample_bicubic2d _upsample_bicubic2d_aa upsample_bilinear2d _upsample_bilinear2d_aa
upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact2d
upsample_trilinear3d var var_mean where zero zeros zeros_like
"""
_FREE = frozenset(_NAMES.split())


class _Counting(TorchDispatchMode):  # type: ignore[misc]
    """A context that adds up what operators in it multiply; `unknown` are those it cannot tell."""

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0
        self.unknown: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if not isinstance(func, torch._ops.OpOverload):
            self.unknown.add(str(func))
            return func(*args, **given)
        kind: Any = func._overloadpacket
        if kind not in flop_registry:
            with self:
                parts = func.decompose(*args, **given)
            if parts is not NotImplemented:
                return parts
        found = func(*args, **given)
        if kind in flop_registry:
            self.flops += flop_registry[kind](*args, **given, out_val=found)
        elif not _is_free(func):
            self.unknown.add(str(kind))
        return found


def _is_free(func: torch._ops.OpOverload) -> bool:
    if {torch.Tag.pointwise, torch.Tag.inplace_view} & set(func.tags) or func.namespace == "prim":
        return True
    alias = (argument.alias_info for argument in func._schema.arguments)
    if any(one is not None and not one.is_write for one in alias):
        return True  # a view
    name = func._schema.name.partition("::")[2]
    return func.namespace == "aten" and name.removesuffix("_") in _FREE


def counted(path: str, kind: str, arrays: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return the operations of one call, a multiplication and an addition being two; and by name
    the operators that are not counted. What torch raises comes as it is.
    """
    opened = open_model(path, kind, "cpu")
    given = [torch.from_numpy(np.ascontiguousarray(arrays[one.name])) for one in opened.inputs]
    plain: Any = torch.backends.mkldnn
    parts: Any = torch.nn.attention
    # In parts: what is fused here has other names, and stands in no table.
    with (
        torch.no_grad(),
        plain.flags(enabled=False),
        parts.sdpa_kernel(parts.SDPBackend.MATH),
        _Counting() as counting,
    ):
        opened.module(*given)
    return counting.flops, sorted(counting.unknown)


def _answered(asked: Mapping[str, Any]) -> dict[str, Any]:
    with np.load(asked["arrays"], allow_pickle=False) as held:
        arrays = {name: held[f"arr_{place}"] for place, name in enumerate(asked["names"])}
    try:
        flops, unknown = counted(asked["path"], asked["format"], arrays)
    except Exception as error:  # noqa: BLE001 - whatever torch raises is the answer
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return {"cause": lines[-1] if lines else type(error).__name__}
    return {"flops": flops, "unknown": unknown}


if __name__ == "__main__":
    serve(_answered)
