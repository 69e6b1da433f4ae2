"""Joules per answer out of counters and sensors, from a tree of files laid out as the kernel's."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from ragedge.contracts import Answer, Event
from ragedge.energy import Counter, EnergyMeter, Sampler, find_meter, pmic_watts
from tests.server.fakes import make_answer

PMIC = """     3V7_WL_SW_A current(0)=0.05758000A
       VDD_CORE_A current(7)=2.00000000A
      3V7_WL_SW_V volt(8)=3.00000000V
       VDD_CORE_V volt(15)=0.75000000V
           EXT5V_V volt(24)=5.15000000V
"""


def zone(root: Path, name: str, kind: str, microjoules: int, most: int = 262_143_328_850) -> Path:
    folder = root / "sys/class/powercap" / name
    folder.mkdir(parents=True)
    for file, value in (("name", kind), ("energy_uj", microjoules), ("max_energy_range_uj", most)):
        (folder / file).write_text(f"{value}\n")
    return folder / "energy_uj"


def hwmon(root: Path, chip: str, name: str, **files: str | int) -> Path:
    folder = root / "sys/class/hwmon" / chip
    folder.mkdir(parents=True)
    for file, value in (("name", name), *files.items()):
        (folder / file).write_text(f"{value}\n")
    return folder


def joules(meter: EnergyMeter, *changes: tuple[Path, int]) -> float | None:
    """What a meter puts on an answer, during which files change."""

    def events() -> Generator[Event, None, None]:
        for path, value in changes:
            path.write_text(f"{value}\n")
        yield make_answer(())

    (answer,) = meter.measured(events())
    assert isinstance(answer, Answer)
    return answer.timings.energy_joules


def test_processors_and_their_memory_add_up_but_not_parts_of_processors(tmp_path: Path) -> None:
    one = zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 77)
    memory = zone(tmp_path, "intel-rapl:0:1", "dram", 500)
    two = zone(tmp_path, "intel-rapl:1", "package-1", 9)
    meter = find_meter(tmp_path, pmic="")
    assert meter.name == "RAPL (3 counters)" and meter.reason == ""
    assert joules(meter, (one, 3_500_000), (two, 1_000_009), (memory, 250_500)) == pytest.approx(3.75)


def test_the_counter_of_the_whole_platform_goes_before_its_parts(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 0)
    whole = zone(tmp_path, "intel-rapl:1", "psys", 0)
    meter = find_meter(tmp_path, pmic="")
    assert meter.name == "RAPL (1 counter)"
    assert joules(meter, (whole, 2_000_000)) == pytest.approx(2.0)


def test_a_counter_that_begins_again_is_no_negative_energy(tmp_path: Path) -> None:
    file = zone(tmp_path, "intel-rapl:0", "package-0", 65_000_000, most=65_532_610)
    assert joules(find_meter(tmp_path, pmic=""), (file, 467_390)) == pytest.approx(1.0)
    file.write_text("5")
    assert Counter(file).since(10) < 0, "without a range nobody knows how far it went"
    assert joules(EnergyMeter(), (file, 1)) is None


def test_a_counter_that_goes_away_gives_no_figure_and_harms_no_answer(tmp_path: Path) -> None:
    file = zone(tmp_path, "intel-rapl:0", "package-0", 5)
    meter = find_meter(tmp_path, pmic="")
    file.write_text("no number")
    assert joules(meter) is None
    file.write_text("7")
    assert joules(meter, (file, 1_000_007)) == pytest.approx(1.0)


def test_what_may_not_be_read_is_not_measurable_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = zone(tmp_path, "intel-rapl:0", "package-0", 5)
    read = Path.read_text

    def refuse(path: Path, *arguments: object, **options: object) -> str:
        if path == file:  # tests may run as root, whom no mode keeps out
            raise PermissionError(13, "Permission denied")
        return read(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", refuse)
    meter = find_meter(tmp_path, pmic="")
    assert meter.name == "" and "root alone" in meter.reason and "energy_uj" in meter.reason
    assert joules(meter) is None


def test_a_box_without_any_counter_says_so(tmp_path: Path) -> None:
    meter = find_meter(tmp_path, pmic="")
    assert (meter.name, joules(meter)) == ("", None)
    assert "no counter of energy" in meter.reason


def test_hwmon_counts_sockets_once(tmp_path: Path) -> None:
    chip = hwmon(
        tmp_path, "hwmon3", "amd_energy", energy1_input=50, energy1_label="Ecore000", energy9_input=0,
        energy9_label="Esocket0",
    )  # fmt: skip
    meter = find_meter(tmp_path, pmic="")
    assert meter.name == "hwmon"
    assert joules(meter, (chip / "energy1_input", 9_000_000), (chip / "energy9_input", 4_000_000)) == pytest.approx(4.0)


def test_watts_are_summed_up_over_time() -> None:
    moments = iter((10.0, 12.0, 13.0))
    watts = iter((4.0, 8.0, 8.0))
    sampler = Sampler("board", lambda: next(watts), lambda: next(moments), threaded=False)
    since = sampler.begin()
    assert sampler.tick()
    assert sampler.joules(since) == pytest.approx(2 * 6 + 1 * 8)
    sampler.end()


def test_two_answers_at_once_each_have_their_own_time() -> None:
    moments = iter((0.0, 1.0, 3.0, 4.0))
    sampler = Sampler("board", lambda: 5.0, lambda: next(moments), threaded=False)
    first = sampler.begin()
    second = sampler.begin()
    assert sampler.joules(first) == pytest.approx(15.0)
    assert sampler.joules(second) == pytest.approx(15.0)
    sampler.end()
    sampler.end()


def test_a_sensor_that_fails_gives_no_figure() -> None:
    def watts() -> float:
        raise OSError("gone")

    sampler = Sampler("board", watts, threaded=False)
    assert sampler.begin() is None and sampler.joules(0.0) is None
    sampler.end()


def test_the_sampling_thread_ends_with_the_last_measurement(tmp_path: Path) -> None:
    chip = hwmon(tmp_path, "hwmon0", "ina226", power1_input=3_000_000)
    meter = find_meter(tmp_path, pmic="")
    assert meter.name == "a power sensor (hwmon)"
    value = joules(meter, (chip / "power1_input", 3_000_000))
    assert value is not None and 0 <= value < 3.0


def test_a_graphics_card_s_sensor_is_not_the_box(tmp_path: Path) -> None:
    hwmon(tmp_path, "hwmon0", "amdgpu", power1_average=3_000_000)
    assert find_meter(tmp_path, pmic="").name == ""


def test_a_raspberry_pi_s_rails_add_up_where_current_and_voltage_are_known() -> None:
    assert pmic_watts(PMIC) == pytest.approx(0.05758 * 3.0 + 2.0 * 0.75)
    with pytest.raises(ValueError, match="rail"):
        pmic_watts("EXT5V_V volt(24)=5.15V")


def test_the_pi_s_program_is_asked(tmp_path: Path) -> None:
    program = tmp_path / "vcgencmd"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{PMIC}END\n")
    program.chmod(0o755)
    meter = find_meter(tmp_path, pmic=str(program))
    assert meter.name == "the board's power chip"
    value = joules(meter)
    assert value is not None and value >= 0
    program.write_text("#!/bin/sh\nexit 3\n")
    assert find_meter(tmp_path, pmic=str(program)).name == ""
    assert subprocess.run([program], check=False).returncode == 3


def test_closing_early_closes_what_is_measured(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 5)
    closed = []

    def events() -> Generator[Event, None, None]:
        try:
            yield make_answer(())
            yield make_answer(())
        finally:
            closed.append(True)

    for meter in (find_meter(tmp_path, pmic=""), EnergyMeter()):
        stream = meter.measured(events())
        next(stream)
        stream.close()
    assert closed == [True, True]
