"""Which wheels fit which device: tags, libc, markers. Nothing is fetched."""

from __future__ import annotations

import pytest
from packaging import tags
from provision_targets import target

from benchhub.device.provision.lock import Pinned, parse, pinned
from benchhub.device.provision.wheels import download_arguments
from benchhub.errors import BackendError

HASH = f"--hash=sha256:{'0' * 64}"


def test_every_level_of_manylinux_is_named_down_to_the_first() -> None:
    platforms = target(machine="x86_64", libc="glibc 2.36").platforms
    assert platforms[0] == "manylinux_2_36_x86_64"
    assert platforms[-1] == "linux_x86_64"
    assert [p for p in platforms if p.startswith("manylinux_2_")] == [
        f"manylinux_2_{level}_x86_64" for level in range(36, 4, -1)
    ]
    assert {"manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64"} <= set(platforms)


@pytest.mark.parametrize("machine", ["aarch64", "armv7l"])
def test_levels_of_younger_architectures_begin_later(machine: str) -> None:
    platforms = target(machine=machine, libc="glibc 2.31").platforms
    assert platforms[0] == f"manylinux_2_31_{machine}"
    assert platforms[-3:] == (
        f"manylinux_2_17_{machine}", f"manylinux2014_{machine}", f"linux_{machine}",
    )  # fmt: skip


def test_tags_of_this_machine_are_those_an_installer_takes() -> None:
    from benchhub.device.events.schema import ToldTarget
    from benchhub.device.provision.target import target as told
    from benchhub.ondevice.provision.environments import target as probe

    here = told("here", ToldTarget.model_validate(probe()))
    assert set(here.platforms) == set(tags.platform_tags())
    assert here.abi == next(tags.cpython_tags()).abi


@pytest.mark.parametrize(
    ("libc", "cause"),
    [("musl", "it has musl"), (None, "it has no GNU C library")],
)
def test_a_device_without_glibc_is_refused(libc: str | None, cause: str) -> None:
    with pytest.raises(BackendError, match=f"board: {cause}, and .* glibc; install"):
        _ = target(libc=libc).platforms


def test_another_interpreter_than_cpython_is_refused() -> None:
    with pytest.raises(BackendError, match="board: its Python is pypy"):
        _ = target(implementation_name="pypy").abi


@pytest.mark.parametrize(
    ("python", "free_threaded", "abi"),
    [("3.8.10", False, "cp38"), ("3.13.5", False, "cp313"), ("3.13.5", True, "cp313t")],
)
def test_the_abi_tag(python: str, free_threaded: bool, abi: str) -> None:
    assert target(python, free_threaded=free_threaded).abi == abi


def test_pip_is_told_what_the_device_is() -> None:
    options = download_arguments(target("3.9.2", "aarch64", "glibc 2.18"))
    assert options == [
        "--no-deps", "--only-binary=:all:", "--require-hashes", "--implementation", "cp",
        "--python-version", "3.9.2", "--abi", "cp39", "--platform", "manylinux_2_18_aarch64",
        "--platform", "manylinux_2_17_aarch64", "--platform", "manylinux2014_aarch64",
        "--platform", "linux_aarch64",
    ]  # fmt: skip


LOCK = parse(
    "odd",
    "odd",
    "runtime",
    f"""# a comment
runtime==1.0 ; python_version < '3.10' {HASH}
runtime==2.0 ; python_version >= '3.10' and platform_machine != 'armv7l' {HASH}
arm-only==3.0 ; platform_machine == 'aarch64' {HASH}
late-fix==4.0 ; python_full_version >= '3.11.4' \\
    {HASH} \\
    {HASH}
windows==5.0 ; sys_platform == 'win32' {HASH}
numpy==6.0 {HASH}
""",
)


def versions(found: Pinned) -> dict[str, str]:
    return {pin.name: pin.version for pin in found.pins}


@pytest.mark.parametrize(
    ("python", "machine", "expected"),
    [
        ("3.8.10", "x86_64", {"runtime": "1.0", "numpy": "6.0"}),
        ("3.8.10", "armv7l", {"runtime": "1.0", "numpy": "6.0"}),
        ("3.11.2", "x86_64", {"runtime": "2.0", "numpy": "6.0"}),
        ("3.11.2", "aarch64", {"runtime": "2.0", "arm-only": "3.0", "numpy": "6.0"}),
        ("3.11.4", "x86_64", {"runtime": "2.0", "late-fix": "4.0", "numpy": "6.0"}),
        ("3.13.5", "aarch64",
         {"runtime": "2.0", "arm-only": "3.0", "late-fix": "4.0", "numpy": "6.0"}),
    ],
)  # fmt: skip
def test_markers_are_evaluated_for_the_device(
    python: str, machine: str, expected: dict[str, str]
) -> None:
    found = pinned((LOCK,), target(python, machine))
    assert versions(found) == expected
    assert found.system == ("psutil",)
    assert ";" not in found.text


def test_a_lock_without_the_package_for_a_device_is_passed_over() -> None:
    other = parse("odd", "other", "fallback", f"fallback==1.0 {HASH}\n")
    assert pinned((LOCK, other), target("3.12.1", "armv7l")).lock.name == "other"
    with pytest.raises(BackendError, match=r"board: no odd release .*Python 3.12.1 on armv7l"):
        pinned((LOCK,), target("3.12.1", "armv7l"))
