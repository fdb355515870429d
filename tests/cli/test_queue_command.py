"""`devices queue`, `reserve`, `reservations` and `release`, and the ways to wait for a run."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from in_process import Reading
from project import write_model

from benchhub.config.durations import duration_s, moment
from benchhub.errors import ConfigError
from benchhub.model.device import DeviceProfile
from benchhub.run.devices.reserved import check_reservation
from benchhub.store import Store

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


def some_time() -> tuple[str, ...]:
    """Words for a time that no other test has, of the same device maybe, in the same folder."""
    far = datetime.now(UTC) + timedelta(days=random.Random().uniform(20, 80))
    return "--from", far.isoformat(timespec="minutes"), "--for", "2m"


@pytest.mark.usefixtures("processes")
def test_a_device_is_reserved_listed_refused_to_others_and_released(
    here: Reading, store_url: str
) -> None:
    here = Reading(here.folder, store_url)
    words = some_time()
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
    assert made["id"] not in [one["id"] for one in free["reserved"]]
    # Nobody of this account has that root; other accounts may measure on this machine meanwhile.
    there = [one for one in (free["measures"], *free["waits"]) if one is not None]
    assert [one for one in there if one["account"] is None] == []


@pytest.mark.usefixtures("processes")
def test_of_several_that_reserve_at_once_one_has_it(here: Reading, store_url: str) -> None:
    words = [sys.executable, "-m", "benchhub", "devices", "reserve", "board.toml", *some_time()]
    env = {**os.environ, "BENCHHUB_STORE": store_url}
    asking = [
        subprocess.Popen(
            [*words, "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    said = [one.communicate(timeout=120) for one in asking]
    won = [
        json.loads(out) for one, (out, _) in zip(asking, said, strict=True) if not one.returncode
    ]
    try:
        assert sorted(one.returncode for one in asking) == [0, 3, 3, 3], said
        lost = f"({won[0]['id']}) for a part of that time"
        assert sum(lost in err for _, err in said) == 3
        with Store.open(store_url) as store:
            assert [one.id for one in store.reservations.coming()] == [won[0]["id"]]
    finally:
        for one in won:
            there = Reading(here.folder, store_url)
            assert there.run("devices", "release", one["id"], "board.toml").code == 0


@pytest.mark.usefixtures("processes")
def test_a_reservation_that_nobody_knows_is_one_line(here: Reading) -> None:
    """One of another store is known to its device."""
    other = Reading(here.folder, f"sqlite:///{here.folder}/other.db")
    done = other.run("devices", "reserve", "board.toml", *some_time())
    assert done.code == 0, done.err
    (theirs,) = re.findall(r"reserved as (\w+)", done.out)
    bench = ("bench", "model.onnx", "--device", "board.toml", "--reservation")
    write_model(here.folder / "model.onnx")
    try:
        wrong = here.run(*bench, f"{theirs[:-1]}x")
        assert wrong.code == 2
        said = f"benchhub: no reservation {theirs[:-1]}x is known to the store or to board; did you"
        assert wrong.error.startswith(f"{said} mean {theirs}?")
        assert json.loads(here.run("runs", "list", "--json").out) == []
        board = DeviceProfile(name="board", transport="local", root=str(here.folder / "root"))
        with Store.open(here.url) as store:
            check_reservation(theirs, store, [board])
    finally:
        assert other.run("devices", "release", theirs, "board.toml").code == 0


def test_a_run_refuses_a_wait_that_is_none_and_a_priority_out_of_bounds(here: Reading) -> None:
    done = here.run("run", "quickstart", "--wait-at-most", "soon")
    assert (done.code, "--wait-at-most 'soon' is no duration" in done.err) == (2, True)
    assert here.run("run", "quickstart", "--priority", "10").code == 2
