from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchhub.ondevice.agent.seals import Seals

A, B = "a" * 64, "b" * 64


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    path = tmp_path / "boot_id"
    path.write_text("first-boot\n")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


def seals(file: Path, boot: Path) -> Seals:
    return Seals(str(file.with_name("seals")), str(boot))


def test_a_seal_is_known_to_whoever_opens_the_index_later(file: Path, boot: Path) -> None:
    first = seals(file, boot)
    assert not first.holds(A, str(file))
    first.add([(A, str(file))])
    assert first.holds(A, str(file))
    assert seals(file, boot).holds(A, str(file))
    assert not seals(file, boot).holds(B, str(file))


def test_another_file_of_the_same_content_does_not_hold(file: Path, boot: Path) -> None:
    seals(file, boot).add([(A, str(file))])
    other = file.with_name("other")
    other.write_bytes(file.read_bytes())
    os.replace(other, file)
    assert not seals(file, boot).holds(A, str(file))


def test_no_seal_outlives_the_boot_it_was_made_in(file: Path, boot: Path) -> None:
    seals(file, boot).add([(A, str(file))])
    boot.write_text("second-boot\n")
    assert not seals(file, boot).holds(A, str(file))


def test_a_torn_line_is_no_seal_and_spoils_no_other(file: Path, boot: Path) -> None:
    seals(file, boot).add([(A, str(file))])
    index = file.with_name("seals")
    index.write_bytes(index.read_bytes()[:-10])
    after = seals(file, boot)
    assert not after.holds(A, str(file))
    after.add([(B, str(file))])
    assert seals(file, boot).holds(B, str(file))


def test_an_index_that_grew_long_is_made_short(file: Path, boot: Path) -> None:
    index = file.with_name("seals")
    seals(file, boot).add([(A, str(file))])
    index.write_text(index.read_text() * 2000)
    assert seals(file, boot).holds(A, str(file))
    assert len(index.read_text().split()) == 6
    assert seals(file, boot).holds(A, str(file))


def test_a_file_that_is_gone(file: Path, boot: Path) -> None:
    file.unlink()
    with pytest.raises(FileNotFoundError):
        seals(file, boot).holds(A, str(file))


def test_an_index_that_cannot_be_written_costs_only_who_comes_later(file: Path, boot: Path) -> None:
    made = seals(file, boot)
    file.with_name("seals").mkdir()  # as on a full disk, nothing can be added
    made.add([(A, str(file))])
    assert made.holds(A, str(file))
    file.with_name("seals").rmdir()
    assert not seals(file, boot).holds(A, str(file))
