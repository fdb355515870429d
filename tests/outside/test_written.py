"""A file that is written is whole, or is what it was before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchhub.errors import ConfigError
from benchhub.outside.written import write_whole


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
