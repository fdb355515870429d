"""`devices queue`, `reserve`, `reservations` and `release`, and the ways to wait for a run."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from in_process import Reading

from benchhub.config.durations import duration_s, moment
from benchhub.errors import ConfigError

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reading:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "root"
    profile = f'[device]\nname = "board"\ntransport = "local"\nroot = "{root}"\n'
    (tmp_path / "board.toml").write_text(profile)
    return Reading(tmp_path)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86400), ("1h30m", 5400),
        ("10 min", 600),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text, "--for") == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "h", "-1h", "1h x", "1e3s", "nan", "9" * 400 + "h", "١h"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--for .* is no duration: write 90s"):
        duration_s(text, "--for")


@pytest.mark.parametrize("text", ["36501d", "9999999d", "9" * 300 + "h"])
def test_what_goes_beyond_calendars_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--older-than .* is more than a hundred years"):
        duration_s(text, "--older-than")


def test_moments() -> None:
    assert moment("now", "--from", NOW) == NOW
    assert moment("14:00", "--from", NOW) == NOW.replace(hour=14)
    assert moment("11:00", "--from", NOW) == NOW.replace(hour=11) + timedelta(days=1)
    assert moment("2026-02-01T10:00", "--from", NOW) == NOW.replace(month=2, day=1, hour=10)
    for text in ("", "25:00", "tomorrow", "2026-13-01"):
        with pytest.raises(ConfigError, match=r"--from .* is no time"):
            moment(text, "--from", NOW)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2020-01-01T10:00", "--for", "2h"), "--from .* is over"),
        (("--for", "8d"), "--for has to be from 1m to 7d"),
        (("--for", "0"), "--for has to be from 1m to 7d"),
        (("--from", "2999-01-01T10:00", "--for", "2h"), "more than 90 days ahead"),
        (("--for", "long"), "is no duration"),
    ],
)
def test_times_that_cannot_be_reserved(here: Reading, words: tuple[str, ...], said: str) -> None:
    done = here.run("devices", "reserve", "board.toml", *words)
    assert done.code == 2
    assert re.search(said, done.err)
    assert done.err.count("\n") == 1


@pytest.mark.usefixtures("processes")
def test_a_device_is_reserved_listed_refused_to_others_and_released(here: Reading) -> None:
    far = datetime.now(UTC) + timedelta(days=random.Random().uniform(20, 80))
    words = ("--from", far.isoformat(timespec="minutes"), "--for", "2m")
    done = here.run("devices", "reserve", "board.toml", *words, "--why", "a demo", "--json")
    assert done.code == 0, done.err
    made = json.loads(done.out)
    try:
        again = here.run("devices", "reserve", "board.toml", *words)
        assert again.code == 3
        assert f"({made['id']}) for a part of that time" in again.err
        (listed,) = json.loads(here.run("devices", "reservations", "--json").out)
        assert listed == made
        shown = here.run("devices", "queue", "board.toml", "--json")
        (kept,) = (o for o in json.loads(shown.out)["board"]["reserved"] if o["id"] == made["id"])
        assert abs(kept["ends_s"] - kept["starts_s"] - 120) < 1
    finally:
        gone = here.run("devices", "release", made["id"], "board.toml")
    assert (gone.code, here.run("devices", "reservations", "--json").out.strip()) == (0, "[]")
    unknown = here.run("devices", "release", made["id"])
    assert (unknown.code, "no reservation" in unknown.err) == (2, True)
    free = json.loads(here.run("devices", "queue", "board.toml", "--json").out)["board"]
    assert (free["measures"], free["waits"]) == (None, [])


def test_a_run_refuses_a_wait_that_is_none_and_a_priority_out_of_bounds(here: Reading) -> None:
    done = here.run("run", "quickstart", "--wait-at-most", "soon")
    assert (done.code, "--wait-at-most 'soon' is no duration" in done.err) == (2, True)
    assert here.run("run", "quickstart", "--priority", "10").code == 2
