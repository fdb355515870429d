"""Arrays as numpy writes them: the npz task, inputs of models, the folds of PanNuke."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.outside.foreign.arrays import archive
from benchhub.tasks import get_task
from benchhub.tasks.pathology.layout import read_folds

from ..target import Target

_WORDS = (
    b"\x93NUMPY", b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", b"'<f4'",
    b"'<f8'", b"'|O'", b"'<U0'", b"'<U8'", b"'|V0'", b"'<M8[ns]'", b"'<c16'", b"(30,)", b"(3, 2)",
    b"()", b"(-1,)", b"True", b"(10000000000,)", b"(4294967296, 4294967296)", b"labels.npy",
    b"x.npy", b"ids.npy", b"[('a', '<f4')]",
)  # fmt: skip


def npy(array: Any) -> bytes:
    """Return an array as a file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def claiming(shape: str, descr: str = "<f4", content: bytes = b"") -> bytes:
    """Return a file whose header claims what it likes."""
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + content


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as made:
        for name, content in members.items():
            made.writestr(zipfile.ZipInfo(name), content, method)
    return whole.getvalue()


def _arrays() -> dict[str, bytes]:
    rng = np.random.default_rng(1)
    return {
        "x.npy": npy(rng.normal(size=(12, 3)).astype(np.float32)),
        "labels.npy": npy(np.arange(12) % 2),
        "ids.npy": npy(np.array([f"case{at}" for at in range(12)])),
        "groups.npy": npy(np.repeat(np.arange(4), 3)),
        "label_names.npy": npy(np.array(["ill", "well"])),
        "calibration_x.npy": npy(rng.normal(size=(4, 3)).astype(np.float32)),
        "scale.npy": npy(np.float32(2)),
    }


def _archives() -> Iterator[bytes]:
    yield zipped(_arrays())
    yield zipped(_arrays(), zipfile.ZIP_STORED)
    columns = np.array([[0, 1], [1, 0]] * 3)
    rest = {"x.npy": npy(np.zeros((6, 2))), "calibration_x.npy": npy(np.zeros((4, 2)))}
    yield zipped({**rest, "labels.npy": npy(columns)})


def _task(path: Path) -> None:
    settings = {"inputs": path.name, "metric": "accuracy", "also": ["macro_auc"]}
    opened = get_task("npz")(settings, path.parent, None, path.parent / "cache")
    opened.cases(None)
    opened.cases(2)
    opened.calibration(2)


def _inputs(path: Path) -> None:
    archive(path)


def _fold_files() -> dict[str, bytes]:
    masks = np.zeros((2, 16, 16, 6), np.float64)
    masks[:, 2:8, 2:8, 0] = 1
    masks[:, 9:12, 9:12, 3] = 7
    return {
        "images.npy": npy(np.full((2, 16, 16, 3), 120.0)),
        "masks.npy": npy(masks),
        "types.npy": npy(np.array(["Breast", "Colon"])),
    }


def _folds(path: Path) -> None:
    """The file is a zip of a fold's three, as only this package has it."""
    folder = path.parent / "Fold 1"
    folder.mkdir()
    try:
        with zipfile.ZipFile(path) as held:
            for one in held.infolist():
                name = Path(one.filename).name
                if name in ("images.npy", "masks.npy", "types.npy"):
                    (folder / name).write_bytes(held.read(one))
    except Exception:  # noqa: BLE001 - what is around the three is no parser's
        return
    fold = read_folds(path.parent, (1,))[1]
    for index in range(min(2, len(fold.images))):
        fold.image(index)
        fold.marks(index)


def _bomb() -> bytes:
    """70 MB of zeros, in 70 kB."""
    zeros = claiming("(17500000,)", content=bytes(70_000_000))
    return zipped({"x.npy": zeros, "labels.npy": npy(np.arange(2))})


def _objects() -> bytes:
    held = npy(np.array([{}, print], dtype=object))
    return zipped({"x.npy": held, "labels.npy": npy(np.arange(2))})


def _without(changes: dict[str, bytes]) -> bytes:
    return zipped(_arrays() | changes)


def _of_text(character: bytes) -> bytes:
    return _without({"ids.npy": claiming("(12,)", "<U1", character * 12)})


def _spoilt(at: int) -> bytes:
    """An archive whose packed bytes are not what was packed."""
    whole = bytearray(zipped(_arrays()))
    whole[at] ^= 0xFF
    return bytes(whole)


def _flagged() -> bytes:
    """An archive that says that it is encrypted."""
    whole = zipped({"x.npy": _arrays()["x.npy"]}, zipfile.ZIP_STORED)
    return whole.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01").replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
    )


_NO_ARCHIVE = "not an .npz archive of plain arrays"
_HARD = {
    "a bomb": (_bomb, "BENCHHUB_UNPACK"),
    "pickled objects": (_objects, "pickles are not read"),
    "a pickle": (lambda: b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", _NO_ARCHIVE),
    "nine thousand millions of nothing": (
        lambda: _without({"ids.npy": claiming("(9000000000,)", "<U0")}), "claims the shape"
    ),
    "claims more than there is": (
        lambda: _without({"x.npy": claiming("(90000000000,)")}), "claims the shape"
    ),
    "sizes that overflow": (
        lambda: _without({"x.npy": claiming("(4294967296, 4294967296)")}), "claims the shape"
    ),
    "a size below 0": (lambda: _without({"x.npy": claiming("(-1, 4)")}), "claims the shape"),
    "a header that is code": (
        lambda: _without({"x.npy": claiming("__import__('os')")}), "more than literals"
    ),
    "a header nested deeply": (lambda: _without({"x.npy": claiming("(" * 60)}), _NO_ARCHIVE),
    "a member that is no array": (lambda: _without({"readme.txt": b"hello"}), _NO_ARCHIVE),
    "characters beyond all": (lambda: _of_text(b"\x00\x00\x11\x00"), "characters that there are"),
    "half a character": (lambda: _of_text(b"\x00\xd8\x00\x00"), "characters that there are not"),
    "named fields": (
        lambda: _without({"ids.npy": npy(np.zeros(12, [("a", "<U2")]))}), "named fields"
    ),
    "spoilt bytes": (lambda: _spoilt(80), _NO_ARCHIVE),
    "encrypted": (_flagged, _NO_ARCHIVE),
    "packed otherwise": (
        lambda: zipped(_arrays(), zipfile.ZIP_BZIP2), "another way than numpy's"
    ),
    "cut short": (lambda: zipped(_arrays())[:-40], _NO_ARCHIVE),
    "one array": (lambda: npy(np.arange(3)), "one array, not an archive"),
    "nothing": (lambda: b"", _NO_ARCHIVE),
}  # fmt: skip
#: Of no fold: what the archive is like is the harness's.
_OF_FOLDS = {
    "no pixels of very many images": (
        lambda: zipped({
            "images.npy": claiming("(9000000000, 0, 0, 3)"),
            "masks.npy": claiming("(9000000000, 0, 0, 6)"),
            "types.npy": claiming("(9000000000,)", "<U0"),
        }), "not a readable .npy file",
    ),
    "pickled types": (
        lambda: zipped(_fold_files() | {"types.npy": npy(np.array(["a", None], dtype=object))}),
        "pickles are not read",
    ),
    "cut short": (
        lambda: zipped(_fold_files() | {"masks.npy": _fold_files()["masks.npy"][:-9]}),
        "masks.npy: not a readable .npy file",
    ),
    "characters beyond all": (
        lambda: zipped(_fold_files() | {
            "types.npy": claiming("(2,)", "<U1", b"a\0\0\0\x00\x00\x11\x00")
        }), "types.npy: .*characters that there are not",
    ),
}  # fmt: skip

TARGETS = (
    Target("npz", _task, _archives, ".npz", _WORDS, hard=_HARD),
    Target("inputs", _inputs, _archives, ".npz", _WORDS, hard=_HARD),
    Target("folds", _folds, lambda: [zipped(_fold_files())], ".zip", _WORDS, hard=_OF_FOLDS),
)
