"""Processors and memory that this process may use: those of the machine, or fewer where a container bounds them.

Linux bounds containers by control groups, of which there are two versions; elsewhere the machine's own count holds.
"""

import math
import os
from pathlib import Path

ROOT_OF_SYSTEM = Path("/")


def processors(system=ROOT_OF_SYSTEM):
    """Processors that this process may use, at least 1; a share of one counts as one.

    Args:
        system: the file system's root, for tests.
    """
    counts = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1]
    for folder in _groups(system, "cpu"):
        version_2 = _read(folder / "cpu.max").split()
        version_1 = [_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")]
        for share in (version_2, version_1):
            if len(share) == 2 and all(_is_number(text) for text in share) and int(share[1]) > 0:
                counts.append(math.ceil(int(share[0]) / int(share[1])))
    return max(1, min(counts))


def memory_mb(system=ROOT_OF_SYSTEM):
    """Memory in MB (10^6 bytes) that the processes here may use together, or None where the system does not tell."""
    sizes = [_physical_memory()]
    for folder in _groups(system, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = _read(folder / name)
            if _is_number(text):
                sizes.append(int(text))
    known = [size for size in sizes if size]
    return min(known) // 10**6 if known else None


def _physical_memory():
    names = os.sysconf_names if hasattr(os, "sysconf") else {}
    if "SC_PHYS_PAGES" not in names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _groups(system, controller):
    """Folders of the control groups that bound this process, from its own up to the root."""
    mounted = system / "sys" / "fs" / "cgroup"
    for line in _read(system / "proc" / "self" / "cgroup").splitlines():
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0" and not controllers:
            base = mounted
        elif controller in controllers.split(","):
            base = mounted / controller
        else:
            continue
        group = base / path.lstrip("/")
        # A container may see its own group as the root, under a path of the machine outside.
        yield from [folder for folder in (group, *group.parents) if folder.is_relative_to(base)]


def _read(path):
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _is_number(text):
    """Whether a limit is one; `max` and -1 stand for none."""
    return text.isdecimal()
