"""What onnx and onnxruntime raise, as one tuple: their errors share no base but Exception."""

from __future__ import annotations

from benchhub.ondevice.cause import cause


def converter_errors() -> tuple[type[Exception], ...]:
    """Return the exception types that mean "this library cannot handle this model"."""
    import onnx
    from google.protobuf.message import DecodeError, EncodeError  # type: ignore[import-untyped]
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    ours = tuple(
        kind
        for kind in vars(native).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    )
    theirs = (onnx.checker.ValidationError, onnx.shape_inference.InferenceError)
    builtin = (
        RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError,
        ArithmeticError, MemoryError, NameError,
    )  # fmt: skip
    return (*ours, *theirs, DecodeError, EncodeError, *builtin)


def in_one_line(error: Exception) -> str:
    """Return an error's message as one line, as of a failed launch; its type where it has none."""
    return cause(str(error)) or type(error).__name__
