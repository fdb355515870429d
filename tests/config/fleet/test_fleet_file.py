"""A fleet file: what its groups' devices are, and each mistake in one line."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from benchhub.config.fleet.file import MOST_DEVICES, load_fleet
from benchhub.config.suite import load_profile
from benchhub.errors import ConfigError
from benchhub.model.device import DeviceProfile

RACK = """\
[groups.rack1]
names = "rack1-{01..40}"
addresses = "10.0.1.{101..140}"
[groups.rack1.device]
transport = "ssh"
user = "bench"
identity_file = "keys/bench"
[groups.rack1.limits]
max_temperature_c = 75
[groups.rack1.labels]
site = "lab-1"
[groups.rack1.members.rack1-07.device]
host = "10.9.9.9"
python = "/opt/python"
[groups.rack1.members.rack1-07.limits]
cooldown_s = 5
[groups.rack1.members.rack1-08.labels]
site = "lab-2"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "fleet.toml"
    path.write_text(text, "utf-8")
    return path


def as_profile_file(folder: Path, name: str, text: str) -> DeviceProfile:
    """The profile of a file of its own."""
    path = folder / f"{name}.toml"
    path.write_text(text, "utf-8")
    return load_profile(path)


def test_each_device_is_what_a_profile_of_its_own_would_be(tmp_path: Path) -> None:
    (group,) = load_fleet(written(tmp_path, RACK))
    assert list(group.hosts) == [f"rack1-{number:02}" for number in range(1, 41)]
    assert group.hosts["rack1-40"] == "10.0.1.140"
    head = '[device]\nname="{}"\ntransport="ssh"\nuser="bench"\nidentity_file="keys/bench"\n'
    limits = "[limits]\nmax_temperature_c=75\n"
    labels = '[labels]\nsite="{}"\ngroup="rack1"\n'
    for name, host, more, of_limits, site in (
        ("rack1-01", "10.0.1.101", "", "", "lab-1"),
        ("rack1-07", "10.9.9.9", 'python="/opt/python"\n', "cooldown_s=5\n", "lab-1"),
        ("rack1-08", "10.0.1.108", "", "", "lab-2"),
    ):
        text = f'{head.format(name)}host="{host}"\n{more}{limits}{of_limits}{labels.format(site)}'
        alone = as_profile_file(tmp_path, name, text)
        mine = group.profile(name)
        assert (mine.path, alone.path) == (tmp_path / "fleet.toml", tmp_path / f"{name}.toml")
        assert json.dumps(plain(mine)) == json.dumps(plain(alone))
        assert group.labels(name) == mine.labels


def plain(profile: DeviceProfile) -> dict[str, str]:
    fields = (name for name in DeviceProfile.__slots__ if name != "path")
    return {name: str(getattr(profile, name)) for name in sorted(fields) if name != "labels"} | {
        f"label {key}": value for key, value in sorted(profile.labels.items())
    }


def test_the_name_is_filled_in_to_texts(tmp_path: Path) -> None:
    text = """\
[groups.here]
names = ["here-{1..2}", "last"]
[groups.here.device]
transport = "local"
root = "/bench/{name}"
identity_file = "keys/{name}"
[groups.there]
names = "there-{1..3}"
addresses = "{name}.lab.example"
[groups.there.device]
transport = "ssh"
"""
    here, there = load_fleet(written(tmp_path, text))
    assert [here.profile(name).root for name in here.hosts] == [
        "/bench/here-1", "/bench/here-2", "/bench/last",
    ]  # fmt: skip
    assert here.profile("last").identity_file == tmp_path / "keys" / "last"
    assert [there.profile(name).host for name in there.hosts] == [
        f"there-{number}.lab.example" for number in (1, 2, 3)
    ]


MISTAKES = {
    "an unknown key": (("user =", "usr ="), "groups.rack1.device.usr is unknown; did you mean us"),
    "an unknown key of one": (("host = ", "hots = "), "rack1-07.device.hots is unknown; did you"),
    "an unknown limit": (("max_temp", "max_tmp"), "groups.rack1.limits.max_tmperature_c is unkno"),
    "a name twice": (("{01..40}", "{01,02,01}"), "groups.rack1.names has rack1-01 twice; name"),
    "a path": (('"rack1-{', '"../rack1-{'), "groups.rack1.names: '../rack1-01' cannot name a dev"),
    "a folder": (('"rack1-{', '"rack1/{'), "groups.rack1.names: 'rack1/01' cannot name a device"),
    "fewer addresses": (("{01..40}", "{01..41}"), "addresses are 40 for 41 names: rack1-41 has no"),
    "more addresses": (("{01..40}", "{01..39}"), "addresses are 40 for 39 names: 10.0.1.140 has n"),
    "too many": (("{01..40}", "{1..1000000000}"), "makes 1,000,000,000, and a fleet file has 100"),
    "too many by far": (("{01..40}", "{1..99999}{1..99999}{1..99999}"), f"has {MOST_DEVICES:,} de"),
    "too many addresses": (("{101..140}", "{1..1000000000}"), "addresses: 10.0.1.{1..1000000000} "),
    "no such member": (("members.rack1-08", "members.rack1-80"), "rack1-80: the group has no such"),
    "the group's label": (('site = "lab-2"', 'group = "x"'), "labels.group: that label is the gro"),
    "no transport": (('transport = "ssh"', ""), "groups.rack1.device.transport is missing"),
    "no addresses": (("addresses", "# "), "groups.rack1.addresses is missing, and rack1-01 has no"),
    "no names": (('"rack1-{01..40}"', "[]"), "groups.rack1.names has no device; write a pattern"),
    "no text": (('"rack1-{01..40}"', "7"), "groups.rack1.names = 7: should be"),
    "a group's path": (("groups.rack1]", 'groups."a/b"]'), "groups.a/b = 'a/b': should have lett"),
    "another notation": (("{01..40}", "[01-40]"), "numbers are written {FIRST..LAST}: rack1-{01.."),
    "the root": (('user = "bench"', 'root = "$X/{name}"'), "groups.rack1: rack1-01: device.root '"),
    "no file of groups": ((RACK, ""), "groups is missing"),
    "not TOML": (("[groups.rack1]", "[groups.rack1"), "not valid TOML"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_one_line_with_the_file_and_the_key(kind: str, tmp_path: Path) -> None:
    (old, new), said = MISTAKES[kind]
    assert old in RACK
    path = written(tmp_path, RACK.replace(old, new, 1))
    with pytest.raises(ConfigError) as raised:
        load_fleet(path)
    line = str(raised.value)
    assert line.startswith(f"{path}: ")
    assert said in line
    assert "\n" not in line


def test_a_name_in_two_groups(tmp_path: Path) -> None:
    path = written(tmp_path, RACK + RACK.replace("groups.rack1", "groups.rack2"))
    with pytest.raises(ConfigError, match=r"rack1-01 is in groups.rack1 and in groups.rack2; ren"):
        load_fleet(path)
    path = written(tmp_path, RACK.replace("groups.rack1", "groups.rack1-02"))
    with pytest.raises(ConfigError, match=r"rack1-02 is a group and a device of groups.rack1-02"):
        load_fleet(path)


def test_many_groups_together_may_not_be_too_many(tmp_path: Path) -> None:
    one = '[groups.g{}]\nnames = "g{}-{{1..60000}}"\n[groups.g{}.device]\ntransport = "local"\n'
    path = written(tmp_path, one.format(1, 1, 1) + one.format(2, 2, 2))
    with pytest.raises(
        ConfigError, match=r"groups.g2.names: .* makes 60,000, and a fleet file has"
    ):
        load_fleet(path)


def test_the_file_keeps_its_json_schema(tmp_path: Path) -> None:
    from jsonschema import ValidationError, validate

    from benchhub.config.fleet.tables import FleetFile

    schema = FleetFile.model_json_schema(by_alias=True)
    validate(tomllib.loads(RACK), schema)
    for old, new in (("user =", "usr ="), ("max_temp", "max_tmp"), ("hosts", "host")):
        text = RACK.replace(old, new)
        if text != RACK:
            with pytest.raises(ValidationError):
                validate(tomllib.loads(text), schema)
