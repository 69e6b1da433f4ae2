"""The service log of three AQ-40 units as CSV: repairs as written down, scheduled work counted from the intervals.

The date of a row follows from the unit's hours; the generator runs a little longer than the unit it feeds.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import count

from corpora.make.texts import read, rows

_COLUMNS = (
    "Date",
    "Unit",
    "Unit hours",
    "Generator hours",
    "Technician",
    "Work",
    "Fault code",
    "Part number",
    "Quantity",
    "Remarks",
)
_UNITS = {  # letter in the data: serial number, first day, hours run per day, hours at the last entry
    "A": ("AQ40-0117", date(2024, 4, 2), 7, 640),
    "B": ("AQ40-0123", date(2024, 5, 13), 9, 640),
    "C": ("AQ40-0131", date(2024, 8, 26), 5, 345),
}
_GENERATOR_PER_UNIT_HOUR = 1.04
_TECHNICIANS = ("KT", "MV", "RB", "JO")
_Row = tuple[str, ...]


def service_log(part_numbers: Mapping[str, str]) -> bytes:
    """The log in the order of its dates. `part_numbers` maps a part's key to its number."""
    entries = [*_repairs(part_numbers), *_scheduled(part_numbers)]
    entries.sort(key=lambda row: (row[0], row[1], int(row[2])))
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([_COLUMNS, *entries])
    return out.getvalue().encode("utf-8")


def _repairs(part_numbers: Mapping[str, str]) -> Iterator[_Row]:
    for unit, hours, technician, work, code, part, quantity, remark in rows(read("field_manual/log-repairs.txt"), 8):
        number = "" if part == "-" else part_numbers[part]
        yield _row(unit, float(hours), technician, work, code, number, quantity, remark)


def _scheduled(part_numbers: Mapping[str, str]) -> Iterator[_Row]:
    for work, first, every, meter, part, quantity, remarks in rows(read("field_manual/log-scheduled.txt"), 7):
        number = "" if part == "-" else part_numbers[part]
        in_turn = [remark.strip() for remark in remarks.split(";")]
        turn = count()
        for unit, (_, _, _, last) in _UNITS.items():
            due = int(first)
            while (hours := due / _GENERATOR_PER_UNIT_HOUR if meter == "generator" else due) <= last:
                index = next(turn)
                technician = _TECHNICIANS[(index * 3 + len(work)) % 4]
                yield _row(unit, hours, technician, work, "-", number, quantity, in_turn[index % len(in_turn)])
                if every == "0":
                    break
                due += int(every)


def _row(unit: str, hours: float, technician: str, work: str, code: str, part: str, quantity: str, remark: str) -> _Row:
    serial, first_day, per_day, _ = _UNITS[unit]
    day = first_day + timedelta(days=int(hours // per_day))
    generator = round(hours * _GENERATOR_PER_UNIT_HOUR)
    code, quantity = ("" if cell == "-" else cell for cell in (code, quantity))
    return (
        day.isoformat(),
        serial,
        str(round(hours)),
        str(generator),
        technician,
        work,
        code,
        part,
        quantity,
        remark,
    )
