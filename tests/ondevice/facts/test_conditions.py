from __future__ import annotations

from pathlib import Path

import pytest

from benchhub.ondevice.facts import conditions, cpu, virtual
from benchhub.ondevice.measure import memory

PI_CORE = (
    "processor\t: {n}\nFeatures\t: fp asimd evtstrm crc32 cpuid asimddp\n"
    "CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\n"
)


@pytest.fixture
def pi(tmp_path: Path) -> Path:
    """The part of a Raspberry Pi 5's /proc and /sys that is read."""
    files = {
        "proc/stat": "cpu  100 5 50 800 20 3 2 10 7 0\ncpu0 1 2 3\nintr 5\n",
        "proc/loadavg": "0.52 0.58 0.59 1/389 12345\n",
        "proc/meminfo": "MemTotal: 8000000 kB\nMemFree: 1 kB\nMemAvailable: 6000000 kB\n",
        "proc/pressure/cpu": "some avg10=0.00 avg60=0.10 avg300=0.2 total=123456\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=99\n",
        "proc/cpuinfo": PI_CORE.format(n=0) + PI_CORE.format(n=1),
        "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "proc/1/cgroup": "0::/init.scope\n",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "sys/class/thermal/thermal_zone0/temp": "48312\n",
        "sys/class/thermal/thermal_zone1/type": "battery\n",
        "sys/class/thermal/thermal_zone1/temp": "61000\n",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    }
    for core in (0, 1):
        folder = f"sys/devices/system/cpu/cpu{core}/cpufreq"
        files[f"{folder}/scaling_governor"] = "ondemand\n"
        files[f"{folder}/scaling_cur_freq"] = f"{1500000 + core * 900000}\n"
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def take(root: Path) -> conditions.Conditions:
    return conditions.snapshot(12, f"{root}/proc", f"{root}/sys", with_psutil=False)


def test_snapshot_of_a_recorded_board(pi: Path) -> None:
    found = take(pi)
    assert found.governor == "ondemand"
    assert found.frequency_mhz == pytest.approx(1950)
    assert found.temperature_c == pytest.approx(48.312)
    assert found.throttle_count == 4
    assert found.load_1m == 0.52
    assert (found.cpu_total_ticks, found.cpu_busy_ticks, found.cpu_steal_ticks) == (990, 160, 10)
    assert found.own_cpu_ticks == 12
    assert found.pressure_cpu_us == 123456
    assert found.memory_available_bytes == 6000000 * 1024
    assert found.unavailable == {}


def test_nothing_readable_is_unavailable_with_reasons_never_zero(tmp_path: Path) -> None:
    found = conditions.snapshot(None, f"{tmp_path}/p", f"{tmp_path}/s", with_psutil=False)
    names = set(conditions.Conditions.__dataclass_fields__) - {"at_ns", "unavailable"}
    assert {name for name in names if getattr(found, name) is not None} == set()
    assert set(found.unavailable) == names
    assert all(found.unavailable.values())


def test_psutil_fills_in_what_the_trees_lack(tmp_path: Path) -> None:
    found = conditions.snapshot(0, f"{tmp_path}/p", f"{tmp_path}/s")
    assert found.memory_available_bytes
    assert found.load_1m is not None


def test_sensor_that_refuses_or_lies_is_left_out(pi: Path) -> None:
    (pi / "sys/class/thermal/thermal_zone0/temp").write_text("-273000\n")
    assert take(pi).temperature_c == pytest.approx(61.0)
    (pi / "sys/class/thermal/thermal_zone1/temp").write_text("\n")
    assert take(pi).temperature_c is None


def test_throttle_counters_come_before_sticky_bits(pi: Path) -> None:
    cooling = pi / "sys/class/thermal/cooling_device0"
    (cooling / "stats").mkdir(parents=True)
    (cooling / "type").write_text("cpufreq-cpu0\n")
    (cooling / "stats/total_trans").write_text("7\n")
    assert take(pi).throttle_count == 7
    core = pi / "sys/devices/system/cpu/cpu0/thermal_throttle"
    core.mkdir()
    (core / "core_throttle_count").write_text("30\n")
    (core / "package_throttle_count").write_text("4\n")
    assert take(pi).throttle_count == 34


def test_facts_of_a_recorded_board(pi: Path) -> None:
    proc, sys_root = f"{pi}/proc", f"{pi}/sys"
    assert cpu.model(proc) == "Cortex-A76"
    assert cpu.isa_flags(proc) == ["asimd", "asimddp"]
    assert cpu.physical_cores(proc) is None
    assert virtual.board(proc, sys_root) == "Raspberry Pi 5 Model B Rev 1.0"
    assert virtual.hypervisor(proc, sys_root) is None
    assert virtual.container(proc, str(pi)) is None


def test_hyperthreads_hypervisor_and_container_are_seen(pi: Path) -> None:
    blocks = [
        f"processor\t: {n}\nmodel name\t: Xeon\nphysical id\t: 0\ncore id\t: {n // 2}\n"
        "flags\t\t: fpu avx2 hypervisor avx512_vnni\n"
        for n in range(4)
    ]
    (pi / "proc/cpuinfo").write_text("\n".join(blocks))
    (pi / "proc/1/cgroup").write_text("12:cpu:/docker/abc\n")
    assert cpu.physical_cores(f"{pi}/proc") == 2
    assert cpu.model(f"{pi}/proc") == "Xeon"
    assert cpu.isa_flags(f"{pi}/proc") == ["avx2", "avx512_vnni"]
    assert virtual.hypervisor(f"{pi}/proc", f"{pi}/sys") == "unnamed"
    assert virtual.container(f"{pi}/proc", str(pi)) == "docker"


def test_memory_is_read_from_status() -> None:
    text = "Name:\tpython3\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\nThreads:\t1\n"
    assert memory.parse_status(text) == memory.Usage(10240 * 1024, 20480 * 1024)
    assert memory.parse_status("Name:\tx\n") == memory.Usage(None, None)


def test_memory_is_unknown_where_the_kernel_says_nothing(tmp_path: Path) -> None:
    assert memory.usage(str(tmp_path)) == memory.Usage(None, None)
    assert memory.reset_peak(str(tmp_path)) is False


def test_reset_that_had_no_effect_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/status").write_text("VmHWM:\t 9000 kB\nVmRSS:\t 1000 kB\n")
    assert memory.reset_peak(str(tmp_path)) is False
    assert (tmp_path / "self/clear_refs").read_text() == "5"
