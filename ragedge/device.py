"""What this box is: cores, memory, processor, and what this process holds of it. Linux only (/proc); reads, never
sets."""

from __future__ import annotations

import os
import platform
import resource
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Device:
    """A box as a report names it. `memory_bytes` is 0 where it cannot be read."""

    processor: str
    cores: int
    memory_bytes: int
    system: str
    python: str


def this_device() -> Device:
    """The box that this process runs on; `cores` are those it may use."""
    return Device(
        processor=_field("/proc/cpuinfo", ("model name", "Model")) or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=_kilobytes(_field("/proc/meminfo", ("MemTotal",))),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
    )


def resident_bytes() -> int:
    """Memory that this process holds now; 0 where it cannot be read."""
    return _kilobytes(_field("/proc/self/status", ("VmRSS",)))


def peak_resident_bytes() -> int:
    """The most memory that this process ever held (Linux counts it in kB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def load_average() -> float:
    """Processes that wanted a core in the last minute: a figure taken beside others is worth less."""
    return os.getloadavg()[0]


def _field(path: str, names: tuple[str, ...]) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in names:
            return value.strip()
    return ""


def _kilobytes(value: str) -> int:
    number = value.split(" ")[0]
    return int(number) * 1024 if number.isdigit() else 0
