"""What the parsers make of the lab's ARM devices as recorded, and how recordings are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from facts.record import record
from facts.trees import NAMES, described, unpack, unpack_text

#: Name: what uname says there, and what the parsers must find.
EXPECTED: dict[str, tuple[str, dict[str, Any]]] = {
    "lab-arm64": (
        "aarch64",
        {
            "board": None,
            "cpu_model": "Cortex-A76",
            "isa_flags": ["asimd", "asimddp", "asimdhp", "fphp"],
            "cores": [
                {"name": "Cortex-A76", "kind": None, "count": 2, "max_mhz": 1500, "capacity": None}
            ],
            "gpus": [],
            "emulation": "uname says aarch64, its kernel is for x86_64 (kernel.arch)",
            "virtualization": None,
            "clock_sources": None,
            "turbo": None,
            "throttled": None,
            "governor": "performance",
            "frequency_mhz": 1500.0,
            "temperature_c": 45.0,
            "throttle_count": 0,
        },
    ),
    "lab-arm64-vm": (
        "aarch64",
        {
            "board": "linux,dummy-virt",
            "cpu_model": "Cortex-A72",
            "isa_flags": ["asimd"],
            "cores": [
                {"name": "Cortex-A72", "kind": None, "count": 1, "max_mhz": None, "capacity": 1024}
            ],
            "gpus": [],
            # It answers as a real one would: only its profile knows that it is emulated.
            "emulation": None,
            "virtualization": None,
            "clock_sources": ["arch_sys_counter"],
            "turbo": None,
            "throttled": None,
            "governor": None,
            "frequency_mhz": None,
            "temperature_c": None,
            "throttle_count": None,
        },
    ),
    "lab-armhf": (
        "armv7l",
        {
            "board": None,
            "cpu_model": "Cortex-A15",
            "isa_flags": ["neon"],
            "cores": [
                {"name": "Cortex-A15", "kind": None, "count": 2, "max_mhz": 1500, "capacity": None}
            ],
            "gpus": [],
            "emulation": "uname says armv7l, its kernel is for x86_64 (kernel.arch)",
            "virtualization": None,
            "clock_sources": None,
            "turbo": None,
            "throttled": None,
            "governor": "performance",
            "frequency_mhz": 1500.0,
            "temperature_c": 45.0,
            "throttle_count": 0,
        },
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_device_becomes_the_expected_facts(name: str, tmp_path: Path) -> None:
    machine, expected = EXPECTED[name]
    assert described(unpack(name, tmp_path), machine) == expected


def test_what_changes_is_read_from_the_machines_recording(tmp_path: Path) -> None:
    from benchhub.ondevice.facts import conditions, settings

    root = unpack("lab-arm64-vm", tmp_path)
    taken = conditions.snapshot(None, f"{root}/proc", f"{root}/sys", with_psutil=False)
    assert taken.load_1m == 0.0
    assert taken.memory_available_bytes == 928_512 * 1024
    assert (taken.cpu_total_ticks, taken.cpu_busy_ticks) == (86 + 190 + 397, 86 + 190)
    assert taken.pressure_cpu_us == 220_683
    found = settings.settings(f"{root}/proc", f"{root}/sys")
    assert (found["uptime_s"], found["swap_used_bytes"]) == (7, 0)
    assert found["boot_id"] is None  # it would name one start of one machine


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_has_all_that_the_parsers_read(name: str, tmp_path: Path) -> None:
    root = unpack(name, tmp_path / "device")
    again = unpack_text(record(str(root)), tmp_path / "recorded")
    assert described(again, "aarch64") == described(root, "aarch64")


def test_a_recording_names_no_single_machine(tmp_path: Path) -> None:
    written = {
        "proc/cpuinfo": "processor\t: 0\nRevision\t: c03114\nSerial\t\t: 10000000abcdef01\n",
        "proc/stat": "cpu  1 2\nintr 5 6 7\nctxt 8\nsoftirq 9 9\n",
        "proc/sys/kernel/random/boot_id": "5b7a1c1e-0000-0000-0000-000000000000\n",
        "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: X\nGPU UUID: GPU-12-34\n",
    }
    for name, text in written.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    said = record(str(tmp_path))
    assert "Revision\t: c03114\nSerial\t\t:\n" in said
    assert "cpu  1 2\nctxt 8\n" in said
    assert "Model: X\nGPU UUID:\n" in said
    for private in ("abcdef01", "5b7a1c1e", "GPU-12-34"):
        assert private not in said
