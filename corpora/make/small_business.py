"""The corpus small-business, its generated part: handbook (DOCX), price list (XLSX) and suppliers' mails (EML).

The policies and the opening hours of the same invented bicycle shop are written by hand beside them.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from corpora.make.office import docx_bytes, xlsx_bytes
from corpora.make.texts import read, rows

_SHOP = "Quillfeather Cycles"
_HANDBOOK_DATE = datetime(2024, 1, 15, 9, 0, 0)
_PRICES_DATE = datetime(2025, 3, 1, 9, 0, 0)
_SHEETS = {"Repairs": "prices-repairs.txt", "Parts": "prices-parts.txt", "Hire": "prices-hire.txt"}
_NOTES = (
    "Price list of 1 March 2025. It replaces the list of 2024 and all prices named in the handbook.",
    "All prices include tax. Prices of repairs are for the work; parts are added.",
    "Hire: half day is up to 4 hours, day until half an hour before closing, weekend from Friday 15:00.",
    "Deposits in cash or on a card.",
)


def documents() -> dict[str, bytes]:
    handbook = docx_bytes(
        f"{_SHOP}: employee handbook", read("small_business/handbook.md"), {}, author=_SHOP, date=_HANDBOOK_DATE
    )
    return {"employee-handbook.docx": handbook, "price-list.xlsx": _price_list(), **_mails()}


def _price_list() -> bytes:
    workbook = Workbook()
    workbook.remove(workbook.active)
    for title, name in _SHEETS.items():
        sheet = workbook.create_sheet(title)
        for number, row in enumerate(rows(read(f"small_business/{name}"))):
            sheet.append([_number(cell) if number else cell for cell in row])
        sheet.freeze_panes = "A2"
        for column, cells in enumerate(sheet.columns, start=1):
            sheet.column_dimensions[get_column_letter(column)].width = max(len(str(cell.value)) for cell in cells) + 2
            cells[0].font = Font(bold=True)
            for cell in cells[1:]:
                if isinstance(cell.value, float):
                    cell.number_format = "0.00"
    notes = workbook.create_sheet("Notes")
    for note in _NOTES:
        notes.append([note])
    return xlsx_bytes(workbook, title=f"{_SHOP}: price list", author=_SHOP, date=_PRICES_DATE)


def _number(cell: str) -> str | int | float:
    if re.fullmatch(r"\d+\.\d\d", cell):
        return float(cell)
    return int(cell) if re.fullmatch(r"[1-9]\d*", cell) else cell


def _mails() -> dict[str, bytes]:
    parts = re.split(r"^## ", read("small_business/mails.txt"), flags=re.MULTILINE)[1:]
    source = {}
    for part in parts:
        name, _, rest = part.partition("\n")
        head, _, body = rest.partition("\n\n")
        source[name] = (dict(line.split(": ", 1) for line in head.splitlines()), body.strip() + "\n")
    return {f"mails/{name}.eml": _mail(name, source) for name in source}


def _mail(name: str, source: dict[str, tuple[dict[str, str], str]]) -> bytes:
    head, body = source[name]
    mail = EmailMessage(policy=SMTP)
    for field in ("From", "To", "Subject"):
        mail[field] = head[field]
    mail["Date"] = format_datetime(datetime.fromisoformat(head["Date"]))
    mail["Message-ID"] = _message_id(name, head)
    if "Reply" in head:
        answered, quoted = source[head["Reply"]]
        mail["In-Reply-To"] = mail["References"] = _message_id(head["Reply"], answered)
        day = datetime.fromisoformat(answered["Date"]).strftime("%Y-%m-%d")
        lines = "\n".join(f"> {line}".rstrip() for line in quoted.splitlines())
        body = f"{body}\nOn {day} {answered['From'].split(' <')[0]} wrote:\n{lines}\n"
    mail.set_content(body)
    if head.get("Html") == "yes":
        paragraphs = "".join(f"<p>{escape(text)}</p>\n" for text in body.strip().split("\n\n"))
        mail.add_alternative(f"<html><body>\n{paragraphs}</body></html>\n", subtype="html")
        mail.set_boundary(f"part-of-{name}")
    return mail.as_bytes()


def _message_id(name: str, head: dict[str, str]) -> str:
    domain = head["From"].rstrip(">").split("@")[1]
    return f"<{name}@{domain}>"
