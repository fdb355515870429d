"""Accounts of one device take turns by files that none of them can take from another."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waiting import PATIENCE_S

from benchhub.ondevice.agent.private import NotPrivate
from benchhub.ondevice.turns.accounts import PREFIX, take
from benchhub.ondevice.turns.hall import Busy

ADA, EVE = 64101, 64102
ME = os.geteuid()
pytestmark = pytest.mark.skipif(ME != 0, reason="only root can be several accounts")


@pytest.fixture
def hall(tmp_path: Path) -> Path:
    folder = tmp_path / "hall"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


@pytest.fixture
def of(hall: Path) -> Iterator[Callable[..., Path]]:
    """Return what makes the file of an account, and holds it unless told otherwise."""
    held = []

    def make(uid: int, text: str = "", owner: int | None = None, hold: bool = True) -> Path:
        file = hall / f"{PREFIX}{uid}"
        file.write_text(text)
        os.chown(file, uid if owner is None else owner, -1)
        if hold:
            held.append(os.open(file, os.O_RDONLY))
            fcntl.flock(held[-1], fcntl.LOCK_SH)
        return file

    yield make
    for fd in held:
        os.close(fd)


def try_to_take(hall: Path) -> None:
    fd = take({"run": "r1", "user": "me"}, [str(hall)])
    assert fd is not None
    os.close(fd)


def test_another_account_is_told_who_measures(hall: Path, of: Callable[..., Path]) -> None:
    of(ADA, '{"run": "r7", "user": "ada", "pid": 5, "agent": 1, "more": "\\u0000"}')
    with pytest.raises(Busy, match="ada@") as busy:
        try_to_take(hall)
    assert busy.value.holder == {"run": "r7", "user": "ada", "pid": 5, "account": f"uid {ADA}"}


def test_roots_of_one_account_are_its_own_affair(hall: Path) -> None:
    first = take({}, [str(hall)])
    try_to_take(hall)
    assert first is not None
    os.close(first)


def test_nobody_waits_for_who_is_done(hall: Path, of: Callable[..., Path]) -> None:
    of(ADA, hold=False)
    try_to_take(hall)
    assert json.loads((hall / f"{PREFIX}{ME}").read_text()) == {"run": "r1", "user": "me"}
    assert (hall / f"{PREFIX}{ME}").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("text", ["", "[" * 4000, "[1]", "{", '{"user": {"a": 1}}', "\ud800" * 9])
def test_what_others_say_of_themselves_cannot_do_harm(
    hall: Path, of: Callable[..., Path], text: str
) -> None:
    file = of(ADA)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(Busy) as busy:
        try_to_take(hall)
    assert busy.value.holder == {"account": f"uid {ADA}"}


def test_long_words_of_others_are_cut(hall: Path, of: Callable[..., Path]) -> None:
    of(ADA, json.dumps({"user": "x" * 3000, "pid": 10**30, "run": True}))
    with pytest.raises(Busy) as busy:
        try_to_take(hall)
    assert busy.value.holder == {"user": "x" * 200, "account": f"uid {ADA}"}


def test_nobody_can_hold_the_device_in_anothers_name(hall: Path, of: Callable[..., Path]) -> None:
    of(ADA, owner=EVE)
    os.mkfifo(hall / f"{PREFIX}{EVE}")
    (hall / f"{PREFIX}{EVE + 1}").symlink_to("/etc/passwd")
    (hall / f"{PREFIX}{EVE + 2}").mkdir()
    (hall / f"{PREFIX}..").mkdir()
    try_to_take(hall)


@pytest.mark.parametrize("kind", ["link", "dangling", "second name", "theirs", "pipe"])
def test_a_trap_in_our_name_is_refused_and_catches_nothing(
    hall: Path, tmp_path: Path, kind: str
) -> None:
    trap = hall / f"{PREFIX}{ME}"
    precious = tmp_path / "precious"
    precious.write_text("precious")
    precious.chmod(0o600)
    if kind == "link":
        trap.symlink_to(precious)
    elif kind == "dangling":
        trap.symlink_to(tmp_path / "elsewhere")
    elif kind == "second name":
        os.link(precious, trap)
    elif kind == "pipe":
        os.mkfifo(trap)
    else:
        trap.write_text("")
        os.chown(trap, EVE, -1)
    with pytest.raises(NotPrivate, match=r"benchhub-lease-.*remove"):
        try_to_take(hall)
    assert (precious.read_text(), precious.stat().st_mode & 0o777) == ("precious", 0o600)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("kind", ["not sticky", "of somebody", "a link", "missing"])
def test_a_folder_that_is_not_the_systems_is_passed_over(
    hall: Path, tmp_path: Path, kind: str
) -> None:
    folder = hall
    if kind == "not sticky":
        hall.chmod(0o777)
    elif kind == "of somebody":
        os.chown(hall, EVE, -1)
    elif kind == "a link":
        folder = tmp_path / "link"
        folder.symlink_to(hall)
    else:
        folder = tmp_path / "missing"
    assert take({}, [str(folder)]) is None
    other = tmp_path / "other"
    other.mkdir()
    other.chmod(0o1777)
    fd = take({}, [str(folder), str(other)])
    assert fd is not None
    os.close(fd)
    assert [path.name for path in other.iterdir()] == [f"{PREFIX}{ME}"]


@pytest.mark.usefixtures("processes")
def test_of_many_accounts_at_once_one_measures(hall: Path) -> None:
    """Each takes its turn for a while, and says when it began and ended."""
    # The folders above are root's alone; who has the folder open already gets in.
    script = (
        "import os, sys, time\n"
        "from benchhub.ondevice.turns.accounts import take\n"
        "from benchhub.ondevice.turns.hall import Busy\n"
        "os.chdir(sys.argv[2]); os.setuid(int(sys.argv[1]))\n"
        "for _ in range(3):\n"
        "    while True:\n"
        "        try:\n"
        "            fd = take({}, ['.'])\n"
        "            break\n"
        "        except Busy:\n"
        "            time.sleep(0.005)\n"
        "    began = time.monotonic_ns(); time.sleep(0.02); ended = time.monotonic_ns()\n"
        "    os.close(fd); print(began, ended, flush=True); time.sleep(0.01)\n"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(ADA + number), str(hall)], stdout=subprocess.PIPE
        )
        for number in range(4)
    ]
    try:
        said = [racer.communicate(timeout=PATIENCE_S)[0].split() for racer in racers]
    finally:
        for racer in racers:
            racer.send_signal(signal.SIGKILL)
            racer.wait()
    turns = sorted(
        (int(words[i]), int(words[i + 1])) for words in said for i in range(0, len(words), 2)
    )
    assert len(turns) == 12
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(turns))
