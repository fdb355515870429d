"""`[power]` of a profile: a command that no shell reads, with two placeholders and no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchhub.config.suite import load_profile
from benchhub.errors import ConfigError
from benchhub.model.device import Power


def profile(folder: Path, power: str) -> Path:
    path = folder / "board.toml"
    path.write_text(f'[device]\nname = "b"\ntransport = "ssh"\nhost = "h"\n[power]\n{power}\n')
    return path


def test_a_command_with_its_placeholders(tmp_path: Path) -> None:
    text = 'cycle = ["labgrid-client", "-p", "{name}", "--at={host}:1", "{{x}}"]\ntimeout_s = 5'
    assert load_profile(profile(tmp_path, text)).power == Power(
        ("labgrid-client", "-p", "{name}", "--at={host}:1", "{{x}}"), 5.0
    )
    (tmp_path / "board.toml").write_text('[device]\nname = "b"\ntransport = "local"\n')
    assert load_profile(tmp_path / "board.toml").power is None


def test_a_path_is_seen_from_the_profile(tmp_path: Path) -> None:
    found = load_profile(profile(tmp_path, 'cycle = ["./plug", "./x"]')).power
    assert found is not None
    assert found.cycle == (str(tmp_path / "plug"), "./x")


@pytest.mark.parametrize(
    ("cycle", "said"),
    [
        ("plug {name}", "power.cycle"), ([], "power.cycle"), (["", "x"], "begins with ''"),
        (["{name}"], "begins with"), (["plug", "{user}"], "none of {name} and {host}"),
        (["plug", "{name.x}"], "none of"), (["plug", "{name!r}"], "none of"),
        (["plug", "{name:>9999999999}"], "none of"), (["plug", "{0}"], "none of"),
        (["plug", "{}"], "none of"), (["plug", "{name"], "write {{ for a brace"),
        (["plug", "}"], "write {{ for a brace"), (["plug", 1], "power.cycle"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, cycle: object, said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        load_profile(profile(tmp_path, f"cycle = {json.dumps(cycle)}"))
    assert said in str(error.value)
    assert str(tmp_path / "board.toml") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("timeout_s", ["0", "-1", "inf", "nan"])
def test_a_time_that_cannot_be_is_refused(tmp_path: Path, timeout_s: str) -> None:
    with pytest.raises(ConfigError, match=r"power\.timeout_s"):
        load_profile(profile(tmp_path, f'cycle = ["plug"]\ntimeout_s = {timeout_s}'))
