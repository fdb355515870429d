"""Is a device fit to measure? Pure checks over its facts and conditions, each with a fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchhub.device.health import clocks, resources, software
from benchhub.model.device import LEFT_OUT, DeviceProfile, Finding
from benchhub.model.facts import Facts
from benchhub.ondevice.backends import Description
from benchhub.ondevice.wire import Conditions


def findings(
    profile: DeviceProfile,
    facts: Facts,
    conditions: Conditions,
    backends: Sequence[Description] = (),
) -> tuple[Finding, ...]:
    """Return every check with what was found; `backends` are those a run wants to use."""
    return (
        *software.checks(profile, facts, backends),
        *resources.checks(profile, facts, conditions),
        *clocks.checks(profile, facts, conditions),
    )


def refusal(checks: Sequence[Finding]) -> str | None:
    """Return why the device must not measure, in one line, or None."""
    reasons = [f"{f.found}: {f.why}; {f.fix}" for f in checks if f.level == "refuse"]
    return " / ".join(reasons) or None


def missing_backends(checks: Sequence[Finding], device: str) -> dict[str, str]:
    """Return the backends that `checks` did not find, with the reason and the fix."""
    return {
        check.backend: "; ".join(filter(None, (f"{check.found} on {device}", check.fix)))
        for check in checks
        if check.backend and check.level != "ok"
    }


def is_emulated(profile: DeviceProfile, facts: Facts) -> bool:
    """Return whether the device counts as emulated: its profile says so, or its facts prove it."""
    return profile.emulated or bool(facts.text("emulation"))


def needs_a_backend(
    profile: DeviceProfile,
    facts: Facts,
    checks: Sequence[Finding],
    backends: Sequence[Description],
) -> tuple[Finding, ...]:
    """Return `checks` of `backends`, which are all that there are, with the verdict on the whole.

    One backend is enough to measure; a GPU's backend is not missed where there is no such GPU.
    """
    useless = _without_gpu(facts, backends)
    found = []
    for check in checks:
        if check.backend in useless and check.level != "ok":
            text = f"none, and no {useless[check.backend]} GPU to use it on"
            check = Finding(check.check, "ok", text, backend=check.backend)
        found.append(check)
    asked = [check for check in checks if check.backend]
    if asked and all(check.level != "ok" for check in asked):
        names = ", ".join(check.backend for check in asked)
        usual = next((one.name for one in backends if one.provisioned), backends[0].name)
        fix = f"run `benchhub devices provision {profile.name} --backend {usual}`"
        why = "without an inference runtime nothing can be measured"
        found.append(Finding("backends", "refuse", f"none of {names}", why, fix))
    return tuple(found)


def left_out(
    facts: Facts, checks: Sequence[Finding], backends: Sequence[Description]
) -> tuple[Finding, ...]:
    """Return `checks` of `backends` that nobody named: what cannot run here is left out.

    A `fix` says how it could. Where there is no such GPU there is none, and an installed backend
    is left out, too.
    """
    useless = _without_gpu(facts, backends)
    found = []
    for check in checks:
        if check.backend in useless:
            text = f"{useless[check.backend]} GPU for {check.backend} not found"
            check = Finding(check.check, LEFT_OUT, text, backend=check.backend)
        elif check.backend and check.level != "ok":
            check = replace(check, level=LEFT_OUT, why="it was not asked for")
        found.append(check)
    return tuple(found)


def _without_gpu(facts: Facts, backends: Sequence[Description]) -> dict[str, str]:
    """Return the backends of no use here, with the vendor of the GPU that they need."""
    vendors = {gpu.vendor for gpu in facts.gpus}
    needs = {one.name: one.gpu_vendor for one in backends if one.gpu_vendor}
    return {name: vendor for name, vendor in needs.items() if vendor not in vendors}
