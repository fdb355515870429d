"""Where engines are kept, and when they are not used; needs neither TensorRT nor a GPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchhub.ondevice.backends.tensorrt.cache import EngineCache, Identity


@pytest.mark.parametrize(
    "other", [{"driver": "550.54"}, {"gpu": "B"}, {"compute_capability": "8.0"}]
)
def test_engine_of_another_driver_or_gpu_is_not_found(
    tmp_path: Path, other: dict[str, str]
) -> None:
    here = {"gpu": "A", "compute_capability": "9.0", "driver": "535.1", "tensorrt": "10.3"}
    request = {"model": "m", "precision": "f32", "batch": 1}
    cache = EngineCache(str(tmp_path))
    cache.keep(Identity(request, here), b"engine", {"build_s": 1.0})
    there = Identity(request, {**here, **other})
    found = cache.find(there)
    (key,) = other
    assert found.blob is None
    assert found.reason == f"built again: of the kept engine, {key} was {here[key]}"
    cache.keep(there, b"other", {})
    assert cache.find(there).blob == b"other"
    # another GPU of the same machine keeps its own; after an update the old one is no use
    assert (cache.find(Identity(request, here)).blob is None) == ("gpu" not in other)


def test_a_write_that_fails_leaves_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EngineCache(str(tmp_path))
    identity = Identity({"model": "m"}, {"gpu": "A"})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        cache.keep(identity, b"engine", {})
    assert list((tmp_path / "engines").iterdir()) == []
    assert cache.find(identity).blob is None


def test_an_engine_that_came_out_the_same_after_an_update_is_kept(tmp_path: Path) -> None:
    request, old = {"model": "m"}, {"gpu": "A", "driver": "535.1"}
    new = {**old, "driver": "550.54"}
    cache = EngineCache(str(tmp_path))
    cache.keep(Identity(request, old), b"engine", {})
    cache.keep(Identity(request, new), b"engine", {})
    assert cache.find(Identity(request, new)).blob == b"engine"
    assert cache.find(Identity(request, old)).blob is None
