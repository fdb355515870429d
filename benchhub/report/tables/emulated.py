"""How emulated devices are told from real ones wherever their figures stand."""

from __future__ import annotations

from benchhub.model.device import DeviceInfo

EMULATED = "emulated time"


def emulation_words(device: DeviceInfo) -> str:
    """What the times of an emulated device are, by its label `emulation` if it has one."""
    if not device.emulated:
        return ""
    said = device.labels.get("emulation", "")
    return f"emulated: {said}" if said else EMULATED


def emulation(device: DeviceInfo) -> str:
    """The same to put behind a device's name: empty for a real one."""
    words = emulation_words(device)
    return f", {words}" if words else ""
