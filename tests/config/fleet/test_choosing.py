"""Which devices are meant by names, patterns, labels and groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchhub.config.fleet.chosen import Choice, place, places, profiles, with_places
from benchhub.config.fleet.known import Known
from benchhub.config.fleet.words import meant
from benchhub.errors import ConfigError
from benchhub.model.request import RunRequest

FLEET = """\
[groups.rack1]
names = "rack1-{01..12}"
[groups.rack1.device]
transport = "local"
root = "/bench/{name}"
[groups.rack1.labels]
site = "lab-1"
board = "pi5"
[groups.rack1.members.rack1-03]
labels = {board = "pi4"}
[groups.rack2]
names = "rack2-{01..12}"
[groups.rack2.device]
transport = "local"
root = "/bench/{name}"
[groups.rack2.labels]
site = "lab-2"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "fleet.toml").write_text(FLEET, "utf-8")
    folder = tmp_path / "device_profiles"
    folder.mkdir()
    for name, site in (("desk-a", "lab-1"), ("desk-b", "lab-2")):
        (folder / f"{name}.toml").write_text(
            f'[device]\nname="{name}"\ntransport="local"\n[labels]\nsite="{site}"\n', "utf-8"
        )
    return tmp_path


def names(project: Path, *words: str, exclude: tuple[str, ...] = ()) -> list[str]:
    return [one.name for one in profiles(places(Choice(words, exclude), project))]


RACK1 = [f"rack1-{number:02}" for number in range(1, 13)]
RACK2 = [f"rack2-{number:02}" for number in range(1, 13)]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("rack1-07",), ["rack1-07"]),
        (("desk-a", "rack2-01"), ["desk-a", "rack2-01"]),
        (("rack2-01", "desk-a"), ["rack2-01", "desk-a"]),
        (("rack1",), RACK1),
        (("rack1-*",), RACK1),
        (("rack?-01",), ["rack1-01", "rack2-01"]),
        (("rack1-0[12]",), ["rack1-01", "rack1-02"]),
        (("rack{1,2}-{11..12}",), ["rack1-11", "rack1-12", "rack2-11", "rack2-12"]),
        (("label=site:lab-2",), ["desk-b", *RACK2]),
        (("label=site:lab-*",), ["desk-a", "desk-b", *RACK1, *RACK2]),
        (("label=board:pi4",), ["rack1-03"]),
        (("label=group:rack2",), RACK2),
        (("label=site:lab-1,label=board:pi4",), ["rack1-03"]),
        (("rack1,label=board:pi4",), ["rack1-03"]),
        (("rack1-*,label=site:lab-1,*-01",), ["rack1-01"]),
        (("rack1-{02..04},label=board:pi5",), ["rack1-02", "rack1-04"]),
        (("label=board:pi4", "label=site:lab-2", "rack2-01"), ["rack1-03", "desk-b", *RACK2]),
        (("rack1-0[12]", "rack1-01"), ["rack1-01", "rack1-02"]),
        (("localhost",), ["localhost"]),
    ],
)
def test_words_choose_devices_in_order(
    words: tuple[str, ...], meant: list[str], project: Path
) -> None:
    assert names(project, *words) == meant


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        (("rack1-*",), ["desk-a"]),
        (("rack1-0*", "label=board:pi5,rack1-10"), ["desk-a", "rack1-11", "rack1-12"]),
        (("desk-a", "rack2"), RACK1),
        (("label=site:lab-2",), ["desk-a", *RACK1]),
    ],
)
def test_some_are_left_out(exclude: tuple[str, ...], left: list[str], project: Path) -> None:
    assert names(project, "label=site:lab-1", exclude=exclude) == left


def test_paths_are_of_other_fleets_and_profiles(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    file = project / "fleet.toml"
    fleet = str(file)
    assert names(other, fleet) == [*RACK1, *RACK2]
    assert names(other, f"{fleet}#rack2-*") == RACK2
    assert names(other, f"{fleet}#rack2", str(project / "device_profiles" / "desk-a.toml")) == [
        *RACK2, "desk-a",
    ]  # fmt: skip
    assert names(project, fleet, exclude=("rack1",)) == RACK2
    assert place("rack1-01", project) == f"{fleet}#rack1-01"
    with pytest.raises(ConfigError, match=r"no such fleet file"):
        names(other, "nowhere/fleet.toml")


def test_templates_are_found_by_no_pattern(project: Path) -> None:
    assert set(names(project, "*")) == {"localhost", "desk-a", "desk-b", *RACK1, *RACK2}
    assert names(project, "raspberry-pi-5") == ["raspberry-pi-5"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("rack1-99", "device rack1-99 is unknown; did you mean rack1-09? 33 devices: `bench"),
        ("rack3", "device rack3 is unknown; did you mean rack2? 33 devices: `bench"),
        ("zzzzz", "device zzzzz is unknown; 33 devices: `benchhub devices list`"),
        ("rack9-*", "no device matches rack9-*; "),
        ("rack1-{11..13}", "device rack1-13 is unknown; did you mean rack1-1"),
        ("label=sit:lab-1", "no device has the label sit:lab-1; did you mean site:lab-1?"),
        ("label=site:lab-3", "no device has the label site:lab-3; did you mean site:lab-"),
        ("label=site", "label=site: a label is label=KEY:VALUE, as label=site:lab-1"),
        ("label=:x", "label=:x: a label is label=KEY:VALUE"),
        ("desk-a,desk-b", "no device is all of desk-a,desk-b; several --device are one"),
        ("rack1-*,", "'rack1-*,' names no device"),
        ("", "'' names no device"),
        ("rack?-{1..3}", "names by braces, or a pattern with * ? [..], but not both"),
        ("rack1-{3..1}", "counts down: write 1..3"),
        ("rack1-{1..1000000000}", "is 1,000,000,000 names; write a pattern with *"),
    ],
)  # fmt: skip
def test_what_means_no_device_is_one_line(word: str, said: str, project: Path) -> None:
    for choice in (Choice((word,)), Choice(("rack1",), (word,))):
        with pytest.raises(ConfigError) as raised:
            places(choice, project)
        assert said in str(raised.value)
        assert len(str(raised.value)) < 160
        assert "\n" not in str(raised.value)


def test_words_mean_devices_of_a_run_and_stay_where_they_mean_none() -> None:
    devices = {
        "a-1": {"site": "x", "group": "a"}, "a-2": {"site": "y", "group": "a"}, "b": {"site": "x"},
    }  # fmt: skip
    for words, names in (
        (["a-1"], ("a-1",)),
        (["a"], ("a-1", "a-2")),
        (["a-*", "b"], ("a-1", "a-2", "b")),
        (["b", "label=site:x"], ("b", "a-1")),
        (["a-{1..3}"], ("a-1", "a-2")),
        (["label=site:x,a"], ("a-1",)),
        (["c-*", "label=site:z", "d"], ("c-*", "label=site:z", "d")),
        ([], ()),
    ):
        assert meant(words, devices) == names


def test_leaving_out_all_is_a_mistake(project: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"no device is left: --exclude rack1-\* leaves out every"
    ):
        names(project, "rack1", exclude=("rack1-*",))


def test_a_device_that_is_named_twice_is_a_mistake_and_a_pattern_beside_it_is_none(
    project: Path,
) -> None:
    with pytest.raises(ConfigError, match=r"device rack1-01 is given twice; name each device once"):
        names(project, "rack1-01", "rack1-01")
    assert names(project, "rack1-01", "rack1-01*", "rack1") == RACK1


def test_a_name_of_a_profile_and_of_a_group_is_a_mistake(project: Path) -> None:
    (project / "device_profiles" / "rack1-05.toml").write_text(
        '[device]\nname="rack1-05"\ntransport="local"\n', "utf-8"
    )
    with pytest.raises(
        ConfigError, match=r"fleet.toml: rack1-05 is in groups.rack1, and .*-05.toml"
    ):
        names(project, "desk-a")


def test_a_name_in_both_fleet_files_is_a_mistake(project: Path) -> None:
    (project / "device_profiles" / "fleet.toml").write_text(
        FLEET.replace("groups.rack", "groups.other"), "utf-8"
    )
    with pytest.raises(ConfigError, match=r"rack1-01 is in groups.other1 of .*, too; rename one"):
        names(project, "desk-a")


def test_a_users_own_hide_what_ships(project: Path) -> None:
    text = FLEET.replace('"rack2-{01..12}"', '["localhost", "jetson-orin"]')
    (project / "fleet.toml").write_text(text, "utf-8")
    assert names(project, "localhost", "label=site:lab-2") == ["localhost", "desk-b", "jetson-orin"]
    assert profiles(places(Choice(("localhost",)), project))[0].root == "/bench/localhost"


def test_a_request_keeps_what_was_asked_where_devices_were_chosen(project: Path) -> None:
    plain = with_places(RunRequest("s", ("rack1-01", "desk-a")), project)
    assert plain.asked == ()
    assert [place.rpartition("/")[2] for place in plain.devices] == [
        "fleet.toml#rack1-01", "desk-a.toml",
    ]  # fmt: skip
    for words, exclude in (
        (("rack1",), ()),
        (("rack1-*",), ()),
        (("desk-a", "rack1"), ("desk-a",)),
    ):
        chosen = with_places(RunRequest("s", words, exclude=exclude), project)
        assert (chosen.asked, chosen.exclude) == (words, exclude)
        assert len(chosen.devices) == 12


def test_a_device_that_is_gone_from_its_file_is_told_when_a_run_goes_on(project: Path) -> None:
    found = places(Choice(("rack1-12",)), project)
    (project / "fleet.toml").write_text(FLEET.replace("1-{01..12}", "1-{01..11}"), "utf-8")
    with pytest.raises(ConfigError, match=r"fleet.toml has no device rack1-12; did you mean rack"):
        profiles(found)


def test_of_ten_thousand_one_is_found_without_the_profile_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fleet.toml").write_text(
        '[groups.big]\nnames = "n{00001..10000}"\naddresses = "{name}.lab"\n'
        '[groups.big.device]\ntransport = "ssh"\n', "utf-8",
    )  # fmt: skip
    read: list[str] = []
    kept = Known.profile
    monkeypatch.setattr(Known, "profile", lambda self, name: read.append(name) or kept(self, name))
    assert names(tmp_path, "n07777") == ["n07777"]
    assert read == []
    assert len(places(Choice(("n0*",)), tmp_path)) == 9999
    assert "n00001" not in read
    with pytest.raises(ConfigError) as raised:
        names(tmp_path, "m99999")
    assert "10,007 devices" in str(raised.value)
    assert len(str(raised.value)) < 100
