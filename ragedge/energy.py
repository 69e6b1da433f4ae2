"""What an answer costs in joules, where the box can say: counters of energy, or sensors of power summed up over time.

In this order: RAPL (/sys/class/powercap, most PCs), energy and power inputs of hwmon (/sys/class/hwmon), the power
chip of a Raspberry Pi 5 (`vcgencmd pmic_read_adc`). Each counts the whole board or processor, whatever else it does
meanwhile. Where there is none, or it may not be read, there is no figure, and `reason` says why. Reads, never sets; a
thread samples power only while an answer is being made.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ragedge.contracts import Answer, Event

SAMPLE_SECONDS = 0.5
"""Between two looks at a sensor of power; a model's load changes within seconds, and a look costs something."""

_NO_COUNTER = "this box has no counter of energy that is known here (RAPL, hwmon, the Raspberry Pi 5's power chip)"
_PMIC_SECONDS = 2.0
_BOARD_CHIPS = frozenset(("ina219", "ina220", "ina226", "ina228", "ina230", "ina231", "ina238", "power_meter"))
_RAIL = re.compile(r"(\w+)_([AV])\s+(?:current|volt)\(\d+\)=([\d.]+)[AV]")


class Source(Protocol):
    """Something that energy can be read from."""

    @property
    def name(self) -> str: ...
    def begin(self) -> object:
        """A reading to begin with."""
        ...

    def joules(self, since: object) -> float | None:
        """Joules since that reading; None where it could not be read."""
        ...

    def end(self) -> None:
        """A measurement that was begun is over."""
        ...


@dataclass(frozen=True, slots=True)
class Counter:
    """A file that counts microjoules upwards and, with `range_uj`, begins again at 0 beyond it."""

    path: Path
    range_uj: int = 0

    def read(self) -> int:
        """Microjoules.

        Raises:
            OSError, ValueError: it cannot be read.
        """
        return int(self.path.read_text(encoding="ascii"))

    def since(self, before: int) -> int:
        """Microjoules since a reading; at most one wrap lies between (RAPL's is at 65 kJ and more: five minutes at
        200 W)."""
        grown = self.read() - before
        return grown if grown >= 0 else grown + self.range_uj


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters that add up."""

    name: str
    counters: tuple[Counter, ...]

    def begin(self) -> object:
        with contextlib.suppress(OSError, ValueError):
            return tuple(counter.read() for counter in self.counters)
        return None

    def joules(self, since: object) -> float | None:
        if not isinstance(since, tuple):
            return None
        try:
            parts = [counter.since(before) for counter, before in zip(self.counters, since, strict=True)]
        except (OSError, ValueError):
            return None
        return sum(parts) / 1e6 if min(parts) >= 0 else None

    def end(self) -> None:
        """Nothing runs between two readings."""


class Sampler:
    """Watts, summed up over time by a thread that lives as long as something is being measured."""

    def __init__(
        self,
        name: str,
        watts: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        *,
        threaded: bool = True,
    ) -> None:
        self.name = name
        self._watts = watts
        self._clock = clock
        self._threaded = threaded
        self._lock = threading.Lock()
        self._total = 0.0
        self._last: tuple[float, float] | None = None
        self._running = 0
        self._stop = threading.Event()

    def begin(self) -> object:
        with self._lock:
            self._running += 1
            if self._running == 1:
                self._last, self._stop = None, threading.Event()
                if self._threaded:
                    threading.Thread(target=self._run, args=(self._stop,), name="energy", daemon=True).start()
        self.tick()
        with self._lock:
            return self._total if self._last is not None else None

    def joules(self, since: object) -> float | None:
        if not isinstance(since, float) or not self.tick():
            return None
        return self._total - since

    def end(self) -> None:
        with self._lock:
            self._running -= 1
            if self._running == 0:
                self._stop.set()

    def tick(self) -> bool:
        """Look once, and add the mean of this look and the last one, for the time between; False: it failed."""
        with self._lock:
            try:
                now, watts = self._clock(), self._watts()
            except (OSError, ValueError, subprocess.SubprocessError):
                self._last = None
                return False
            if self._last is not None:
                then, before = self._last
                self._total += (now - then) * (watts + before) / 2
            self._last = (now, watts)
            return True

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(SAMPLE_SECONDS):
            self.tick()


class EnergyMeter:
    """Puts joules on answers; without a `source` it only passes them on. Safe to use from several threads."""

    def __init__(self, source: Source | None = None, reason: str = _NO_COUNTER) -> None:
        self._source = source
        self.reason = "" if source is not None else reason

    @property
    def name(self) -> str:
        """What is read: "RAPL (2 counters)"; "" where nothing can be."""
        return "" if self._source is None else self._source.name

    def measured(self, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
        """The events of one answer, with `timings.energy_joules` in the last."""
        if self._source is None:
            yield from events
            return
        since = self._source.begin()
        try:
            for event in events:
                if isinstance(event, Answer):
                    joules = self._source.joules(since)
                    event = replace(event, timings=replace(event.timings, energy_joules=joules))
                yield event
        finally:
            events.close()
            self._source.end()


def find_meter(root: Path = Path("/"), pmic: str | None = None) -> EnergyMeter:
    """The best way to measure on this box, looked for under `root`; `pmic`: the program vcgencmd, if not the PATH's."""
    refused: list[str] = []
    for counters in (_rapl(root), _hwmon_energy(root)):
        if counters is not None and _can_be_read([counter.path for counter in counters.counters], refused):
            return EnergyMeter(counters)
    program = shutil.which("vcgencmd") if pmic is None else pmic
    if program:
        board = Sampler("the board's power chip", lambda: pmic_watts(_pmic_text(program)))
        if board.tick():
            return EnergyMeter(board)
    power = _hwmon_power(root)
    if power and _can_be_read([power], refused):
        return EnergyMeter(Sampler("a power sensor (hwmon)", lambda: int(power.read_text(encoding="ascii")) / 1e6))
    return EnergyMeter(reason="; ".join(refused) or _NO_COUNTER)


def pmic_watts(text: str) -> float:
    """Watts out of what `vcgencmd pmic_read_adc` prints: current times voltage, over all rails that have both.

    Raises:
        ValueError: there is no such rail in it.
    """
    values: dict[str, dict[str, float]] = {}
    for rail, kind, value in _RAIL.findall(text):
        values.setdefault(rail, {})[kind] = float(value)
    watts = [rail["A"] * rail["V"] for rail in values.values() if len(rail) == 2]
    if not watts:
        raise ValueError("no rail with current and voltage")
    return sum(watts)


def _pmic_text(program: str) -> str:
    done = subprocess.run([program, "pmic_read_adc"], capture_output=True, check=True, timeout=_PMIC_SECONDS)
    return done.stdout.decode("utf-8", "replace")


def _rapl(root: Path) -> Counters | None:
    """The whole platform where it has a counter of its own ("psys"), else all processors with their memory."""
    zones = sorted((root / "sys/class/powercap").glob("intel-rapl:*"))
    named = [(zone, _text(zone / "name")) for zone in zones if (zone / "energy_uj").exists()]
    platform = [zone for zone, name in named if name == "psys"]
    packages = [zone for zone, name in named if name.startswith("package") or name == "dram"]
    chosen = platform or packages
    if not chosen:
        return None
    ranges = [_text(zone / "max_energy_range_uj") for zone in chosen]
    counters = tuple(
        Counter(zone / "energy_uj", int(most) if most.isdigit() else 0)
        for zone, most in zip(chosen, ranges, strict=True)
    )
    return Counters(f"RAPL ({len(counters)} counter{'s' if len(counters) > 1 else ''})", counters)


def _hwmon_energy(root: Path) -> Counters | None:
    """Counters of one chip: those of sockets where it has them beside those of cores, else its first."""
    for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        inputs = sorted(chip.glob("energy*_input"))
        sockets = [
            path for path in inputs if _text(path.with_name(path.name.replace("input", "label")))[:7] == "Esocket"
        ]
        if inputs:
            return Counters("hwmon", tuple(Counter(path) for path in sockets or inputs[:1]))
    return None


def _hwmon_power(root: Path) -> Path | None:
    """The input of a chip that stands for the whole board; a graphics card's or a disk's does not."""
    for chip in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _text(chip / "name") in _BOARD_CHIPS:
            found = [path for name in ("power1_input", "power1_average") if (path := chip / name).exists()]
            if found:
                return found[0]
    return None


def _can_be_read(paths: list[Path], refused: list[str]) -> bool:
    for path in paths:
        try:
            int(path.read_text(encoding="ascii"))
        except PermissionError:
            refused.append(f"{path} may be read by root alone (chmod o+r opens it until the next start)")
            return False
        except (OSError, ValueError) as error:
            refused.append(f"{path} cannot be read: {error}")
            return False
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
