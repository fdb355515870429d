"""A device of a run and its self-tests, as the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchhub.model.device import DeviceInfo, Finding, Selftest
from benchhub.model.facts import Facts
from benchhub.store.stored.record import Misfit, Part, Record, parsed, written

_BACKEND = "backend "


class _Finding(Part):
    check: str
    level: str
    found: str
    why: str = ""
    fix: str = ""
    backend: str = ""

    def finding(self) -> Finding:
        return Finding(self.check, self.level, self.found, self.why, self.fix, self.backend)


class _Probed(Record):
    name: str
    transport: str
    emulated: bool
    facts: Mapping[str, Any] = {}
    findings: tuple[_Finding, ...] = ()
    error: str | None = None
    staged: Mapping[str, int] = {}
    labels: Mapping[str, str] = {}


class DeviceV2(_Probed):
    """Findings name the backend that they are about."""

    v: int = 2


class DeviceV1(_Probed):
    """Until schema 0006: a finding was about a backend if its check began with that word."""

    def newer(self) -> DeviceV2:
        """Return it with the backends that were meant."""
        findings = tuple(
            one.model_copy(update={"backend": one.check.removeprefix(_BACKEND)})
            if one.check.startswith(_BACKEND)
            else one
            for one in self.findings
        )
        return DeviceV2(**self.model_dump(exclude={"v", "findings"}), findings=findings)


class SelftestV1(Record):
    """Since schema 0003."""

    device: str
    at: str
    passed: bool
    run: str
    checks: tuple[_Finding, ...]
    figures: Mapping[str, int | float | None] = {}


def write_device(device: DeviceInfo) -> dict[str, Any]:
    """Return a device as JSON types."""
    return written(
        DeviceV2(
            name=device.name,
            transport=device.transport,
            emulated=device.emulated,
            facts=dict(device.facts.told),
            findings=_found(device.findings),
            error=device.error,
            staged=dict(device.staged),
            labels=dict(device.labels),
        )
    )


def read_device(raw: Mapping[str, Any]) -> DeviceInfo:
    """Invert `write_device`, or raise Misfit."""
    of = parsed("device", raw, DeviceV2, DeviceV1)
    return DeviceInfo(
        name=of.name,
        transport=of.transport,
        emulated=of.emulated,
        facts=Facts(of.facts),
        findings=tuple(one.finding() for one in of.findings),
        error=of.error,
        staged=of.staged,
        labels=of.labels,
    )


def unreadable_device(name: str, emulated: bool, misfit: Misfit) -> DeviceInfo:
    """Return a device whose record, as earlier versions kept some, cannot be read."""
    return DeviceInfo(name, "unknown", emulated, error=f"{name}: {misfit.why}; start a new run")


def write_selftest(selftest: Selftest) -> dict[str, Any]:
    """Return a self-test as JSON types."""
    return written(
        SelftestV1(
            device=selftest.device,
            at=selftest.at,
            passed=selftest.passed,
            run=selftest.run,
            checks=_found(selftest.checks),
            figures=dict(selftest.figures),
        )
    )


def read_selftest(raw: Mapping[str, Any]) -> Selftest:
    """Invert `write_selftest`, or raise Misfit."""
    of = parsed("self-test", raw, SelftestV1)
    checks = tuple(one.finding() for one in of.checks)
    return Selftest(of.device, of.at, of.passed, of.run, checks, of.figures)


def _found(findings: tuple[Finding, ...]) -> tuple[_Finding, ...]:
    return tuple(
        _Finding(
            check=one.check, level=one.level, found=one.found, why=one.why, fix=one.fix,
            backend=one.backend,
        )
        for one in findings
    )  # fmt: skip
