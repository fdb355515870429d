from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import nvml_stub
import pytest
import sysfs
from controller_side import Device

from benchhub.ondevice.counters.energy import Meter, hwmon, moved_uj, rapl
from benchhub.ondevice.wire import Job

SECOND = 10**9


@pytest.mark.parametrize(
    ("before", "after", "range_uj", "moved"),
    [
        (10, 25, 100, 15),
        (90, 5, 100, 15),
        (7, 7, 100, 0),
        (7, 6, None, None),
        (101, 5, 100, None),
    ],
)
def test_a_counter_that_turned_over_still_tells(
    before: int, after: int, range_uj: int | None, moved: int | None
) -> None:
    assert moved_uj(before, after, range_uj) == moved


def test_packages_are_counted_and_their_parts_are_not(tmp_path: Path) -> None:
    sysfs.two_packages(tmp_path)
    counters, reason = rapl(str(tmp_path))
    assert reason is None
    assert [(one.name, one.read()) for one in counters] == [
        ("package-0", 1_000_000),
        ("package-1", 262_143_328_000),
    ]
    assert counters[1].range_uj == 262_143_328_850


def test_a_meter_adds_packages_over_a_wrap(tmp_path: Path) -> None:
    first, second = sysfs.two_packages(tmp_path)
    meter = Meter(on_cuda=False, sys_root=str(tmp_path))
    meter.start()
    sysfs.write(first, energy_uj=1_500_000)
    sysfs.write(second, energy_uj=150)
    used = meter.stop(SECOND)
    assert used == (500_000 + 1_000, "rapl package-0+package-1, in-band", None)


def test_too_short_a_time_is_not_told(tmp_path: Path) -> None:
    sysfs.two_packages(tmp_path)
    meter = Meter(on_cuda=False, sys_root=str(tmp_path))
    meter.start()
    used = meter.stop(9_000_000)
    assert used.energy_uj is None
    assert "9 ms are too short for a counter that moves every 1 ms" in str(used.unavailable)


def test_a_counter_that_stands_still_is_not_told(tmp_path: Path) -> None:
    sysfs.two_packages(tmp_path)  # as some virtual machines show it
    meter = Meter(on_cuda=False, sys_root=str(tmp_path))
    meter.start()
    assert meter.stop(SECOND) == (None, None, "package-0 did not move in 1e+03 ms")


def test_dies_are_packages_too(tmp_path: Path) -> None:
    for number in (0, 1):
        sysfs.zone(tmp_path, f"intel-rapl:{number}", f"package-0-die-{number}", 5)
    assert [one.name for one in rapl(str(tmp_path))[0]] == ["package-0-die-0", "package-0-die-1"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_a_counter_for_root_only_is_told_with_what_opens_it(open_folder: Path) -> None:
    first, _ = sysfs.two_packages(open_folder)
    (first / "energy_uj").chmod(0o400)
    if os.geteuid() != 0:
        (first / "energy_uj").chmod(0)
        counters, reason = rapl(str(open_folder))
    else:
        os.seteuid(65534)
        try:
            counters, reason = rapl(str(open_folder))
        finally:
            os.seteuid(0)
    assert counters == []
    assert reason == (
        "rapl: /sys/class/powercap/intel-rapl:0/energy_uj may be read by root only:"
        " sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj"
    )


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    first, _ = sysfs.two_packages(tmp_path)
    (first / "energy_uj").write_text("")
    assert "intel-rapl:0/energy_uj cannot be read" in str(rapl(str(tmp_path))[1])
    assert rapl(str(tmp_path / "nowhere"))[1] == "rapl: no package under /sys/class/powercap"


def test_a_counter_that_vanishes_meanwhile_is_told(tmp_path: Path) -> None:
    first, _ = sysfs.two_packages(tmp_path)
    meter = Meter(on_cuda=False, sys_root=str(tmp_path))
    meter.start()
    (first / "energy_uj").unlink()
    assert meter.stop(SECOND) == (None, None, "No such file or directory")


def test_hwmon_stands_in_where_there_is_no_rapl(tmp_path: Path) -> None:
    sysfs.chip(tmp_path, 0, "coretemp")
    board = sysfs.chip(tmp_path, 1, "ltc2947", energy1=("", 70))
    meter = Meter(on_cuda=False, sys_root=str(tmp_path))
    meter.start()
    sysfs.write(board, energy1_input=1_000_070)
    assert meter.stop(SECOND)[:2] == (1_000_000, "hwmon ltc2947, in-band")


def test_hwmon_takes_whole_sockets_and_no_sum_of_unknown_parts(tmp_path: Path) -> None:
    cores = {f"energy{n}": (f"Ecore{n:03d}", n) for n in range(1, 5)}
    sysfs.chip(tmp_path, 3, "amd_energy", **cores, energy5=("Esocket0", 50))
    assert [(one.name, one.read()) for one in hwmon(str(tmp_path))[0]] == [
        ("amd_energy Esocket0", 50)
    ]
    sysfs.chip(tmp_path, 2, "mystery", energy1=("rail a", 1), energy2=("rail b", 2))
    assert [one.name for one in hwmon(str(tmp_path))[0]] == ["amd_energy Esocket0"]


def test_a_graphics_card_does_not_stand_in_for_the_machine(tmp_path: Path) -> None:
    sysfs.chip(tmp_path, 0, "i915", energy1=("", 10))
    counters, reason = hwmon(str(tmp_path))
    assert (counters, reason) == ([], "hwmon: only a graphics card counts its energy (i915)")
    sysfs.chip(tmp_path, 1, "xe", energy1=("pkg", 10))
    sysfs.chip(tmp_path, 2, "ltc2947", energy1=("", 70))
    assert [one.name for one in hwmon(str(tmp_path))[0]] == ["ltc2947"]


def test_a_device_without_counters_says_so(tmp_path: Path) -> None:
    sysfs.write(tmp_path / "class" / "hwmon" / "hwmon0", name="ina3221", power1_input=5_000_000)
    meter = Meter(on_cuda=False, sys_root=str(tmp_path))
    meter.start()
    used = meter.stop(SECOND)
    assert used.energy_uj is None
    assert used.unavailable == (
        "rapl: no package under /sys/class/powercap;"
        " hwmon: no energy counter under /sys/class/hwmon"
    )


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: None) -> str:
    monkeypatch.setenv("STUB_PID", str(os.getpid()))
    return nvml_stub.build(tmp_path, "v3")


def test_the_stub_gpu_is_added_to_the_package(tmp_path: Path, stub: str) -> None:
    first, second = sysfs.two_packages(tmp_path)
    meter = Meter(on_cuda=True, sys_root=str(tmp_path), library=stub)
    meter.start()
    sysfs.write(first, energy_uj=1_000_001)
    sysfs.write(second, energy_uj=262_143_328_001)
    used = meter.stop(SECOND)
    assert used == (250_002, "rapl package-0+package-1 + nvml gpu 1, in-band", None)


def test_the_stub_gpu_alone(tmp_path: Path, stub: str) -> None:
    meter = Meter(on_cuda=True, sys_root=str(tmp_path), library=stub)
    meter.start()
    assert meter.stop(SECOND)[:2] == (250_000, "nvml gpu 1, in-band")


def test_a_library_that_will_not_end_takes_nothing_of_what_was_counted(
    tmp_path: Path, stub: str
) -> None:
    meter = Meter(on_cuda=True, sys_root=str(tmp_path), library=stub)
    meter.start()
    ctypes.CDLL(stub).nvmlShutdown()  # so that the meter's own is refused
    assert meter.stop(SECOND)[:2] == (250_000, "nvml gpu 1, in-band")


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("STUB_STATUS", "3", "nvmlDeviceGetTotalEnergyConsumption: not supported by this GPU"),
        ("STUB_PID", "1", "process {pid} is listed on 0 of 2 GPUs"),
        ("STUB_INIT", "9", "nvmlInit_v2: the driver is not loaded"),
    ],
)
def test_a_gpu_that_does_not_count_leaves_the_package_and_a_reason(
    tmp_path: Path, stub: str, monkeypatch: pytest.MonkeyPatch,
    setting: str, value: str, reason: str,
) -> None:  # fmt: skip
    monkeypatch.setenv(setting, value)
    first, second = sysfs.two_packages(tmp_path)
    meter = Meter(on_cuda=True, sys_root=str(tmp_path), library=stub)
    meter.start()
    sysfs.write(first, energy_uj=1_000_005)
    sysfs.write(second, energy_uj=262_143_328_005)
    used = meter.stop(SECOND)
    assert used[:2] == (10, "rapl package-0+package-1, in-band")
    assert str(used.unavailable).startswith("nvml: ")
    assert reason.format(pid=os.getpid()) in str(used.unavailable)


@pytest.mark.usefixtures("processes")
def test_a_launch_tells_its_energy_or_why_not(device: Device, job: Callable[..., Job]) -> None:
    outcome = device.start().launch(job(iterations=400))
    assert outcome.failure is None
    assert (outcome.energy_uj is None) == (outcome.energy_source is None)
    if outcome.energy_uj is None:
        assert outcome.details["energy"]
    else:
        assert outcome.energy_elapsed_ns is not None
        assert outcome.elapsed_ns is not None
        assert outcome.energy_elapsed_ns >= outcome.elapsed_ns
        assert str(outcome.energy_source).endswith(", in-band")


@pytest.mark.usefixtures("processes")
def test_what_is_not_about_calls_has_no_energy(device: Device, job: Callable[..., Job]) -> None:
    outcome = device.start().launch(job(scenario="memory", warmup=0, iterations=3))
    assert (outcome.energy_uj, outcome.details.get("energy")) == (None, None)
