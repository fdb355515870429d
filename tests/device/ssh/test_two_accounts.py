"""Two people with accounts on one device: they take turns, and each one's files are their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lab.command import why_not
from lab.plugin import give_up
from loopback_sshd import Sshd, start_sshd

from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, connect, holder
from benchhub.device.staging.blob import Blob
from benchhub.device.turns.reserve import keep, new_reservation, release
from benchhub.errors import DeviceBusy, DeviceError
from benchhub.model.device import DeviceProfile

UIDS = {"ada": 64101, "bob": 64102}
#: In a mount namespace: homes, accounts and a folder for temporary files of their own.
_BOOT = """
set -e
mount -t tmpfs -o mode=755 none /mnt
mount -t tmpfs -o mode=1777 none /var/tmp
mount --bind "$1/passwd" /etc/passwd
install -m 644 "$1/server/authorized_keys" /mnt/keys
for account in $2; do
  install -d -m 755 -o "$account" "/mnt/$account"
  echo 'umask 0' >"/mnt/$account/.bashrc"
done
shift 2
exec "$@"
"""
BLOB = Blob.of_bytes(b"a model of ada's")


@dataclass(frozen=True)
class Shared:
    """The device, and profiles of its accounts."""

    server: Sshd

    def profile(self, user: str, root: str = "~/root", **changes: object) -> DeviceProfile:
        return self.server.profile(root, user=user, name=user, **changes)

    def open(self, user: str, **changes: object) -> DeviceSession:
        profile = replace(self.profile(user), **changes)  # type: ignore[arg-type]
        return DeviceSession.open(profile, build_runner(), holder(f"run of {user}"))

    def sh(self, user: str, script: str) -> tuple[int, str]:
        """Run a script as this account; return its status and what it wrote."""
        transport = connect(self.profile(user))
        try:
            done = transport.run(["sh", "-c", script])
            return done.status, done.stdout.decode() + done.stderr
        finally:
            transport.close()


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, processes: None, servers: None
) -> Iterator[Shared]:
    reason = why_not()
    if reason is not None:
        give_up(reason, in_ci=bool(os.environ.get("CI")))
    folder = tmp_path_factory.mktemp("shared")
    lines = [f"{name}:*:{uid}:{uid}::/mnt/{name}:/bin/bash\n" for name, uid in UIDS.items()]
    (folder / "passwd").write_text(Path("/etc/passwd").read_text() + "".join(lines))
    (folder / "passwd").chmod(0o644)
    server = start_sshd(
        folder / "server",
        within=("unshare", "-m", "sh", "-c", _BOOT, "sh", str(folder), " ".join(UIDS)),
        AuthorizedKeysFile="/mnt/keys",
    )
    yield Shared(server)
    server.stop()


def test_they_take_turns_and_are_told_who_measures(shared: Shared) -> None:
    first = shared.open("ada")
    with pytest.raises(DeviceBusy, match=r"in use by .*account ada, run run of ada"):
        shared.open("bob")
    heard: list[str] = []

    def on_wait(message: str) -> None:
        heard.append(message)
        first.close()

    patient = shared.profile("bob", lease_wait_s=60.0)
    second = DeviceSession.open(patient, build_runner(), holder("run of bob"), on_wait=on_wait)
    assert second.conditions().at_ns > 0
    with pytest.raises(DeviceBusy, match="account bob, run run of bob"):
        shared.open("ada")
    second.close()
    assert "account ada" in heard[0]
    shared.open("ada").close()


def test_a_device_that_one_reserved_is_the_others_only_when_it_is_given_back(
    shared: Shared,
) -> None:
    now = datetime.now(UTC)
    ada, runner = shared.profile("ada"), build_runner()
    mine = new_reservation("board", now, now + timedelta(hours=1))
    keep(ada, runner, connect, mine, (), now)
    with pytest.raises(DeviceBusy, match=rf"reserved for .*\({mine.id}\); try again"):
        shared.open("bob")
    with pytest.raises(DeviceBusy, match="for a part of that time"):
        keep(shared.profile("bob"), runner, connect, replace(mine, id="ab"), (), now)
    assert not release(shared.profile("bob"), runner, connect, mine.id)
    shared.open("ada").close()
    assert release(ada, runner, connect, mine.id)
    shared.open("bob").close()


def test_neither_can_change_what_is_the_others(shared: Shared) -> None:
    with shared.open("ada") as session:
        assert session.stage([BLOB]).moved_blobs == 1
        root, lease = session.hello.root, f"/var/tmp/benchhub-lease-{UIDS['ada']}"
        # A shell whose start-up files open everything up leaves nothing open here.
        status, said = shared.sh("ada", f"find {root} -perm /077 ! -path '*/blobs/*'")
        assert (status, said.strip()) == (0, "")
        for attempt in (
            f"ls {root}",
            f"cat {root}/blobs/{BLOB.sha256}",
            f"echo evil > {root}/blobs/{BLOB.sha256}",
            f"mv {root} {root}.away",
            f"ln -s /mnt/bob {root}/runner/x",
            f"rm {root}/lease",
            f"echo evil > {lease}",
            f"rm {lease}",
            "rm /var/tmp/benchhub-queue-*",
            "for one in /var/tmp/benchhub-queue-*; do echo evil > $one && exit 0; done; exit 1",
            f"mv {lease} {lease}.away",
            "test $(id -u) = 0",
        ):
            status, said = shared.sh("bob", attempt)
            assert status != 0, attempt
        assert session.have([BLOB.sha256])[BLOB.sha256].state == "whole"
        assert session.stage([BLOB]).moved_blobs == 0


def test_one_root_for_both_is_refused(shared: Shared) -> None:
    shared.open("ada").close()
    theirs = shared.profile("bob", "/mnt/ada/root")
    with pytest.raises(DeviceError, match=r"belongs to another account .*of ada.*set `root`"):
        DeviceSession.open(theirs, build_runner(), holder("run of bob"))


@pytest.mark.parametrize(
    "trap",
    ["mkdir -m 777 {}", "mkdir {} && mkdir -m 777 {}/runner", "ln -s /mnt/bob {}"],
    ids=["open folder", "open folder of runners", "link"],
)
def test_a_trap_where_a_root_is_to_be(shared: Shared, trap: str) -> None:
    """In a folder where everybody may write, another's folder, or link, is there first."""
    root = f"/var/tmp/trap{len(trap)}"
    status, said = shared.sh("bob", trap.format(root, root))
    assert status == 0, said
    profile = shared.profile("ada", root)
    with pytest.raises(DeviceError, match=r"it belongs to another account .*of bob"):
        DeviceSession.open(profile, build_runner(), holder("run of ada"))
    assert shared.sh("bob", f"find {root}/ -user ada") == (0, "")
