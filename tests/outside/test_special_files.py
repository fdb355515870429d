"""Pipes, sockets and devices where files are named: refused, since they may wait for ever."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from benchhub.compress.files.model_file import read_model
from benchhub.config.suite import load_profile, load_suite
from benchhub.device.staging.blob import Blob
from benchhub.errors import ConfigError
from benchhub.outside.foreign.arrays import archive, mapped
from benchhub.outside.foreign.bounds import TEXT, unzipped, whole
from benchhub.run.inputs.torchscript import with_signature

READERS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: whole(path, TEXT),
    "gzipped": unzipped,
    "model": lambda path: read_model("fp32", path),
    "model of bench": lambda path: with_signature(path, (), path.parent),
    "npz": archive,
    "npy": mapped,
    "blob": Blob.of_file,
    "profile": load_profile,
    "suite": load_suite,
}


def special(folder: Path, kind: str) -> Path:
    if kind == "a device":
        return Path("/dev/zero")
    path = folder / "it"
    if kind == "a socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    else:
        os.mkfifo(path)
    return path


@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device"])
@pytest.mark.parametrize("reader", READERS)
def test_it_is_refused_in_one_line_and_not_waited_for(
    tmp_path: Path, reader: str, kind: str
) -> None:
    path = special(tmp_path, kind)
    with pytest.raises(ConfigError, match=f"{path}: is {kind}, not a file; give the path") as told:
        READERS[reader](path)
    assert "\n" not in str(told.value)


def test_a_model_that_becomes_a_pipe_in_the_run_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"model")
    blob = Blob.of_file(path)
    path.unlink()
    os.mkfifo(path)
    for again in (blob.open, blob.check_unchanged):
        with pytest.raises(ConfigError, match="is a named pipe"):
            again()


def test_a_pipe_that_the_process_was_given_is_read() -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, b"limits")
        os.close(writing)
        assert whole(Path(f"/dev/fd/{reading}")) == b"limits"
    finally:
        os.close(reading)
