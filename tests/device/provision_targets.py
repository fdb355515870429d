"""Devices as they describe themselves, made up of Python version, machine and libc."""

from __future__ import annotations

from benchhub.device.provision.target import Target


def target(
    python: str = "3.11.2",
    machine: str = "x86_64",
    libc: str | None = "glibc 2.36",
    name: str = "board",
    free_threaded: bool = False,
    **markers: str,
) -> Target:
    """Return the target of a CPython on Linux."""
    return Target(
        name,
        {
            "implementation_name": "cpython",
            "implementation_version": python,
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "6.1.0",
            "platform_system": "Linux",
            "platform_version": "#1 SMP",
            "python_full_version": python,
            "python_version": ".".join(python.split(".")[:2]),
            "sys_platform": "linux",
            **markers,
        },
        libc,
        free_threaded,
    )
