"""A file that is written is whole, or is what it was before."""

from __future__ import annotations

import errno
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchhub.errors import ConfigError
from benchhub.outside.arrays import array_sha256, save_array
from benchhub.outside.written import scratch, write_whole


@pytest.fixture
def room_for_100_bytes(files_up_to: Callable[[int], None]) -> None:
    """No file of this process can grow longer, as on a disk that is full."""
    files_up_to(100)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, room_for_100_bytes: None) -> None:
    report = tmp_path / "report.html"
    write_whole(report, "whole")
    with pytest.raises(ConfigError, match=r"report.html: cannot be written: .*; name another"):
        write_whole(report, "x" * 1000, "name another file with -o")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_whole(tmp_path / "new.html", "x" * 1000)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert report.read_text() == "whole"


def test_a_limit_that_a_shell_has_set_is_told(tmp_path: Path, room_for_100_bytes: None) -> None:
    with pytest.raises(ConfigError, match=r"File too large \(`ulimit -f` tells the limit\); step$"):
        write_whole(tmp_path / "report.html", "x" * 101, "step")


def test_folders_are_made_and_links_stay_links(tmp_path: Path) -> None:
    report, link = tmp_path / "a" / "b" / "report.md", tmp_path / "link.md"
    write_whole(report, "old")
    link.symlink_to(report)
    write_whole(link, "new \udc80")
    assert link.is_symlink()
    assert report.read_text() == "new ?"


def test_what_is_no_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    write_whole(Path("/dev/null"), "text")
    assert not Path("/dev/null").is_file()
    with pytest.raises(ConfigError, match=r"/dev/full: cannot be written: No space left"):
        write_whole(Path("/dev/full"), "text")
    with pytest.raises(ConfigError, match="Is a directory"):
        write_whole(tmp_path, "text")


def test_a_link_that_leads_to_itself_is_said(tmp_path: Path) -> None:
    link, other = tmp_path / "link", tmp_path / "other"
    link.symlink_to(other)
    other.symlink_to(link)
    for path in (link, other):
        with pytest.raises(ConfigError, match="cannot be written: Too many levels of symbolic"):
            write_whole(path, "text")
    assert link.is_symlink()


def test_a_part_of_the_way_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "a", tmp_path / "file" / "a" / "b"):
        with pytest.raises(ConfigError, match="a part of it is a file, not a folder"):
            write_whole(path, "text")


def test_arrays_are_whole_or_what_they_were(tmp_path: Path, room_for_100_bytes: None) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b"as it was")
    with pytest.raises(OSError, match="File too large") as caught:
        save_array(path, np.zeros(1000))
    assert caught.value.errno == errno.EFBIG  # numpy's own way tells no number
    assert path.read_bytes() == b"as it was"
    assert [one.name for one in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4), np.arange(12).reshape(3, 4).T, np.float32(3),
        np.zeros((0, 5)),
        np.array(["größer", "b"]), np.ones((2, 3), ">i2"),
    ],
    ids=["plain", "columns", "scalar", "empty", "text", "big endian"],
)  # fmt: skip
def test_an_array_is_read_as_it_was_written(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "below" / "a.npy"
    save_array(path, np.asarray(array))
    found = np.load(path, allow_pickle=False)
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape) == (np.asarray(array).dtype, np.asarray(array).shape)
    assert array_sha256(np.asarray(array)) == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match="Object arrays"):
        save_array(path, np.array([object()]))


def test_temporary_files_go_and_what_they_miss_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files_up_to: Callable[[int], None]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch("benchhub-") as folder:
        (folder / "a").write_text("text")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    files_up_to(100)
    with (
        pytest.raises(ConfigError, match=r"temporary files cannot be written: .*TMPDIR"),
        scratch("benchhub-") as folder,
    ):
        (folder / "a").write_bytes(bytes(1000))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError), scratch("benchhub-") as folder:  # of somebody else's
        (folder / "not there").read_text()
