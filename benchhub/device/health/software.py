"""Checks of what runs on a device: Python, its packages, backends, and whether it is real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchhub.model.device import DeviceProfile, Finding
from benchhub.model.facts import BackendFact, Facts
from benchhub.ondevice.backends import Description


def checks(
    profile: DeviceProfile, facts: Facts, backends: Sequence[Description]
) -> Iterator[Finding]:
    """Yield what was found of the device's software, GPUs included."""
    yield Finding("python", "ok", f"Python {facts.text('python')}")
    yield from _packages(facts)
    installed = facts.backends
    for backend in backends:
        name = backend.name
        one = installed.get(name, BackendFact(None))
        if one.version:
            own = " in an environment of its own" if one.python else ""
            found = f"{name} {one.version}{own}"
            yield Finding(f"backend {name}", "ok", found, backend=name)
        else:
            reason = one.reason or "not installed"
            known = f"{name} is not installed"
            if not reason.startswith("not installed"):  # an environment that went wrong, say
                known = f"{name}: {reason}"
            fix = _way_to(backend, profile, facts)
            yield Finding(f"backend {name}", "warn", known, "its cells are skipped", fix, name)
    yield from _gpus(facts)
    yield from _emulation(profile, facts)


def _way_to(backend: Description, profile: DeviceProfile, facts: Facts) -> str:
    """Return how a device gets a backend that it lacks."""
    if backend.by_hand:
        return backend.by_hand
    if backend.locks:
        return f"run `benchhub devices provision {profile.name} --backend {backend.name}`"
    python = facts.text("executable") or "python3"
    wanted = backend.registered_by or backend.distributions[0]
    return f"run `{python} -m pip install {wanted}` on the device"


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
