"""What the kernel leaves a process of the processors, in made-up trees and for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from repository import ROOT

from benchhub.ondevice.measure.allowance import allowance

V2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
    "32 31 0:29 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "34 31 0:31 {root} /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)


def tree(root: Path, online: str = "0-7", **files: str) -> dict[str, Any]:
    """Write files by path, `__` for a slash in the names of keywords, and say where they are."""
    for name, text in {"sys/devices/system/cpu/online": online, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return {"proc_root": f"{root}/proc", "sys_root": f"{root}/sys"}


def v2(root: Path, group: str, mount: str = V2, **limits: str) -> dict[str, Any]:
    """A hybrid-free system: files of `limits` by their path below the mount point."""
    files = {f"sys/fs/cgroup/{name}": text for name, text in limits.items()}
    return tree(root, **{"proc/self/cgroup": f"0::{group}", "proc/self/mountinfo": mount, **files})


def left(**told: Any) -> tuple[Any, Any]:
    found = allowance(**told)
    return found["cores"], found["limited_by"]


def test_all_cores_are_left_where_nothing_limits_them(tmp_path: Path) -> None:
    where = tree(tmp_path)
    assert allowance(range(8), **where) == {
        "online": 8, "affinity": "0-7", "cpuset": None, "quota": None, "quota_of": None,
        "cores": 8, "limited_by": None,
    }  # fmt: skip


def test_an_affinity_mask_is_told_from_a_cpuset(tmp_path: Path) -> None:
    where = v2(tmp_path, "/app", **{"app/cpuset.cpus.effective": "0-1,6"})
    assert left(affinity=[0, 1, 6], **where) == (3, "cpuset")
    assert left(affinity=[0, 6], **where) == (2, "affinity mask")
    assert allowance([0, 1, 6], **where)["affinity"] == "0-1,6"


@pytest.mark.parametrize(
    ("cpu_max", "cores", "limited_by"),
    [
        ("150000 100000", 1.5, "CPU quota"),
        ("50000 100000", 0.5, "CPU quota"),
        ("200000", 2.0, "CPU quota"),
        ("800000 100000", 8, None),
        ("max 100000", 8, None),
        ("damaged", 8, None),
    ],
)
def test_the_quota_of_version_2(
    tmp_path: Path, cpu_max: str, cores: float, limited_by: str | None
) -> None:
    where = v2(tmp_path, "/app", **{"app/cpu.max": cpu_max})
    assert left(affinity=range(8), **where) == (cores, limited_by)


def test_the_least_quota_of_the_groups_above_counts(tmp_path: Path) -> None:
    limits = {
        "kube/cpu.max": "max 100000",
        "kube/pod/cpu.max": "150000 100000",
        "kube/pod/box/cpu.max": "400000 100000",
        "beside/cpu.max": "1000 100000",
    }
    found = allowance(range(8), **v2(tmp_path, "/kube/pod/box", **limits))
    assert (found["quota"], found["quota_of"]) == (1.5, "/kube/pod")
    assert (found["cores"], found["limited_by"]) == (1.5, "CPU quota")


def test_a_namespace_shows_the_hierarchy_from_its_own_group_on(tmp_path: Path) -> None:
    """In a container the mount point is its own group, whatever its path is outside."""
    limits = {"cpu.max": "100000 100000", "cpuset.cpus.effective": "2-3"}
    for number, (group, root) in enumerate(
        [("/", "/"), ("/", "/../../.."), ("/../../box", "/"), ("/docker/ab12", "/docker/ab12")]
    ):
        mount = V2.replace("0:26 / ", f"0:26 {root} ")
        found = allowance([2, 3], **v2(tmp_path / str(number), group, mount, **limits))
        told = {name: found[name] for name in ("cpuset", "quota", "quota_of")}
        assert told == {"cpuset": "2-3", "quota": 1.0, "quota_of": "/"}, (group, root)


@pytest.mark.parametrize("root", ["/", "/docker/ab12"])
def test_both_limits_of_version_1(tmp_path: Path, root: str) -> None:
    group = "/docker/ab12"
    below = "" if root == group else group
    where = tree(
        tmp_path,
        **{
            "proc/self/cgroup": f"9:cpu,cpuacct:{group}\n3:cpuset:{group}\n0::/",
            "proc/self/mountinfo": V1.format(root=root),
            f"sys/fs/cgroup/cpu,cpuacct{below}/cpu.cfs_quota_us": "250000",
            f"sys/fs/cgroup/cpu,cpuacct{below}/cpu.cfs_period_us": "100000",
            f"sys/fs/cgroup/cpuset{below}/cpuset.cpus": "0-3",
        },
    )
    found = allowance(range(4), **where)
    assert (found["quota"], found["cpuset"]) == (2.5, "0-3")
    assert (found["cores"], found["limited_by"]) == (2.5, "CPU quota")


def test_no_quota_in_version_1(tmp_path: Path) -> None:
    where = tree(
        tmp_path,
        **{
            "proc/self/cgroup": "9:cpu,cpuacct:/",
            "proc/self/mountinfo": V1.format(root="/"),
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
        },
    )
    assert left(affinity=range(8), **where) == (8, None)


def asked(prefix: list[str], before: str = "") -> dict[str, Any]:
    """What a process started by `prefix` is told; `before` is Python that it runs first."""
    code = f"{before}\nimport json\nfrom benchhub.ondevice.measure.allowance import allowance\n"
    argv = [*prefix, sys.executable, "-c", f"{code}print(json.dumps(allowance()))"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    told: dict[str, Any] = json.loads(
        subprocess.run(argv, env=environ, check=True, stdout=-1).stdout
    )
    return told


def test_taskset_is_an_affinity_mask(processes: None) -> None:
    first = min(os.sched_getaffinity(0))
    found = asked(["taskset", "-c", str(first)])
    assert found["affinity"] == str(first)
    if found["online"] > 1:
        assert (found["cores"], found["limited_by"]) == (1, "affinity mask")


@pytest.fixture
def group_with_quota(processes: None) -> Iterator[Path]:
    """A cgroup with half a processor, of either version; only root may make one."""
    folder = Path("/sys/fs/cgroup/cpu") / f"benchhub-test-{os.getpid()}"
    quota = ("cpu.cfs_quota_us", "50000")
    if not folder.parent.is_dir():
        folder, quota = Path("/sys/fs/cgroup") / folder.name, ("cpu.max", "50000 100000")
    try:
        folder.mkdir()
        (folder / quota[0]).write_text(quota[1])
    except OSError as error:
        if folder.is_dir():
            folder.rmdir()
        pytest.skip(f"no cgroup with a quota can be made here: {error}")
    yield folder
    folder.rmdir()


def test_a_real_quota_is_read(group_with_quota: Path) -> None:
    entered = f"open('{group_with_quota}/cgroup.procs', 'w').write('0')"
    found = asked([], entered)
    assert (found["cores"], found["limited_by"]) == (0.5, "CPU quota")
    assert str(found["quota_of"]).endswith(group_with_quota.name)
