"""A root is its account's alone, or refused with what mends it; links are not followed."""

from __future__ import annotations

import grp
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchhub.ondevice.agent import private
from benchhub.ondevice.agent.blobs import Blobs
from benchhub.ondevice.agent.private import FOLDERS, NotPrivate, fresh, prepare
from benchhub.ondevice.agent.seals import Seals
from benchhub.ondevice.turns.lease import Lease
from benchhub.ondevice.turns.waiting import QueuePlace

STRANGER = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir(0o700)
    return folder


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def leased(root: Path) -> Lease:
    return QueuePlace(str(root), {"run": "r1"}, shared=()).lease(False, lambda queue: None)


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}


def test_what_is_made_is_for_nobody_else_whatever_the_umask(tmp_path: Path, no_umask: None) -> None:
    root = tmp_path / "root"
    lease = leased(root)
    assert modes(root) == {0o700, 0o600}
    lease.release()


def test_folders_that_others_may_look_into_are_closed(root: Path) -> None:
    for name in FOLDERS:
        (root / name).mkdir()
        (root / name).chmod(0o755)
    prepare(str(root))
    assert modes(root) == {0o700}


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775, 0o702, 0o720])
@pytest.mark.parametrize("below", ["", *FOLDERS])
def test_a_root_that_others_may_write_to(root: Path, below: str, mode: int) -> None:
    folder = root / below
    folder.mkdir(exist_ok=True)
    folder.chmod(mode)
    with pytest.raises(NotPrivate) as refused:
        prepare(str(root))
    (mend,) = [part for part in str(refused.value).split("`") if part.startswith("chmod ")]
    words = mend.split()
    assert words[1:] == ["go-w", str(folder).rstrip("/")]
    folder.chmod(mode & ~0o022)
    prepare(str(root))


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_is_a_link(root: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o755)
    (root / name).symlink_to(elsewhere)
    with pytest.raises(NotPrivate, match=f"{name} is a link"):
        leased(root)
    assert list(elsewhere.iterdir()) == []
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755


def test_a_root_may_be_a_link_of_ours(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("root")
    leased(tmp_path / "link").release()
    assert (root / "lease").is_file()


def test_links_without_an_end_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        prepare(str(tmp_path / "a" / "root"))


@as_root
@pytest.mark.parametrize("below", ["", *FOLDERS])
def test_a_root_of_somebody_else(root: Path, below: str) -> None:
    folder = root / below
    folder.mkdir(exist_ok=True)
    os.chown(folder, STRANGER, -1)
    with pytest.raises(NotPrivate, match=f"{folder} belongs to .*set `root`".replace("/ ", " ")):
        prepare(str(root))


def test_the_way_to_a_root_that_others_may_write_to(tmp_path: Path) -> None:
    way = tmp_path / "way"
    way.mkdir()
    way.chmod(0o777)
    with pytest.raises(NotPrivate, match=f"chmod go-w {way}`"):
        prepare(str(way / "folder" / "root"))
    assert list(way.iterdir()) == []
    way.chmod(0o1777)  # nobody can take away what is there
    prepare(str(way / "folder" / "root"))


def test_the_way_may_lead_through_links_that_others_may_replace(tmp_path: Path) -> None:
    hall, safe = tmp_path / "hall", tmp_path / "safe"
    hall.mkdir()
    safe.mkdir()
    (hall / "door").symlink_to(safe)
    (tmp_path / "street").symlink_to("hall/door")
    prepare(str(tmp_path / "street" / "root"))
    hall.chmod(0o777)
    with pytest.raises(NotPrivate, match=f"chmod go-w {hall}`"):
        prepare(str(tmp_path / "street" / "root"))


@as_root
@pytest.mark.parametrize("of_whom", ["the sticky folder", "a folder in it", "a link in it"])
def test_a_sticky_folder_is_only_as_good_as_its_owners(tmp_path: Path, of_whom: str) -> None:
    hall, safe = tmp_path / "hall", tmp_path / "safe"
    safe.mkdir()
    hall.mkdir()
    hall.chmod(0o1777)
    if of_whom == "a link in it":
        (hall / "door").symlink_to(safe)
    else:
        (hall / "door").mkdir()
    prepare(str(hall / "door" / "root"))
    theirs = hall if of_whom == "the sticky folder" else hall / "door"
    os.chown(theirs, STRANGER, -1, follow_symlinks=False)
    with pytest.raises(NotPrivate, match="hall"):
        prepare(str(hall / "door" / "root"))


def test_a_group_of_ones_own_counts_as_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = tmp_path / "way"
    way.mkdir()
    way.chmod(0o775)
    me = private.account(os.geteuid())

    def group_of(*members: str) -> Callable[[int], SimpleNamespace]:
        return lambda gid: SimpleNamespace(gr_mem=list(members))

    monkeypatch.setattr(private.pwd, "getpwall", list)
    monkeypatch.setattr(grp, "getgrgid", group_of(me))
    prepare(str(way / "root"))
    monkeypatch.setattr(grp, "getgrgid", group_of(me, "eve"))
    with pytest.raises(NotPrivate, match="leads to"):
        prepare(str(way / "root"))
    monkeypatch.setattr(grp, "getgrgid", group_of())
    eve = SimpleNamespace(pw_uid=54321, pw_gid=way.stat().st_gid)
    monkeypatch.setattr(private.pwd, "getpwall", lambda: [eve])
    with pytest.raises(NotPrivate, match="leads to"):
        prepare(str(way / "root"))


@pytest.mark.parametrize("name", ["lease.json.part", "lease.json", "blobs/seals.part"])
def test_what_a_link_leads_to_stays_as_it_is(root: Path, tmp_path: Path, name: str) -> None:
    prepare(str(root))
    precious = tmp_path / "precious"
    precious.write_text("precious")
    precious.chmod(0o640)
    (root / name).symlink_to(precious)
    lease = leased(root)
    (root / "blobs" / "seals").write_text("no seal\n" * 2000)
    Seals(str(root / "blobs" / "seals"))  # writes it anew, since it is long
    assert (root / "blobs" / "seals").read_text() == ""
    assert json.loads((root / "lease.json").read_text())["run"] == "r1"
    assert (precious.read_text(), stat.S_IMODE(precious.stat().st_mode)) == ("precious", 0o640)
    lease.release()


def test_a_dangling_link_makes_no_file_elsewhere(root: Path, tmp_path: Path) -> None:
    (root / "new").symlink_to(tmp_path / "elsewhere")
    os.close(fresh(str(root / "new")))
    assert not (tmp_path / "elsewhere").exists()
    assert stat.S_IMODE((root / "new").lstat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["link", "dangling", "pipe"])
def test_a_lease_that_is_no_plain_file(root: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "precious").write_text("precious")
    if kind == "pipe":
        os.mkfifo(root / "lease")
    else:
        (root / "lease").symlink_to(tmp_path / ("precious" if kind == "link" else "elsewhere"))
    with pytest.raises(NotPrivate, match=r"lease is .*remove it"):
        leased(root)
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "elsewhere").exists()


def test_the_holder_is_not_read_through_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text('{"user": "secret"}')
    held = leased(root)
    (root / "lease.json").unlink()
    (root / "lease.json").symlink_to(tmp_path / "secret")
    for ticket in root.glob("benchhub-queue-*"):
        ticket.unlink()  # as of an earlier version, which has none
    with pytest.raises(Exception, match="left no name"):
        leased(root)
    held.release()


@as_root
@pytest.mark.parametrize("name", ["whole", "part"])
def test_blobs_of_somebody_else_are_not_used(root: Path, name: str) -> None:
    prepare(str(root))
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of abc
    file = root / "blobs" / (digest if name == "whole" else f"{digest}.part")
    file.write_bytes(b"abc")
    state = "whole" if name == "whole" else "partial"
    assert Blobs(str(root)).have([digest])[digest]["state"] == state
    os.chown(file, STRANGER, -1)
    assert Blobs(str(root)).have([digest]) == {digest: {"state": "missing", "bytes": 0}}
    assert not file.exists()


def test_a_part_that_is_a_link_is_not_gone_on_from(root: Path, tmp_path: Path) -> None:
    prepare(str(root))
    (tmp_path / "precious").write_bytes(b"precious")
    part = root / "blobs" / f"{'0' * 64}.part"
    part.symlink_to(tmp_path / "precious")
    assert Blobs(str(root)).have(["0" * 64])["0" * 64]["state"] == "missing"
    assert not part.is_symlink()
    assert (tmp_path / "precious").read_bytes() == b"precious"


@as_root
def test_seals_of_somebody_else_do_not_count(root: Path) -> None:
    prepare(str(root))
    digest = "0" * 64
    (root / "blobs" / digest).write_bytes(b"not what it is called")
    index = root / "blobs" / "seals"
    Seals(str(index)).add([(digest, str(root / "blobs" / digest))])
    assert Blobs(str(root)).whole(digest)
    os.chown(index, STRANGER, -1)
    assert not Blobs(str(root)).whole(digest)
