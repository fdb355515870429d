"""TFLite files: sound ones, and those whose offsets lead elsewhere."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from repository import TESTS

from ..target import Target
from .model_files import looked_at

_MODELS = TESTS / "contracts" / "models"


def _tflite_files() -> Iterator[bytes]:
    for path in sorted(_MODELS.glob("*.tflite")):
        yield path.read_bytes()


def _tiny() -> bytes:
    return (_MODELS / "tiny.tflite").read_bytes()


def _offsets(value: int) -> bytes:
    """Every fourth number of the first part of a file leads elsewhere."""
    whole = bytearray(_tiny())
    for at in range(8, 400, 16):
        whole[at : at + 4] = struct.pack("<I", value)
    return bytes(whole)


def _shared(tensors: int) -> bytes:
    """A file whose tensors are all one, which has a shape of very many axes."""
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    builder.StartVector(4, 60_000, 4)
    for _ in range(60_000):
        builder.PrependInt32(7)
    shape = builder.EndVector()
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, shape, 0)
    tensor = builder.EndObject()
    builder.StartVector(4, tensors, 4)
    for _ in range(tensors):
        builder.PrependUOffsetTRelative(tensor)
    listed = builder.EndVector()
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(0, listed, 0)
    graph = builder.EndObject()
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    builder.StartObject(8)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    return bytes(builder.Output())


_DAMAGED = "damaged or cut short"

TARGETS = (
    Target(
        "tflite", looked_at, _tflite_files, ".tflite", (b"TFL3", b"serving_default"),
        hard={
            "offsets outside": (lambda: _offsets(0x7FFFFFF0), _DAMAGED),
            "offsets before": (lambda: _offsets(0xFFFFFFF0), _DAMAGED),
            "a tensor very many times": (lambda: _shared(50_000), _DAMAGED),
            "cut short": (lambda: _tiny()[:200], _DAMAGED),
            "nothing but a head": (lambda: b"\x08\0\0\0TFL3", _DAMAGED),
        },
    ),
)  # fmt: skip
