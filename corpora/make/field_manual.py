"""The corpus field-manual: the manual (PDF), the quick-start sheet (DOCX) and the service log (CSV) of the AQ-40.

Values, part numbers, torques and fault codes stand once in `texts/field_manual/` and are put into all three.
"""

from __future__ import annotations

import json
from datetime import datetime

from corpora.make.manual_pdf import Manual, manual_pdf
from corpora.make.office import docx_bytes
from corpora.make.service_log import service_log
from corpora.make.texts import TEXTS, fill, read, rows

_FOLDER = "field_manual"
_DATE = datetime(2024, 3, 18, 9, 0, 0)
_DOSES = (0.7, 1.0, 1.5, 2.0, 2.5, 3.0)  # mg/L of free chlorine
_FLOWS = (4000, 2600, 1400)  # L/h, the three outputs of the unit
_STOCK_MG_PER_ML = 10  # stock solution of 1 %
_PUMP_FULL_ML_PER_H = 1250  # what P2 gives at 100 %


def documents() -> dict[str, bytes]:
    values = _values()
    tables = _tables(values)
    parts = {key.removeprefix("p."): number for key, number in values.items() if key.startswith("p.")}
    return {
        "AQ-40-manual.pdf": manual_pdf(_manual(values, tables)),
        "AQ-40-quick-start.docx": docx_bytes(
            "AQ-40 quick start",
            fill(read(f"{_FOLDER}/quick-start.md"), values),
            {name: cells for name, (_, cells) in tables.items()},
            author=values["maker"],
            date=_DATE,
        ),
        "service-log.csv": service_log(parts),
    }


def _values() -> dict[str, str]:
    """The values by name, with `p.<key>` for part numbers and `t.<key>` for torques."""
    values: dict[str, str] = json.loads(read(f"{_FOLDER}/values.json"))
    values |= {f"p.{row[0]}": row[1] for row in rows(read(f"{_FOLDER}/parts.txt"), 5)}
    values |= {f"t.{row[0]}": f"{row[3]} N·m" for row in rows(read(f"{_FOLDER}/torques.txt"), 5)}
    return values


def _manual(values: dict[str, str], tables: dict[str, tuple[str, list[list[str]]]]) -> Manual:
    front, *chapters = [
        fill(path.read_text(encoding="utf-8"), values) for path in sorted((TEXTS / _FOLDER / "chapters").glob("*.md"))
    ]
    return Manual(
        title=f"{values['unit']} field manual",
        subtitle="Portable water-treatment unit with generator " + values["generator"],
        edition=values["edition"],
        publisher=values["maker"],
        front=front,
        chapters=chapters,
        tables=tables,
        faults=_faults(values),
    )


def _faults(values: dict[str, str]) -> list[tuple[str, str, str, str, str, str]]:
    lines = [line for line in fill(read(f"{_FOLDER}/faults.txt"), values).splitlines() if line and line[0] != "#"]
    found = []
    for head, meaning, cause, remedy in zip(*[iter(lines)] * 4, strict=True):
        code, display, action = (cell.strip() for cell in head.split("|"))
        found.append((code, display, action, meaning, cause, remedy))
    return found


def _tables(values: dict[str, str]) -> dict[str, tuple[str, list[list[str]]]]:
    tables = {}
    for part in fill(read(f"{_FOLDER}/tables.txt"), values).split("== ")[1:]:
        head, _, body = part.partition("\n")
        name, caption = (cell.strip() for cell in head.split("|"))
        tables[name] = (caption, rows(body))
    parts = [row[1:] for row in rows(read(f"{_FOLDER}/parts.txt"), 5)]
    torques = [[*row[1:3], f"{row[3]} N·m", row[4] or "-"] for row in rows(read(f"{_FOLDER}/torques.txt"), 5)]
    tables["parts"] = ("Spare parts", [["Part number", "Name", "Position", "Quantity"], *parts])
    tables["torque"] = ("Tightening torques", [["Position", "Thread", "Torque", "Remark"], *torques])
    faults = [[fault[0], fault[1], fault[2]] for fault in _faults(values)]
    tables["faultlist"] = ("Fault codes", [["Code", "Display", "Class"], *faults])
    tables["dosing"] = ("Setting of the dosing pump P2 with stock solution of 1 %", _dosing())
    return tables


def _dosing() -> list[list[str]]:
    """Dose (mg/L) by output (L/h): millilitres of stock solution per hour and the knob's setting in percent."""
    table = [["Dose", *(f"at {flow:,} L/h" for flow in _FLOWS)]]
    for dose in _DOSES:
        amounts = [dose * flow / _STOCK_MG_PER_ML for flow in _FLOWS]
        cells = [f"{amount:,.0f} mL/h = {100 * amount / _PUMP_FULL_ML_PER_H:.0f} %" for amount in amounts]
        table.append([f"{dose:.1f} mg/L", *cells])
    return table
