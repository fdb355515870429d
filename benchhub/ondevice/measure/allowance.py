"""Which processors the kernel lets this process use, and for how much of the time.

Sources: sched_setaffinity(2) for the mask that taskset sets; cgroups(7) and proc(5) for
/proc/self/cgroup and mountinfo; the kernel's Documentation/admin-guide/cgroup-v2 (cpu.max,
cpuset.cpus.effective), cgroup-v1/cpusets and scheduler/sched-bwc (cpu.cfs_quota_us).
"""

import os
from typing import Any, Collection, Dict, Iterator, List, Optional, Tuple

from benchhub.ondevice.facts.kernel_files import parse_list, read_text

#: What may leave a process fewer cores than there are; of equals the first is told.
AFFINITY, CPUSET, QUOTA = "affinity mask", "cpuset", "CPU quota"


def allowance(
    affinity: Optional[Collection[int]] = None, proc_root: str = "/proc", sys_root: str = "/sys"
) -> Dict[str, Any]:
    """Return {online, affinity, cpuset, quota, quota_of, cores, limited_by}; unknown is None.

    `affinity` (default: this thread's own mask) and `cpuset` are lists of the kernel, such as
    0-3,8; `quota` is how many cores' time the process may use, a fraction too, and `quota_of` the
    cgroup that says so, its own or one above. `cores` is the least of what these leave, and
    `limited_by` which of them that is; None: all that are online.
    """
    mask = _mask() if affinity is None else sorted(affinity)
    online = len(parse_list(read_text(sys_root + "/devices/system/cpu/online") or "")) or None
    online = online or os.cpu_count()
    groups = _Groups(proc_root, sys_root)
    cpuset, (quota, quota_of) = groups.cpuset(), groups.quota()
    found = {
        "online": online,
        "affinity": _listed(mask) if mask else None,
        "cpuset": cpuset,
        "quota": quota,
        "quota_of": quota_of,
    }
    limits: List[Tuple[float, str]] = []
    if mask and online is not None and len(mask) < online:
        of_the_cpuset = cpuset is not None and mask == parse_list(cpuset)
        limits.append((len(mask), CPUSET if of_the_cpuset else AFFINITY))
    if quota is not None and (online is None or quota < online):
        limits.append((quota, QUOTA))
    cores, by = min(limits, key=lambda limit: limit[0], default=(online, None))
    return dict(found, cores=cores, limited_by=by)


def _mask() -> List[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _listed(numbers: Collection[int]) -> str:
    """Return numbers in order as the kernel lists them: 0-3,8."""
    runs: List[List[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else "%d-%d" % (a, b) for a, b in runs)


class _Groups:
    """The cgroups of this process that deal in processors, as both versions mount them."""

    def __init__(self, proc_root: str, sys_root: str) -> None:
        self._mounts = _mounts(read_text(proc_root + "/self/mountinfo") or "")
        self._sys_root = sys_root
        #: The path of the process's group by controller; that of version 2 has none.
        self._paths: Dict[str, str] = {}
        for line in (read_text(proc_root + "/self/cgroup") or "").splitlines():
            pieces = line.split(":", 2)
            if len(pieces) == 3:
                for controller in pieces[1].split(","):
                    self._paths[controller] = pieces[2]

    def quota(self) -> Tuple[Optional[float], Optional[str]]:
        """Return the least quota of the group and those above it, and the group that has it."""
        found = []
        for folder, name in self._folders(""):
            words = (read_text(folder + "/cpu.max") or "").split()
            if words and words[0] != "max":
                found.append((_ratio(words[0], (words[1:] or ["100000"])[0]), name))
        for folder, name in self._folders("cpu"):
            allowed = read_text(folder + "/cpu.cfs_quota_us")
            if allowed and not allowed.startswith("-"):  # -1: none
                period = read_text(folder + "/cpu.cfs_period_us") or "100000"
                found.append((_ratio(allowed, period), name))
        known = [(quota, name) for quota, name in found if quota]
        return min(known, key=lambda one: one[0], default=(None, None))

    def cpuset(self) -> Optional[str]:
        """Return the processors of the nearest group that tells which it has."""
        for controller, name in (
            ("", "cpuset.cpus.effective"),
            ("cpuset", "cpuset.effective_cpus"),
            ("cpuset", "cpuset.cpus"),
        ):
            for folder, _ in self._folders(controller):
                text = read_text("%s/%s" % (folder, name))
                if text:
                    return text
        return None

    def _folders(self, controller: str) -> Iterator[Tuple[str, str]]:
        """Yield the folder and name of the process's own group, then of each one above it.

        A container sees the hierarchy from its own group on, be it by a namespace or by what of
        it is mounted.
        """
        path = self._paths.get(controller)
        if path is None or controller not in self._mounts:
            return
        root, point = self._mounts[controller]
        if point.startswith("/sys/"):
            point = self._sys_root + point[len("/sys") :]
        inside = root == "/" or path == root or path.startswith(root + "/")
        below = path if root == "/" else path[len(root) :]
        parts = [part for part in below.split("/") if part] if inside else []
        if ".." in parts:
            parts = []
        while parts:
            name = "/".join(parts)
            yield "%s/%s" % (point, name), "/" + name
            parts.pop()
        yield point, "/"


def _mounts(text: str) -> Dict[str, Tuple[str, str]]:
    """Return what of a hierarchy is mounted, and where, by controller; version 2 has none."""
    found: Dict[str, Tuple[str, str]] = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, source = before.split(), after.split()
        if len(fields) < 5 or len(source) < 3:
            continue
        if source[0] == "cgroup2":
            found.setdefault("", (fields[3], fields[4]))
        elif source[0] == "cgroup":
            for controller in source[2].split(","):
                found.setdefault(controller, (fields[3], fields[4]))
    return found


def _ratio(allowed: str, period: str) -> Optional[float]:
    try:
        return round(int(allowed) / int(period), 3)
    except (ValueError, ZeroDivisionError):
        return None
