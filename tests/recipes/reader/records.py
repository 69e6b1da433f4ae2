"""Training examples from records: objects of a collection (Tate's list, CC0) and made-up products, contacts and parts.

Each record is a page of "Name: value" lines or a table row, as small museums and shops write them. One question in four
asks for something that the record does not state: near the topic, and unanswerable by construction.
"""

from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path

from ragedge.calibration.fields import ways_to_ask
from tests.recipes.reader.packing import Pack

OBJECTS = 14_000
PRODUCTS = 8_000
_NEVER = (
    "price", "weight", "value", "restorer", "insurance value", "frame maker", "phone", "opening hours", "signature",
    "height", "owner", "colour", "depth", "warranty", "deadline", "responsible", "voltage", "capacity", "interval",
    "supplier", "room", "credit line", "provenance", "place of origin", "condition", "inscription", "e-mail",
)  # fmt: skip
_LABELS = {
    "artist": ("Artist", "Creator", "Maker", "By", "Painter"),
    "date": ("Date", "Year", "Made", "Date made", "Period"),
    "medium": ("Medium", "Material", "Materials", "Technique"),
    "dimensions": ("Dimensions", "Size", "Measurements"),
    "acquired": ("Date acquired", "Acquired", "Acquisition"),
    "acno": ("Inventory number", "Accession number", "Object number", "No."),
}
_THINGS = (
    "pump", "valve", "filter cartridge", "hose clamp", "gasket", "drive belt", "bearing", "pressure switch", "strainer",
    "impeller", "brake pad", "chain", "saddle", "inner tube", "helmet", "floor pump", "lamp", "lock", "mudguard",
    "pedal", "desk chair", "monitor", "label printer", "toner", "ladder", "drill", "saw blade", "work glove",
    "first aid kit", "extension cord", "battery", "charger", "fan heater", "kettle", "compressor",
    "fuse", "relay", "sensor", "gauge",
)  # fmt: skip
_NAMES = ("Alder", "Brill", "Corran", "Dunmere", "Eskhold", "Farrow", "Glenside", "Hollin", "Iverley", "Juno", "Karst")
_PEOPLE = ("A. Moreau", "B. Lind", "C. Okafor", "D. Petrov", "E. Tanaka", "F. Rossi", "G. Novak", "H. Silva", "I. Khan")
_FIELDS = {
    "price": lambda r: f"{r.choice('€$£')}{r.randint(2, 900)}.{r.choice(('00', '50', '90', '95'))}",
    "weight": lambda r: f"{r.randint(1, 90)}.{r.randint(0, 9)} kg",
    "torque": lambda r: f"{r.randint(2, 120)} Nm",
    "voltage": lambda r: r.choice(("12 V", "24 V DC", "230 V", "110 V")),
    "capacity": lambda r: f"{r.randint(1, 500)} l",
    "operating temperature": lambda r: f"-{r.randint(1, 30)} to {r.randint(35, 90)} °C",
    "supplier": lambda r: f"{r.choice(_NAMES)} {r.choice(('Ltd', 'GmbH', 'Supplies', '& Sons'))}",
    "warranty": lambda r: f"{r.randint(1, 10)} years",
    "interval": lambda r: f"every {r.choice((50, 100, 250, 500, 1000))} hours",
    "phone": lambda r: f"0{r.randint(20, 99)} {r.randint(100, 999)} {r.randint(1000, 9999)}",
    "responsible": lambda r: r.choice(_PEOPLE),
    "part number": lambda r: f"{r.choice('ABKMTX')}{r.choice('CDEFR')}-{r.randint(100, 9999)}",
    "colour": lambda r: r.choice(("black", "red", "dark blue", "silver", "green", "white")),
    "dimensions": lambda r: f"{r.randint(5, 200)} x {r.randint(5, 200)} x {r.randint(1, 90)} mm",
    "location": lambda r: f"shelf {r.choice('ABCDEF')}{r.randint(1, 40)}",
    "pressure": lambda r: f"{r.randint(1, 16)}.{r.randint(0, 9)} bar",
}


def add_records(pack: Pack, table: Path, seed: int) -> None:
    """Objects and products with their questions."""
    rng = random.Random(f"{seed}/records")
    with gzip.open(table, "rt", encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["title"] and row["artist"]]
    for row in rng.sample(rows, min(OBJECTS, len(rows))):
        _add_object(pack, row, rng)
    for _ in range(PRODUCTS):
        _add_product(pack, rng)


def _add_object(pack: Pack, row: dict[str, str], rng: random.Random) -> None:
    keys = [key for key in _LABELS if row[key] and row[key] != "date not known"]
    rng.shuffle(keys)
    lines = [(rng.choice(_LABELS[key]), " ".join(row[key].split())) for key in keys[: rng.randint(3, 6)]]
    if row["subjects"] and rng.random() < 0.7:
        subjects = [part.split(" - ")[0] for part in row["subjects"].split(";")[:6]]
        told = rng.choice(("Shows:{s}.", "The work shows{s}.", "Seen here:{s}."))
        lines.append(("", told.format(s=",".join(subjects if subjects[0][:1] == " " else [" " + s for s in subjects]))))
    title = row["title"]
    also = f" ({row['acno']})" if rng.random() < 0.3 else f" by {row['artist']}" if rng.random() < 0.2 else ""
    _add_page(pack, title, lines, rng, f"{title}{also}")


def _add_product(pack: Pack, rng: random.Random) -> None:
    name = (
        f"{rng.choice(_NAMES)} {rng.choice(_THINGS)} {rng.choice(('', '', f'{rng.randint(2, 990)}', 'S', 'XL', 'II'))}"
    )
    name = name.strip()
    keys = rng.sample(sorted(_FIELDS), rng.randint(3, 8))
    lines = [(key.capitalize(), _FIELDS[key](rng)) for key in keys]
    if rng.random() < 0.5:
        _add_page(pack, name, lines, rng, name)
    else:
        _add_table(pack, name, keys, rng)


def _add_page(pack: Pack, title: str, lines: list[tuple[str, str]], rng: random.Random, named: str) -> None:
    mark = rng.choice(("- ", "", "* ", ""))
    units = [f"{mark}{name}: {value}" if name else value for name, value in lines]
    in_prefix = rng.random() < 0.7
    number = pack.passage(title if in_prefix else "", units if in_prefix else [title, *units], "records")
    shift = 1 if in_prefix else 2
    for at, (name, value) in enumerate(lines):
        if name and rng.random() < 0.5 and pack.holds_unit(number, at + shift):
            unit = at + shift
            start = units[at].index(value)
            span = pack.span_in_unit(number, units[at], unit, start, start + len(value))
            pack.question(_asked(name, named, rng), "records", number, (unit, unit), span)
    has = {name.casefold() for name, _ in lines}
    absent = [name for name in _NEVER if name not in has and not any(name in other for other in has)]
    if rng.random() < 0.6:
        pack.question(_asked(rng.choice(absent), named, rng), "records", negatives=[number])


def _add_table(pack: Pack, name: str, keys: list[str], rng: random.Random) -> None:
    """A price list or parts list: the record is one row among others."""
    keys = keys[:4]
    names = [name, *(f"{rng.choice(_NAMES)} {rng.choice(_THINGS)}" for _ in range(rng.randint(2, 6)))]
    rng.shuffle(names)
    bar = rng.choice((" | ", "\t", " | "))
    header = bar.join(("Item", *(key.capitalize() for key in keys)))
    cells = [[other, *(_FIELDS[key](rng) for key in keys)] for other in names]
    as_pairs = rng.random() < 0.4  # as spreadsheets are read: each row with its column names
    rows = [
        bar.join([row[0], *(f"{k.capitalize()}: {v}" for k, v in zip(keys, row[1:], strict=True))] if as_pairs else row)
        for row in cells
    ]
    number = pack.passage(rng.choice(("Price list", "Spare parts", "Stock", "")), [header, *rows], "records")
    at, column = names.index(name), rng.randrange(len(keys))
    unit = at + 2
    if pack.holds_unit(number, unit):
        value = cells[at][column + 1]
        start = rows[at].index(value)
        span = pack.span_in_unit(number, rows[at], unit, start, start + len(value))
        pack.question(_asked(keys[column], name, rng), "records", number, (unit, unit), span)
    if rng.random() < 0.5:
        absent = [key for key in _NEVER if key not in keys]
        pack.question(_asked(rng.choice(absent), name, rng), "records", negatives=[number])


def _asked(field: str, name: str, rng: random.Random) -> str:
    question = rng.choice(ways_to_ask(field, "en")).format(t=name, f=field.casefold())
    return question.lower() if rng.random() < 0.15 else question
