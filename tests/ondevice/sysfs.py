"""Trees of files as Linux documents them, for devices that are not at hand.

powercap: Documentation/power/powercap/powercap.rst shows this very tree (a package with its core
and dram zones; `psys` beside it) and Documentation/ABI/testing/sysfs-class-powercap the files.
hwmon: Documentation/hwmon/sysfs-interface.rst (`energy[1-*]_input`, microjoules).
"""

from __future__ import annotations

from pathlib import Path


def write(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")


def zone(
    root: Path, name: str, title: str, energy_uj: int, range_uj: int = 262_143_328_850
) -> Path:
    """A power zone; on a real device these are links into /sys/devices/virtual/powercap."""
    folder = root / "class" / "powercap" / name
    write(folder, name=title, energy_uj=energy_uj, max_energy_range_uj=range_uj, enabled=1)
    return folder


def two_packages(root: Path) -> tuple[Path, Path]:
    """A server of two packages, the second an AMD-like one without zones of its own."""
    write(root / "class" / "powercap" / "intel-rapl", enabled=1)
    first = zone(root, "intel-rapl:0", "package-0", 1_000_000)
    zone(root, "intel-rapl:0:0", "core", 400_000)
    zone(root, "intel-rapl:0:1", "dram", 300_000)
    second = zone(root, "intel-rapl:1", "package-1", 262_143_328_000)
    zone(root, "intel-rapl:2", "psys", 9_000_000)
    zone(root, "intel-rapl-mmio:0", "package-0", 1_000_000)
    return first, second


def chip(root: Path, number: int, title: str, **energies: tuple[str, int]) -> Path:
    """A hwmon chip; `energies` maps `energy1` to its label ("" for none) and its microjoules."""
    folder = root / "class" / "hwmon" / f"hwmon{number}"
    write(folder, name=title)
    for name, (label, energy_uj) in energies.items():
        write(folder, **{f"{name}_input": energy_uj})
        if label:
            write(folder, **{f"{name}_label": label})
    return folder
