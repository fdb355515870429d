"""Models of several files on a device: their blobs side by side under their own names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from controller_side import Device

from benchhub.ondevice.agent.blobs import Blobs
from benchhub.ondevice.agent.folders import assemble
from benchhub.ondevice.job import model_path

IDENTITY = "a" * 64


def put(blobs: Blobs, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    Path(blobs.folder).mkdir(exist_ok=True)
    Path(blobs.path(digest)).write_bytes(data)
    assert blobs.whole(digest)
    return digest


def test_each_blob_has_its_name_and_stays_sealed(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    files = [("m.onnx", put(blobs, b"graph")), ("parts/w.bin", put(blobs, b"weights"))]
    for _ in range(2):  # the second time it is all there
        assemble(blobs, IDENTITY, files)
    assert Path(model_path(str(tmp_path), IDENTITY, "m.onnx")).read_bytes() == b"graph"
    assert (tmp_path / "models" / IDENTITY / "parts" / "w.bin").read_bytes() == b"weights"
    for _, digest in files:
        # not hashed again: what is sealed is trusted
        assert Blobs(str(tmp_path))._seals.holds(digest, blobs.path(digest))


def test_what_lies_in_the_place_of_a_file_goes(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    files = [("m.onnx", put(blobs, b"graph"))]
    path = Path(model_path(str(tmp_path), IDENTITY, "m.onnx"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"an older one")
    assemble(blobs, IDENTITY, files)
    assert path.read_bytes() == b"graph"
    path.unlink()
    path.symlink_to(blobs.path(files[0][1]))
    assemble(blobs, IDENTITY, files)
    assert not path.is_symlink()


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "", "a/./b", "a/.."])
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    blobs = Blobs(str(tmp_path))
    with pytest.raises(ValueError, match="no path within a model's folder"):
        assemble(blobs, IDENTITY, [(name, put(blobs, b"graph"))])


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_launch_of_a_model_of_several_files(
    device: Device, job: Any, model_bytes: bytes, cases: Any, tmp_path: Path, backend: str
) -> None:
    onnx.save(
        onnx.load_model_from_string(model_bytes), tmp_path / "m.onnx", save_as_external_data=True,
        location="deep.bin", size_threshold=0,
    )  # fmt: skip
    files = [(n, device.put((tmp_path / n).read_bytes())) for n in ("m.onnx", "deep.bin")]
    talk = device.start()
    outcome = talk.launch(job(backend=backend, model=IDENTITY, files=files))
    assert outcome.failure is None
    (output,) = outcome.outputs
    found = np.frombuffer(output.data, output.dtype).reshape(output.shape)
    weights = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_allclose(found, cases[:4] @ weights, rtol=1e-5)
    (device.root / "blobs" / files[1][1]).unlink()
    outcome = talk.launch(job(backend=backend, model=IDENTITY, files=files))
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.failure.stage) == ("blob", "spawn")
    assert "model file deep.bin" in outcome.failure.message
