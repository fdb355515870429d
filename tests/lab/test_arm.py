"""The lab's ARM devices: what they are, what can be set on them, and that they go again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from waiting import until

from benchhub.config.suite import load_profile
from benchhub.device.health.findings import findings, refusal
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.ondevice.wire import Conditions, Job
from lab import arm, faults, rootfs, state
from lab.arm import Machine, Translated
from lab.command import LabError, born, run
from lab.host import Host
from lab.lab import Lab
from lab.runs import add_host, end, harness_project, run_on, stored

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("arm"), pytest.mark.usefixtures("processes")]
HERE = Path(__file__).parent
#: Name: what `uname -m` says there, its processor, its cores.
DEVICES = {
    "lab-arm64": ("aarch64", "Cortex-A76", 2),
    "lab-arm64-vm": ("aarch64", "Cortex-A72", 1),
    "lab-armhf": ("armv7l", "Cortex-A15", 2),
}
#: Switches the machine off and on, and writes down whose.
PLUG = """
import json, pathlib, socket, sys
link = socket.socket(socket.AF_UNIX); link.settimeout(20); link.connect(sys.argv[1])
talk = link.makefile("rw")
for command in ("qmp_capabilities", "system_reset", "cont"):
    talk.write(json.dumps({"execute": command}) + "\\n"); talk.flush()
    while "return" not in json.loads(talk.readline()):
        pass
with open(pathlib.Path(__file__).with_name("plugged"), "a") as file:
    file.write(sys.argv[2] + "\\n")
"""
#: Says how long the same sums take, in the device's own time, five times.
SUMS = """
import time, numpy
a = numpy.ones((64, 64), numpy.float32)
for _ in range(5):
    began = time.perf_counter_ns()
    for _ in range(10):
        a @ a
    print(time.perf_counter_ns() - began)
"""


def device(lab: Lab, name: str) -> Host:
    """Return a device of the lab; the test is skipped where this machine cannot have it."""
    if name in lab.missing:
        pytest.skip(lab.missing[name])
    return lab[name]


@contextlib.contextmanager
def session(lab: Lab, name: str) -> Iterator[DeviceSession]:
    """A session with a device."""
    with DeviceSession.open(lab.profile(name), build_runner(), holder("test")) as opened:
        yield opened


def translated(lab: Lab, name: str = "lab-arm64") -> Translated:
    host = device(lab, name)
    assert isinstance(host, Translated)
    return host


def machine(lab: Lab) -> Machine:
    host = device(lab, "lab-arm64-vm")
    assert isinstance(host, Machine)
    return host


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_is_its_own_machine_and_measures(arm_lab: Lab, name: str) -> None:
    architecture, cpu_model, cores = DEVICES[name]
    host = device(arm_lab, name)
    assert arm_lab.ssh(name, "uname -m; hostname; pwd; cd ~; pwd").split() == [
        architecture, name, str(host.home), str(host.home),
    ]  # fmt: skip
    with session(arm_lab, name) as opened:
        facts = opened.facts()
        assert (facts.told["arch"], facts.told["cpu_model"]) == (architecture, cpu_model)
        assert facts.told["cores_logical"] == min(cores, os.cpu_count() or 1)
        assert facts.told["packages"]["numpy"]
        assert facts.told["packages"]["psutil"]
        assert set(facts.told["isa_flags"]) <= {"neon", "asimd", "asimddp", "asimdhp", "fphp"}
        assert refusal(findings(opened.profile, facts, opened.conditions())) is None
        outcome = opened.launch(Job("cell", 0, "null", "latency", None, "none", {}, iterations=20))
    assert (outcome.status, outcome.failure) == ("finished", None)
    assert len(outcome.samples_ns) == 20
    assert outcome.before is not None
    assert outcome.before.load_1m is not None


@pytest.mark.parametrize("name", ["lab-arm64", "lab-armhf"])
def test_governor_heat_and_throttling_can_be_set(arm_lab: Lab, name: str) -> None:
    host = translated(arm_lab, name)
    cool = {"governor": "performance", "temperature_c": 45.0, "frequency_mhz": 1500.0}
    hot = {"governor": "powersave", "temperature_c": 85.0, "frequency_mhz": 600.0}

    def read(conditions: Conditions) -> dict[str, object]:
        return {key: getattr(conditions, key) for key in cool}

    with session(arm_lab, name) as opened:
        profile = replace(opened.profile, max_temperature_c=80.0)
        facts, before = opened.facts(), opened.conditions()
        assert read(before) == cool
        assert refusal(findings(profile, facts, before)) is None
        host.set_governor("powersave")
        host.set_temperature(85.0)
        host.board.throttle()
        try:
            now = opened.conditions()
            checks = findings(profile, facts, now)
        finally:
            host.set_governor("performance")
            host.set_temperature(45.0)
        assert read(now) == hot
        assert "85 C, limit 80 C" in (refusal(checks) or "")
        governor = next(check for check in checks if check.check == "governor")
        assert (governor.level, "powersave" in governor.found) == ("warn", True)
        assert now.throttle_count == (before.throttle_count or 0) + 1
        assert read(opened.conditions()) == cool
    with pytest.raises(ValueError, match="no governor turbo; there are performance"):
        host.set_governor("turbo")


def test_a_device_can_set_its_own_governor(arm_lab: Lab) -> None:
    host = translated(arm_lab)
    name = "scaling_governor"
    where = f"/sys/devices/system/cpu/cpu*/cpufreq/{name}"
    try:
        arm_lab.ssh(host.name, f"echo schedutil | tee {where}")
        assert arm_lab.ssh(host.name, f"cat {where}").split() == ["schedutil"] * 2
    finally:
        host.set_governor("performance")
    assert arm_lab.ssh(host.name, f"cat {where}").split() == ["performance"] * 2


def test_what_a_device_writes_is_its_own(arm_lab: Lab) -> None:
    host = translated(arm_lab)
    arm_lab.ssh(host.name, "echo here >/usr/share/written; touch ~/mine")
    assert host.path(Path("/usr/share/written")).read_text() == "here\n"
    assert not (host.rootfs.tree / "usr/share/written").exists()
    assert arm_lab.ssh("lab-armhf", "ls ~ /usr/share").find("written") == -1
    arm_lab.ssh(host.name, "rm /usr/share/written ~/mine")


def test_an_ssh_server_that_died_comes_back(arm_lab: Lab) -> None:
    host = translated(arm_lab)
    with faults.no_sshd(host), pytest.raises(LabError, match="refused"):
        arm_lab.ssh(host.name, "hostname")
    assert arm_lab.ssh(host.name, "hostname") == f"{host.name}\n"


def test_the_machines_time_is_its_instructions(arm_lab: Lab) -> None:
    host = machine(arm_lab)

    def median_ns() -> float:
        said = arm_lab.ssh(host.name, f"python3 -c '{SUMS}'")
        return statistics.median(map(int, said.split()))

    assert median_ns() == pytest.approx(median_ns(), rel=1e-3)


def test_a_machine_that_restarts_comes_back_with_its_disk(arm_lab: Lab) -> None:
    host = machine(arm_lab)
    arm_lab.ssh(host.name, "echo kept >~/written")
    host.reboot()
    assert arm_lab.ssh(host.name, "cat ~/written; rm ~/written") == "kept\n"


def test_a_machine_reboots_when_told_to(arm_lab: Lab) -> None:
    host = machine(arm_lab)
    ask = ("cat", "/proc/sys/kernel/random/boot_id")
    before = host.run(*ask)
    host.run("reboot", "-f", check=False)  # ends when the next boot disowns the connection
    host.wait()
    assert host.run(*ask) != before


def test_a_machine_that_hangs_is_switched_off_and_on_and_measured(
    arm_lab: Lab, tmp_path: Path
) -> None:
    """Its processor is stopped, so that nothing answers; the power command starts it anew."""
    host = machine(arm_lab)
    made = harness_project(tmp_path)
    plug = tmp_path / "plug.py"
    plug.write_text(PLUG)
    limits = {"reboot_wait_s": 60}
    profile = add_host(made, arm_lab, host.name, connect_timeout_s=4.0, limits=limits)
    command = [sys.executable, str(plug), str(host.monitor), "{name}"]
    with profile.open("a") as file:
        file.write(f"[power]\ncycle = {json.dumps(command)}\ntimeout_s = 30\n")
    host.hang()
    ended = end(made.start(*run_on(host.name)), 400)
    assert ended.code == 0, ended.err
    assert (tmp_path / "plugged").read_text() == f"{host.name}\n"
    (device,) = ended.json["devices"]
    assert [one["check"] for one in device["findings"]].count("power") == 1
    assert {one.status for one in stored(made)} == {"finished"}


def test_a_machines_cable_can_be_cut(arm_lab: Lab) -> None:
    host = machine(arm_lab)
    with faults.cut(host), pytest.raises(LabError, match=r"timed out|No route"):
        arm_lab.ssh(host.name, "hostname", "-oConnectTimeout=1")
    assert arm_lab.ssh(host.name, "hostname") == f"{host.name}\n"
    with pytest.raises(LabError, match="use reset"):
        host.stop_sshd()
    with pytest.raises(LabError, match="copy it over SSH"):
        host.path(Path("/root"))


@pytest.mark.usefixtures("servers")
def test_a_devices_own_disk_fills() -> None:
    if (reason := arm.why_not("lab-armhf")) is not None:
        pytest.skip(reason)
    with Lab({"lab-armhf": 16}) as lab:
        write = "head -c 1000000 /dev/zero >filler; s=$?; rm -f filler; exit $s"
        full = faults.full_disk(lab["lab-armhf"], left_bytes=100_000)
        with full, pytest.raises(LabError, match="No space left"):
            lab.ssh("lab-armhf", write)
        assert lab.ssh("lab-armhf", write) == ""
        name, pids, folder = lab.name, [lab["lab-armhf"].pid], lab.folder
    assert_gone(name, pids, folder)


def test_a_killed_labs_devices_are_swept() -> None:
    names = [name for name in ("lab-arm64-vm", "lab-armhf") if arm.why_not(name) is None]
    code = (
        f"import signal; from lab.lab import Lab\nwith Lab(dict.fromkeys({names}, 0)) as lab:\n"
        " print(lab.name, lab.folder, *(h.pid for h in lab.hosts.values()), flush=True)\n"
        " signal.pause()"
    )
    path = os.pathsep.join([str(HERE.parent), str(HERE.parent.parent)])
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
    ) as owner:
        assert owner.stdout is not None
        name, folder, *pids = owner.stdout.readline().split()
        owner.send_signal(signal.SIGKILL)
    assert len(pids) == len(names)
    assert Path(folder).exists()
    state.sweep()
    assert_gone(name, list(map(int, pids)), Path(folder))


def assert_gone(name: str, pids: list[int], folder: Path) -> None:
    """Nothing of the lab is left."""
    until(lambda: not any(map(born, pids)), "the end of its processes")
    assert name not in run("ip", "netns", "list")
    assert f"{name}-here" not in run("ip", "-br", "link")
    assert str(folder) not in Path("/proc/mounts").read_text()
    assert not folder.exists()
    assert not list(state.RUN.glob(f"{name}*"))
    assert not [p for p in psutil.process_iter() if str(folder) in " ".join(_words(p))]


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return list(process.cmdline())
    return []


def test_half_a_cached_file_system_is_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHHUB_LAB_CACHE", str(tmp_path))
    half = tmp_path / "armhf-newhalf" / "root"
    half.mkdir(parents=True)
    assert not arm.is_cached("lab-armhf")
    nothing = tmp_path / "apt.conf"
    nothing.write_text('Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n')
    monkeypatch.setenv("APT_CONFIG", str(nothing))
    with pytest.raises(LabError, match="apt has no source for"):
        rootfs.rootfs("armhf")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_profiles_that_the_command_writes(tmp_path: Path) -> None:
    wanted = [name for name in DEVICES if arm.why_not(name) is None]

    def command(*verb: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "tests.lab", *verb, "--dir", str(tmp_path)]
        return subprocess.run(
            argv, capture_output=True, text=True, cwd=HERE.parent.parent, timeout=300
        )

    only = [word for name in wanted for word in ("--only", name)]
    done = command("up", *only)
    try:
        assert done.returncode == 0, done.stderr
        for name in wanted:
            assert f"--device {name}" in done.stdout
            profile = load_profile(tmp_path / "device_profiles" / f"{name}.toml")
            assert profile.emulated
            assert profile.machine == "lab"
            kind = "instruction time" if name.endswith("vm") else "user-mode translation"
            assert profile.labels["emulation"] == kind
    finally:
        assert command("down").returncode == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
