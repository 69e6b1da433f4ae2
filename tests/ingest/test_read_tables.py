"""CSV, XLSX, JSON: every row says its columns, nothing is lost, long tables go on over pages."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import openpyxl
import pytest

from ragedge.contracts import Page, ParsedFile, ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers import read_file


def read(folder: Path, name: str, content: str) -> ParsedFile:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return read_file(path, ReadOptions())


def lines(page: Page) -> list[str]:
    return [line for b in page.blocks if b.kind == "table" for line in page.text[b.start : b.end].split("\n")]


def workbook(folder: Path, sheets: dict[str, list[list[object]]]) -> ParsedFile:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = folder / "book.xlsx"
    made.save(path)
    return read_file(path, ReadOptions())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rows_keep_their_columns_for_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    content = "\n".join(
        delimiter.join(row) for row in (("Part", "Torque", "Note"), ("Seal", "12", ""), ("Nut", "8", "dry"))
    )
    page = read(tmp_path, "a.csv", content).pages[0]
    assert lines(page) == ["Part: Seal; Torque: 12", "Part: Nut; Torque: 8; Note: dry"]
    assert not page.blocks[0].has_header


def test_quoted_cells_keep_delimiters_and_lose_line_ends(tmp_path: Path) -> None:
    page = read(tmp_path, "a.csv", 'Part,Note\nSeal,"one, two\nthree ""four"""\n').pages[0]
    assert lines(page) == ['Part: Seal; Note: one, two three "four"']


def test_a_quote_that_never_closes_loses_no_line(tmp_path: Path) -> None:
    rows = "".join(f"{i},value {i}\n" for i in range(50))
    text = read(tmp_path, "a.csv", f'Number,Note\n1,"open\n{rows}').pages[0].text
    assert all(f"value {i}" in text for i in range(50))
    assert text.count("\n") >= 50


def test_decimal_commas_do_not_pass_for_delimiters(tmp_path: Path) -> None:
    page = read(tmp_path, "a.csv", "Teil;Preis\nSchraube;1,50\nMutter;2,75\n").pages[0]
    assert lines(page) == ["Teil: Schraube; Preis: 1,50", "Teil: Mutter; Preis: 2,75"]


def test_a_table_without_header_gets_none(tmp_path: Path) -> None:
    assert lines(read(tmp_path, "a.csv", "1,2\n3,4\n").pages[0]) == ["1 | 2", "3 | 4"]


def test_a_title_above_a_table_is_text(tmp_path: Path) -> None:
    page = read(tmp_path, "a.csv", "Price list,\nPart,Price\nSeal,12\n").pages[0]
    assert [block.kind for block in page.blocks] == ["text", "table"]
    assert lines(page) == ["Part: Seal; Price: 12"]


def test_long_tables_go_on_over_pages_with_their_rows_as_label(tmp_path: Path) -> None:
    content = "Part,Note\n" + "".join(f"P-{i},{'word ' * 20}\n" for i in range(6_000))
    parsed = read(tmp_path, "a.csv", content)
    assert len(parsed.pages) > 2
    assert parsed.pages[0].label is not None and parsed.pages[0].label.startswith("rows 2-")
    found = [line for page in parsed.pages for line in lines(page)]
    assert len(found) == 6_000
    assert all(line.startswith(f"Part: P-{i}; Note: word") for i, line in enumerate(found))
    assert max(len(page.text) for page in parsed.pages) < 210_000


def test_sheets_are_pages_with_their_names(tmp_path: Path) -> None:
    parsed = workbook(
        tmp_path, {"Prices": [["Part", "Price"], ["Seal", 12]], "Öl & Fett": [["Oil", "Litres"], ["A", 3]]}
    )
    assert [(page.number, page.label) for page in parsed.pages] == [(1, "Prices"), (2, "Öl & Fett")]


def test_a_sheet_of_sentences_has_no_columns(tmp_path: Path) -> None:
    rows: list[list[object]] = [["All prices include tax."], ["Repairs are paid on collection."]]
    assert lines(workbook(tmp_path, {"Notes": rows}).pages[0]) == [row[0] for row in rows]


def test_cells_are_written_as_people_read_them(tmp_path: Path) -> None:
    day, moment = datetime.date(2026, 3, 2), datetime.datetime(2026, 3, 2, 14, 30)
    row = ["x", 12.0, 0.1 + 0.2, day, moment, datetime.time(9, 5), True, "1.10"]
    parsed = workbook(tmp_path, {"A": [["n", "whole", "float", "day", "moment", "time", "bool", "text"], row]})
    assert lines(parsed.pages[0]) == [
        "n: x; whole: 12; float: 0.3; day: 2026-03-02; moment: 2026-03-02 14:30; time: 09:05:00; bool: TRUE; text: 1.10"
    ]


def test_a_second_table_on_a_sheet_has_its_own_columns(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Part", "Price"], ["Seal", 12], [], ["Day", "Visitors"], ["Monday", 40]]
    assert lines(workbook(tmp_path, {"A": rows}).pages[0]) == ["Part: Seal; Price: 12", "Day: Monday; Visitors: 40"]


def test_one_far_cell_does_not_make_a_million_columns(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.active["A1"] = "near"
    made.active["XFD900"] = "far"
    path = tmp_path / "far.xlsx"
    made.save(path)
    text = read_file(path, ReadOptions()).pages[0].text
    assert "near" in text and "far" in text and len(text) < 100


def test_json_records_are_blocks_with_dotted_keys(tmp_path: Path) -> None:
    value = [{"sku": "E-417", "size": {"unit": "mm", "values": [1, 2]}, "ok": True, "none": None}, {"sku": "E-418"}]
    page = read(tmp_path, "a.json", json.dumps(value)).pages[0]
    assert page.text == "sku: E-417\nsize.unit: mm\nsize.values: 1, 2\nok: true\n\nsku: E-418"
    assert len(page.blocks) == 2


def test_json_numbers_stay_as_written(tmp_path: Path) -> None:
    assert read(tmp_path, "a.json", '{"price": 1.10, "big": 1e400}').pages[0].text == "price: 1.10\nbig: 1e400"


def test_a_list_of_objects_inside_an_object_becomes_records(tmp_path: Path) -> None:
    page = read(tmp_path, "a.json", '{"shop": "Spoke", "items": [{"name": "a"}, {"name": "b"}]}').pages[0]
    assert page.text == "shop: Spoke\n\nitems.name: a\n\nitems.name: b"


def test_bad_lines_of_json_lines_are_reported(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.jsonl", '{"a": 1}\n{bad\n{"a": 2}\n')
    assert parsed.pages[0].text == "a: 1\n\na: 2"
    assert [problem.reason for problem in parsed.problems] == ["broken"]


def test_deep_json_ends_in_a_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read(tmp_path, "a.json", "[" * 100_000 + "]" * 100_000)
    assert caught.value.reason == "broken"
