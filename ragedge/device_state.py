"""How this box is doing now: load, memory, temperature, and the room on a disk. Linux only (/proc, /sys); reads, never
sets. What cannot be read is None or 0; `device` says what the box is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_THERMAL = Path("/sys/class/thermal")
_MEMORY = Path("/proc/meminfo")
#: What a sensor says beyond these is no temperature of a processor: some report 0 or -273 where they have none.
_COLDEST, _HOTTEST = -40.0, 150.0


@dataclass(frozen=True, slots=True)
class DeviceState:
    """`load` is the average of 1, 5 and 15 minutes; `temperature_celsius` that of the hottest sensor."""

    load: tuple[float, float, float]
    memory_available_bytes: int
    swap_used_bytes: int
    temperature_celsius: float | None
    disk_bytes: int
    disk_free_bytes: int


def device_state(folder: Path, *, thermal: Path = _THERMAL, memory: Path = _MEMORY) -> DeviceState:
    """How the box is doing; the disk is that of `folder`."""
    figures = _figures(memory)
    try:
        disk = shutil.disk_usage(folder)
        total, free = disk.total, disk.free
    except OSError:
        total = free = 0
    swap = figures.get("SwapTotal", 0) - figures.get("SwapFree", 0)
    hottest = max(_temperatures(thermal), default=None)
    return DeviceState(os.getloadavg(), figures.get("MemAvailable", 0), swap, hottest, total, free)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; what vanishes meanwhile is passed over, links are not followed."""
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(here) / name).lstat().st_size
            except OSError:
                continue
    return total


def _figures(memory: Path) -> dict[str, int]:
    """Bytes by name, out of a file like /proc/meminfo (which says kB and means KiB)."""
    try:
        lines = memory.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, _, value = line.partition(":")
        number = value.split()[:1]
        if number and number[0].isdigit():
            found[name.strip()] = int(number[0]) * 1024
    return found


def _temperatures(thermal: Path) -> Iterator[float]:
    for file in sorted(thermal.glob("thermal_zone*/temp")):
        try:
            celsius = int(file.read_text(encoding="ascii")) / 1000
        except (OSError, ValueError):
            continue
        if _COLDEST < celsius < _HOTTEST and celsius != 0:
            yield celsius
