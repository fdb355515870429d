"""The health of ARM devices in whole runs: governor, heat, cool-down, restarts, recorded facts."""

from __future__ import annotations

import json
import re
import shlex
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from facts.trees import described, unpack, unpack_text
from project import Project
from repository import TESTS
from waiting import until

from benchhub.device.provision.install import provision
from benchhub.device.provision.lock import shipped
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.model.device import DeviceProfile
from lab import arm
from lab.arm import Machine, Translated
from lab.lab import Lab
from lab.runs import (
    WHEELS,
    add_host,
    count,
    doctor,
    end,
    finished_once,
    harness_project,
    launching,
    lines,
    run_on,
    stored,
)

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("arm")]
ARM64, MACHINE = "lab-arm64", "lab-arm64-vm"
COOL_C, LIMIT_C, HOT_C = 45.0, 80.0, 85.0
HEAT = "85 C, limit 80 C"
#: The launches of a cell at the least effort.
LAUNCHES = 3
#: Where every test has its files on the lab's devices, so that the runner is pushed once.
ROOT = DeviceProfile("", "ssh").root
#: Starts of launches are stored to the millisecond.
MILLISECOND = 0.001
RECORD = TESTS / "facts" / "record.py"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project whose suite only measures the harness itself."""
    return harness_project(tmp_path / "project")


@pytest.fixture
def board(arm_lab: Lab) -> Iterator[Translated]:
    """Return the translated ARM64 device; afterwards it is cool and fast again."""
    host = arm_lab[ARM64]
    assert isinstance(host, Translated)
    yield host
    host.set_temperature(COOL_C)
    host.set_governor("performance")


@pytest.fixture(scope="module")
def runtime(arm_lab: Lab) -> None:
    """Give the translated device one runtime: without any, no doctor passes it."""
    profile = arm_lab.profile(ARM64)
    with DeviceSession.open(profile, build_runner(), holder("health")) as session:
        provision(session, shipped("onnxruntime"), WHEELS)


@pytest.mark.usefixtures("runtime")
def test_the_doctors_line_mends_the_governor(
    arm_lab: Lab, board: Translated, project: Project
) -> None:
    add_host(project, arm_lab, ARM64, root=ROOT)
    board.set_governor("powersave")
    code, found = doctor(project, ARM64)
    assert (code, found["governor"]["level"]) == (0, "warn")
    assert found["governor"]["found"] == "CPU governor powersave"
    line = re.fullmatch("run `(.+)` on the device", found["governor"]["fix"])
    assert line is not None
    arm_lab.ssh(ARM64, line[1].replace("sudo ", ""))  # who is root there already has none
    code, found = doctor(project, ARM64)
    assert (code, found["governor"]["level"]) == (0, "ok")
    assert found["governor"]["found"] == "performance"


@pytest.mark.usefixtures("runtime")
def test_a_board_that_stays_hot_is_in_quarantine_until_a_doctor_finds_it_cool(
    arm_lab: Lab, board: Translated, project: Project
) -> None:
    limits = {"max_temperature_c": LIMIT_C, "cooldown_s": 0}
    add_host(project, arm_lab, ARM64, root=ROOT, limits=limits)
    board.set_temperature(HOT_C)
    refused = project.run(*run_on(ARM64))
    assert refused.code == 3, refused.err
    why, advice = lines(refused)
    assert why.startswith(f"benchhub: {ARM64}: not fit to measure: still {HEAT} after ")
    assert "1 device stopped early" in advice
    assert count(project, ARM64) == 0
    code, found = doctor(project, ARM64)
    assert (code, found["temperature"]["level"]) == (3, "refuse")
    assert found["temperature"]["found"] == HEAT
    assert [name for name, check in found.items() if check["level"] == "refuse"] == ["temperature"]
    profiles = project.run("devices", "list", "--json").json
    (kept,) = [one["quarantine"] for one in profiles if one["name"] == ARM64]
    assert HEAT in kept["reason"]

    board.set_temperature(COOL_C)  # but nobody looked
    refused = project.run("run", "--resume", "latest", "--json")
    assert refused.code == 3, refused.err
    why, _ = lines(refused)
    assert f"quarantined since {kept['since']}: " in why
    assert HEAT in why
    passed = project.run("devices", "doctor", ARM64)
    assert passed.code == 0, passed.out
    assert f"{ARM64}: out of quarantine" in passed.err
    resumed = project.run("run", "--resume", "latest", "--json")
    assert resumed.code == 0, resumed.err
    assert finished_once(project, LAUNCHES)
    assert "governor" not in resumed.err  # preflight has nothing to say about `performance`


def test_a_hot_board_is_waited_for_before_and_between_launches(
    arm_lab: Lab, board: Translated, project: Project
) -> None:
    limits = {"max_temperature_c": LIMIT_C, "cooldown_s": 0.3}
    add_host(project, arm_lab, ARM64, root=ROOT, limits=limits)
    board.set_governor("powersave")
    board.set_temperature(HOT_C)
    process = project.start(*run_on(ARM64))
    said: list[str] = []
    cooled: list[tuple[float, int]] = []

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line.rstrip("\n"))
            if "cooling" in line:
                time.sleep(1.0)  # the subject: it stays hot for some pauses
                cooled.append((time.time(), count(project, ARM64)))
                board.set_temperature(COOL_C)

    cooler = threading.Thread(target=listen)
    cooler.start()
    try:
        until(lambda: cooled and launching(board), "the first launch")
        board.set_temperature(HOT_C)  # as measuring made it; it cools down after the launch
        assert process.stdout is not None
        found = json.loads(process.stdout.read())
        assert process.wait(60) == 0, said
    finally:
        process.kill()
        process.wait()
        cooler.join()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()
    assert said.count(f"{ARM64}: cooling: {HEAT}") == 2
    (first_s, none), (second_s, one) = cooled
    assert (none, one) == (0, 1)  # so many launches had been measured by then
    launches = stored(project)
    assert finished_once(project, LAUNCHES)
    assert [launch.temperature_c for launch in launches] == [COOL_C] * LAUNCHES
    assert first_s <= launches[0].begin_s + MILLISECOND
    assert launches[0].end_s <= second_s <= launches[1].begin_s + MILLISECOND

    (governor,) = [line for line in said if "governor" in line]
    fix = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
    assert governor.startswith(f"{ARM64}: CPU governor powersave: ")
    assert fix in governor
    (device,) = found["devices"]
    (check,) = [check for check in device["findings"] if check["check"] == "governor"]
    assert (check["level"], fix in check["fix"]) == ("warn", True)


def test_a_machine_that_restarts_in_the_middle_of_a_run_finishes_it(
    arm_lab: Lab, project: Project
) -> None:
    if MACHINE in arm_lab.missing:
        pytest.skip(arm_lab.missing[MACHINE])
    host = arm_lab[MACHINE]
    assert isinstance(host, Machine)
    add_host(project, arm_lab, MACHINE, root=ROOT, limits={"reboot_wait_s": 120})
    process = project.start(*run_on(MACHINE))
    until(lambda: count(project, MACHINE), "the first launch", 120)
    host.reset()
    done = end(process, 200)
    assert done.code == 0, done.err
    assert finished_once(project, LAUNCHES)
    cut = [launch for launch in stored(project) if launch.status != "finished"]
    assert [(launch.status, launch.kind) for launch in cut] == [("interrupted", "link")]
    assert f"{MACHINE}: restarted: checking it again" in done.err
    (device,) = done.json["devices"]
    (reboot,) = [check for check in device["findings"] if check["check"] == "reboot"]
    assert (reboot["level"], "middle of the run" in reboot["found"]) == ("warn", True)
    (row,) = done.json["rows"]
    assert (row["status"], row["launches"], row["emulated"]) == ("finished", LAUNCHES, True)


@pytest.mark.parametrize("name", arm.DEVICES)
def test_a_device_shows_what_was_recorded_of_it(arm_lab: Lab, name: str, tmp_path: Path) -> None:
    if name in arm_lab.missing:
        pytest.skip(arm_lab.missing[name])
    said = arm_lab.ssh(name, f"uname -m; python3 -c {shlex.quote(RECORD.read_text())}")
    machine, _, text = said.partition("\n")
    live = described(unpack_text(text, tmp_path / "live"), machine)
    recorded = described(unpack(name, tmp_path / "recorded"), machine)
    # Other tests of this lab may have made it throttle.
    assert (live.pop("throttle_count") is None) == (recorded.pop("throttle_count") is None)
    assert live == recorded
