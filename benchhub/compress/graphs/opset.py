"""A model at a higher opset, where it answers there as it did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchhub.compress.recipes.converters import converter_errors, in_one_line
from benchhub.compress.trial.words import Trial

if TYPE_CHECKING:
    import onnx

#: Of the range of an output's values; operators of two opsets may round differently.
MOST_DIFFERENCE = 1e-5


def opset_of(model: onnx.ModelProto) -> int:
    """Return the version of ONNX's own operators that a model uses."""
    return max(
        (one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=1
    )


def raised(
    model: onnx.ModelProto, opset: int, tried: Callable[[Path], Trial], scratch: Path
) -> tuple[onnx.ModelProto | None, str]:
    """Return a plain model at an opset, or None and why not.

    It is converted by onnx, and run beside the source: `tried` says how far its outputs are from
    those. Where that cannot be told it is not converted.
    """
    import onnx

    from benchhub.compress.graphs.scopes import without_shapes

    before = opset_of(model)
    if before >= opset:
        return model, ""
    where = f"opset {before} does not convert to {opset}"
    try:
        found = onnx.version_converter.convert_version(without_shapes(model), opset)
    except converter_errors() as error:
        return None, f"{where}: {in_one_line(error)}"
    path = scratch / f"opset-{opset}.onnx"
    onnx.save(found, str(path))
    trial = tried(path)
    if trial.cause:
        return None, f"{where}: {trial.cause}"
    if trial.difference is None:
        return None, (
            f"{where} unseen: there are no inputs on which to hold both side by side; give cases"
            f" (--data), or export it at opset {opset}"
        )
    if trial.difference > MOST_DIFFERENCE:
        return None, f"{where}: outputs differ by {trial.difference:.2g} of their range"
    return found, ""
