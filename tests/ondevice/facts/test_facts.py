"""What the parsers make of recorded and documented trees; see tests/facts/README.md."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from facts.trees import NAMES, unpack

from benchhub.ondevice.facts import (
    conditions,
    cores,
    cpu,
    emulation,
    gpus,
    kernel_files,
    settings,
    virtual,
)
from benchhub.ondevice.facts.probe import facts


def no_nvml() -> list[gpus.Gpu]:
    return []


@pytest.fixture
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    root = unpack(request.param, tmp_path)
    return f"{root}/proc", f"{root}/sys"


@pytest.mark.parametrize("tree", NAMES, indirect=True)
def test_every_tree_becomes_facts_that_can_be_sent(tree: tuple[str, str], tmp_path: Path) -> None:
    proc, sys_root = tree
    found = json.loads(json.dumps(facts(str(tmp_path), proc, sys_root)))
    assert found["cpu_model"]
    assert sum(kind["count"] for kind in found["cores"]) >= 1
    taken = conditions.snapshot(None, proc, sys_root, with_psutil=False)
    assert set(taken.unavailable) == {
        name
        for name in conditions.Conditions.__dataclass_fields__
        if name not in ("at_ns", "unavailable") and getattr(taken, name) is None
    }


def test_facts_of_this_machine() -> None:
    found = facts("/")
    assert found["machine"] == platform.machine()
    assert sum(kind["count"] for kind in found["cores"]) >= found["cores_logical"] >= 1
    assert found["emulation"] is None
    assert found["uptime_s"] > 0
    assert found["boot_id"] == facts("/")["boot_id"]


def test_nothing_readable_is_unknown(tmp_path: Path) -> None:
    found = facts(str(tmp_path), f"{tmp_path}/p", f"{tmp_path}/s")
    for name in ("board", "cpu_model", "isa_flags", "turbo", "clock_source", "throttled", "boot_id",
                 "uptime_s", "swap_used_bytes", "memory_bytes", "emulation"):  # fmt: skip
        assert found[name] is None, name
    assert found["cores"] == []


@pytest.mark.parametrize("tree", ["x86-cloud-vm"], indirect=True)
def test_the_recorded_virtual_machine(tree: tuple[str, str]) -> None:
    proc, sys_root = tree
    assert cores.kinds(proc, sys_root) == [
        {"name": "AMD EPYC", "kind": None, "count": 2, "max_mhz": None, "capacity": 1024}
    ]
    assert cpu.physical_cores(proc) == 2
    assert cpu.isa_flags(proc) == ["sse4_2", "avx", "avx2", "fma", "f16c"]
    assert virtual.hypervisor(proc, sys_root) == "unnamed"
    assert emulation.evidence("x86_64", proc) is None
    found = settings.settings(proc, sys_root)
    assert found["clock_source"] == "tsc"
    assert found["clock_sources"] == ["tsc", "kvm-clock"]
    assert found["uptime_s"] > 17_000
    assert found["swap_used_bytes"] == 0


@pytest.mark.parametrize("tree", ["raspberry-pi-4"], indirect=True)
def test_raspberry_pi_4(tree: tuple[str, str]) -> None:
    proc, sys_root = tree
    assert virtual.board(proc, sys_root) == "Raspberry Pi 4 Model B Rev 1.4"
    assert cores.kinds(proc, sys_root) == [
        {"name": "Cortex-A72", "kind": None, "count": 4, "max_mhz": 1800, "capacity": None}
    ]
    assert settings.throttled(sys_root) == {
        "now": ["soft temperature limit"], "occurred": ["soft temperature limit"],
    }  # fmt: skip
    assert conditions.throttle_count(sys_root) == 2
    assert conditions.temperature_c(sys_root) == pytest.approx(81.303)
    assert conditions.governor(sys_root) == "ondemand"
    (gpu,) = gpus.gpus(proc, sys_root, "/nowhere", no_nvml)
    assert (gpu["name"], gpu["vendor"], gpu["driver"]) == ("brcm,2711-v3d", "brcm", "v3d")
    assert emulation.evidence("aarch64", proc) is None
    assert emulation.evidence("armv7l", proc) is None  # a 32-bit system on its 64-bit kernel


@pytest.mark.parametrize("tree", ["raspberry-pi-5"], indirect=True)
def test_raspberry_pi_5(tree: tuple[str, str]) -> None:
    proc, sys_root = tree
    assert cpu.model(proc) == "Cortex-A76"
    assert cpu.isa_flags(proc) == ["asimd", "asimddp", "asimdhp", "fphp"]
    assert settings.throttled(sys_root) == {
        "now": ["under-voltage", "throttled"], "occurred": ["under-voltage", "throttled"],
    }  # fmt: skip
    assert conditions.throttle_count(sys_root) == 4
    assert settings.swap_used_bytes(proc) == 200_000 * 1024


@pytest.mark.parametrize("tree", ["jetson-orin"], indirect=True)
def test_jetson_orin(tree: tuple[str, str], tmp_path: Path) -> None:
    proc, sys_root = tree
    assert cpu.model(proc) == "Cortex-A78AE"
    assert conditions.temperature_c(sys_root) == pytest.approx(52.531)
    # Over-current events and the CPU's cooling, not the fan's.
    assert conditions.throttle_count(sys_root) == 41
    assert settings.throttled(sys_root) == {
        "now": [], "occurred": ["instantaneous over-current x37"],
    }  # fmt: skip
    (gpu,) = gpus.gpus(proc, sys_root, f"{tmp_path}/etc", no_nvml)
    assert gpu["name"] == "Jetson Orin GPU (ga10b)"
    assert gpu["driver"] == "L4T 36.3.0"


@pytest.mark.parametrize("tree", ["big-little"], indirect=True)
def test_kinds_of_arm_cores(tree: tuple[str, str]) -> None:
    fast, slow = cores.kinds(*tree)
    assert fast == {"name": "Cortex-A76", "kind": "performance", "count": 4, "max_mhz": 2400,
                    "capacity": 1024}  # fmt: skip
    assert slow == {"name": "Cortex-A55", "kind": "efficiency", "count": 4, "max_mhz": 1800,
                    "capacity": 414}  # fmt: skip
    assert cpu.model(tree[0]) == "Cortex-A55 + Cortex-A76"


@pytest.mark.parametrize("tree", ["intel-hybrid"], indirect=True)
def test_kinds_of_intel_cores_and_two_gpus(tree: tuple[str, str]) -> None:
    proc, sys_root = tree
    kinds = cores.kinds(proc, sys_root)
    assert [(k["kind"], k["count"], k["max_mhz"]) for k in kinds] == [
        ("performance", 12, 4900), ("efficiency", 4, 3600),
    ]  # fmt: skip
    assert settings.turbo(sys_root) is True
    nvidia, intel = gpus.gpus(proc, sys_root, "/nowhere", no_nvml)
    assert nvidia["name"] == "NVIDIA GeForce RTX 3070"
    assert (nvidia["driver"], nvidia["source"]) == ("535.104.05", "/proc/driver/nvidia")
    assert (intel["vendor"], intel["driver"], intel["name"]) == (
        "Intel",
        "i915",
        "PCI 0x8086:0x4680",
    )


@pytest.mark.parametrize(
    ("text", "numbers"), [("0-3,8\n", [0, 1, 2, 3, 8]), ("5", [5]), ("", []), ("\n", [])]
)
def test_lists_of_the_kernel(text: str, numbers: list[int]) -> None:
    assert kernel_files.parse_list(text) == numbers


def test_turbo_of_other_processors(tmp_path: Path) -> None:
    boost = tmp_path / "devices/system/cpu/cpufreq/boost"
    boost.parent.mkdir(parents=True)
    assert settings.turbo(str(tmp_path)) is None
    boost.write_text("0\n")
    assert settings.turbo(str(tmp_path)) is False


# --- emulation --------------------------------------------------------------------------------


def test_a_kernel_of_another_family_proves_emulation(tmp_path: Path) -> None:
    (tmp_path / "sys/kernel").mkdir(parents=True)
    (tmp_path / "sys/kernel/arch").write_text("x86_64\n")
    assert "x86_64 (kernel.arch)" in (emulation.evidence("aarch64", str(tmp_path)) or "")
    assert "x86_64 (kernel.arch)" in (emulation.evidence("armv7l", str(tmp_path)) or "")
    assert emulation.evidence("i686", str(tmp_path)) is None


def test_a_process_run_by_qemu_proves_emulation(tmp_path: Path) -> None:
    (tmp_path / "thread-self").mkdir()
    (tmp_path / "thread-self/exe").symlink_to("/usr/bin/qemu-aarch64-static")
    assert "qemu-aarch64-static" in (emulation.evidence("aarch64", str(tmp_path)) or "")


@pytest.mark.parametrize("tree", ["x86-cloud-vm"], indirect=True)
def test_an_x86_cpuinfo_under_an_arm_uname_proves_emulation(tree: tuple[str, str]) -> None:
    proc, _ = tree
    Path(f"{proc}/sys/kernel/arch").unlink()
    assert "describes an x86 processor" in (emulation.evidence("aarch64", proc) or "")


@pytest.mark.parametrize(
    ("machine", "core"),
    [
        (
            "x86_64",
            "vendor_id\t: AuthenticAMD\nmodel name: QEMU TCG CPU version 2.5+\nflags: fpu\n",
        ),
        ("aarch64", "CPU implementer\t: 0x00\nCPU part\t: 0x051\n"),
    ],
)
def test_qemus_own_processors_prove_emulation(tmp_path: Path, machine: str, core: str) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{core}\n")
    assert "QEMU" in (emulation.evidence(machine, str(tmp_path)) or "")


# --- NVML -------------------------------------------------------------------------------------

STUB = r"""
#include <string.h>
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *t, unsigned n) { strncpy(t, "580.65.06", n); return 0; }
int nvmlDeviceGetCount_v2(unsigned *n) { *n = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **h) { *h = (void *)(long)(i + 1); return 0; }
int nvmlDeviceGetName(void *h, char *t, unsigned n) { strncpy(t, "NVIDIA H200", n); return 0; }
int nvmlDeviceGetMemoryInfo(void *h, unsigned long long *m) {
  if ((long)h == 2) return 3;
  m[0] = 150000000000ULL; m[1] = 1; m[2] = 2; return 0;
}
int nvmlDeviceGetCudaComputeCapability(void *h, int *a, int *b) { *a = 9; *b = 0; return 0; }
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler for a stub of NVML")
@pytest.mark.usefixtures("processes")
def test_gpus_that_a_stub_of_nvml_lists(tmp_path: Path) -> None:
    (tmp_path / "stub.c").write_text(STUB)
    library = tmp_path / "libnvidia-ml.so.1"
    build = ["cc", "-shared", "-fPIC", "-o", str(library), str(tmp_path / "stub.c")]
    subprocess.run(build, check=True)
    one, two = gpus.nvml(str(library))
    assert one == {"name": "NVIDIA H200", "vendor": "NVIDIA", "driver": "580.65.06",
                   "memory_bytes": 150_000_000_000, "compute": "9.0", "source": "NVML"}  # fmt: skip
    assert two["memory_bytes"] is None


def test_no_nvml_is_no_gpu(tmp_path: Path) -> None:
    assert gpus.nvml(str(tmp_path / "libnvidia-ml.so.1")) == []
