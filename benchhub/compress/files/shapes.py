"""Shapes of tensors: whether they go together, and how people read them."""

from __future__ import annotations

from benchhub.model.cell import TensorSpec

#: The layouts of images and of sequences that files differ in, cases first.
_USUAL = (("NCHW", "NHWC"), ("NCDHW", "NDHWC"), ("NTC", "NCT"))


def compatible(shape: tuple[int | None, ...], other: tuple[int | None, ...]) -> bool:
    """Return whether a tensor may have both shapes."""
    return len(shape) == len(other) and all(
        a is None or b is None or a == b for a, b in zip(shape, other, strict=True)
    )


def show(spec: TensorSpec) -> str:
    """Return type and shape for a message, open sizes as `?`."""
    sizes = "x".join("?" if size is None else str(size) for size in spec.shape)
    return f"{spec.dtype} {sizes or 'scalar'}"


def layout(data: tuple[int | None, ...], own: tuple[int | None, ...]) -> str | None:
    """Return the one usual layout that leads from `data` to `own`, like NCHW->NHWC; else None."""
    if compatible(data, own):
        return None
    found = [
        f"{one}->{other}"
        for pair in _USUAL
        for one, other in (pair, pair[::-1])
        if len(one) == len(data)
        and compatible(tuple(data[one.index(letter)] for letter in other), own)
    ]
    return found[0] if len(found) == 1 else None
