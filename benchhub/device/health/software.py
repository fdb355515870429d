"""Checks of what runs on a device: Python, its packages, backends, and whether it is real."""

from __future__ import annotations

from collections.abc import Iterator

from benchhub.model.device import DeviceProfile, Finding
from benchhub.model.facts import BackendFact, Facts

#: What no wheel of a package registry brings: it has to be there already.
_BY_HAND = {
    "tensorrt": "install NVIDIA's TensorRT with its Python package (JetPack has it), and set"
    " device.python to the Python that imports it",
}


def checks(profile: DeviceProfile, facts: Facts, backends: tuple[str, ...]) -> Iterator[Finding]:
    """Yield what was found of the device's software, GPUs included."""
    yield Finding("python", "ok", f"Python {facts.text('python')}")
    yield from _packages(facts)
    installed = facts.backends
    for backend in backends:
        one = installed.get(backend, BackendFact(None))
        if one.version:
            own = " in an environment of its own" if one.python else ""
            found = f"{backend} {one.version}{own}"
            yield Finding(f"backend {backend}", "ok", found, backend=backend)
        else:
            reason = one.reason or "not installed"
            known = f"{backend} is not installed"
            if not reason.startswith("not installed"):  # an environment that went wrong, say
                known = f"{backend}: {reason}"
            yield Finding(
                f"backend {backend}", "warn", known,
                "its cells are skipped",
                _BY_HAND.get(backend)
                or f"run `benchhub devices provision {profile.name} --backend {backend}`",
                backend,
            )  # fmt: skip
    yield from _gpus(facts)
    yield from _emulation(profile, facts)


def _packages(facts: Facts) -> Iterator[Finding]:
    packages = facts.packages
    # A provisioned environment brings a numpy of its own.
    provisioned = any(one.python for one in facts.backends.values())
    why = {
        "numpy": "launches compute with it",
        "psutil": "conditions are read from /proc and /sys alone",
    }
    python = facts.text("executable") or "python3"
    for name in ("numpy", "psutil"):
        if packages.get(name):
            yield Finding(name, "ok", f"{name} {packages[name]}")
        elif name == "numpy" and provisioned:
            yield Finding(name, "ok", "in the backends' own environments")
        else:
            yield Finding(
                name, "refuse" if name == "numpy" else "warn",
                f"{name} is not installed", why[name],
                f"run `{python} -m pip install {name}` on the device",
            )  # fmt: skip


def _gpus(facts: Facts) -> Iterator[Finding]:
    gpus = facts.gpus
    for index, gpu in enumerate(gpus):
        check = f"gpu {index}" if len(gpus) > 1 else "gpu"
        name, driver = gpu.name or gpu.vendor or "GPU", gpu.driver
        if driver:
            yield Finding(check, "ok", f"{name}, driver {driver}")
        else:
            yield Finding(
                check, "warn", f"{name} without a driver", "no backend can use it",
                "install its driver on the device, then start it again",
            )  # fmt: skip


def _emulation(profile: DeviceProfile, facts: Facts) -> Iterator[Finding]:
    evidence = facts.text("emulation")
    if evidence and not profile.emulated:
        yield Finding(
            "emulation", "warn", f"emulated: {evidence}",
            "its times say nothing of real hardware, so it counts as emulated",
            f"set emulated = true in the [device] table of {profile.name}",
        )  # fmt: skip
    elif evidence or profile.emulated:
        yield Finding("emulation", "ok", f"emulated: {evidence or 'its profile says so'}")
    else:
        machine, container = facts.text("virtualization"), facts.text("container")
        inside = [f"virtual machine ({machine})"] if machine else []
        inside += [f"container ({container})"] if container else []
        yield Finding("emulation", "ok", "; ".join(["none", *inside]))
