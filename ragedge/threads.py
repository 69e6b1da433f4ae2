"""How many threads native libraries get when nobody says; a language model all physical cores but one.

llama.cpp's threads spin at barriers: with as many threads as cores, any other busy process makes it several times
slower, and the box cannot be used meanwhile. A container's share of processor time counts as its number of cores.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

_CPUS = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "<microseconds or max> <period>", cgroup v2


def default_threads(cpus: Path = _CPUS, quota: Path = _QUOTA) -> int:
    """Physical cores this process may use, less one, at least 1."""
    return max(1, usable_cores(cpus, quota) - 1)


def usable_cores(cpus: Path = _CPUS, quota: Path = _QUOTA) -> int:
    """Physical cores this process may use, at least 1: for threads that do not wait for each other."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    cores = {_siblings(cpus, cpu) for cpu in allowed}
    return max(1, min(len(cores), _share(quota)))


def _siblings(cpus: Path, cpu: int) -> str:
    """What is equal for the hyper-threads of one core; the number itself where the system does not say."""
    try:
        return (cpus / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return str(cpu)


def _share(quota: Path) -> int:
    """Cores' worth of time a container gets; a large number without a limit."""
    try:
        limit, period = quota.read_text(encoding="ascii").split()
        return math.ceil(int(limit) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return 1 << 16
