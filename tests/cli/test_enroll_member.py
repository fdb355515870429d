"""The host key of one device of a group is written into the fleet file, all else kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchhub.cli.devices.profile_file import write_member
from benchhub.config.fleet.file import load_fleet
from benchhub.errors import ConfigError

FLEET = """\
# The rack by the door.
[groups.rack1]
names = "rack1-{1..4}"   # four of them
addresses = "10.0.1.{1..4}"
[groups.rack1.device]
transport = "ssh"
user = "bench"
[groups.rack1.labels]
site = "lab-1"
{more}
[groups.rack2]
names = "rack2-{1..4}"
addresses = "10.0.2.{1..4}"
[groups.rack2.device]
transport = "ssh"
"""
KEY = "ssh-ed25519 AAAA"


@pytest.mark.parametrize(
    "more",
    [
        "",
        '[groups.rack1.members.rack1-2.device]\npython = "/opt/python"',
        '[groups.rack1.members.rack1-3]\nlabels = {site = "lab-3"}',
        '[groups.rack1.members]\nrack1-2 = {labels = {site = "lab-3"}}',
        '[groups.rack1.members.rack1-2.labels]\nsite = "lab-3"',
        '[groups.rack1.members.rack1-2.device]\nhost_key = "ssh-rsa old"',
    ],
    ids=["none", "of it", "of another", "in a line", "a label", "an old key"],
)
def test_a_key_is_added_and_the_rest_stays(more: str, tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(FLEET.replace("{more}", more), "utf-8")
    before = {name: group.profile(name) for group in load_fleet(path) for name in group.hosts}
    write_member(path, "rack1", "rack1-2", {"host_key": KEY, "user": "root"})
    after = {name: group.profile(name) for group in load_fleet(path) for name in group.hosts}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"rack1-2"}
    assert (after["rack1-2"].host_key, after["rack1-2"].user) == (KEY, "root")
    assert after["rack1-2"].python == before["rack1-2"].python
    assert after["rack1-2"].labels == before["rack1-2"].labels
    text = path.read_text("utf-8")
    assert "# The rack by the door." in text
    assert "# four of them" in text


def test_what_cannot_be_added_to_says_what_to_add(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text("groups = 7\n", "utf-8")
    told = '[groups.rack1.members.rack1-2.device] with host_key = "ssh-ed25519 AAAA"'
    with pytest.raises(ConfigError, match=re.escape(told)):
        write_member(path, "rack1", "rack1-2", {"host_key": KEY})
    assert path.read_text("utf-8") == "groups = 7\n"
