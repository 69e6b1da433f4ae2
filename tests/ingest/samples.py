"""Small files of every kind that is read, made on the spot; each says that the pump needs 12 Nm."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pptx
from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfgen.canvas import Canvas

FACT = "The pump needs 12 Nm."


def pdf_bytes(pages: list[list[str]], title: str = "", encrypt: str | None = None) -> bytes:
    """A PDF with one line per string."""
    from reportlab.lib.pdfencrypt import StandardEncryption

    target = io.BytesIO()
    protection = StandardEncryption(encrypt, ownerPassword="owner", strength=128) if encrypt is not None else None
    canvas = Canvas(target, encrypt=protection)
    canvas.setTitle(title)
    for lines in pages:
        for at, line in enumerate(lines):
            canvas.drawString(72, 760 - 18 * at, line)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def _pdf(path: Path) -> None:
    path.write_bytes(pdf_bytes([["4.2 Torque values", FACT], ["Second page."]], "Pump manual"))


def _docx(path: Path) -> None:
    made = docx.Document()
    made.add_heading("Pump manual", 1)
    made.add_paragraph(FACT)
    made.add_paragraph("First item", style="List Bullet")
    table = made.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("Part", "Torque", "Seal", "12 Nm"), strict=True):
        cell.text = text
    made.save(str(path))


def _pptx(path: Path) -> None:
    made = pptx.Presentation()
    for title in ("Pump manual", "Second slide"):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = FACT
        slide.notes_slide.notes_text_frame.text = "Said aloud only."
    made.save(str(path))


def _xlsx(path: Path) -> None:
    made = openpyxl.Workbook()
    made.active.title = "Torques"
    for row in (("Part", "Note", "Torque"), ("Seal", FACT, 12.0), ("Nut", None, 8.5)):
        made.active.append(row)
    made.create_sheet("Empty")
    made.save(str(path))


def zipped(path: Path, parts: Mapping[str, str]) -> None:
    """A zip package with these parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)


def _odt(path: Path) -> None:
    content = (
        '<o:document xmlns:o="urn:o" xmlns:t="urn:t" xmlns:b="urn:b"><o:body><o:text>'
        f'<t:h t:outline-level="1">Pump manual</t:h><t:p>{FACT.replace(" 12", "<t:s/>12")}</t:p>'
        "<t:list><t:list-item><t:p>First item</t:p></t:list-item></t:list>"
        "<b:table><b:table-row><b:table-cell><t:p>Part</t:p></b:table-cell><b:table-cell><t:p>Torque</t:p></b:table-cell>"
        "</b:table-row><b:table-row><b:table-cell><t:p>Seal</t:p></b:table-cell><b:table-cell><t:p>12 Nm</t:p>"
        "</b:table-cell></b:table-row></b:table></o:text></o:body></o:document>"
    )
    zipped(path, {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def _epub(path: Path) -> None:
    package = (
        '<package><metadata><title>Pump manual</title><language>en-GB</language></metadata><manifest><item id="b" '
        'href="two.xhtml" media-type="application/xhtml+xml"/><item id="a" href="one.xhtml" '
        'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/><itemref idref="b"/></spine>'
        "</package>"
    )
    zipped(
        path,
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfile full-path="in/book.opf"/></container>',
            "in/book.opf": package,
            "in/one.xhtml": f"<html><body><h1>First part</h1><p>{FACT}</p></body></html>",
            "in/two.xhtml": "<html><body><h1>Second part</h1><p>More.</p></body></html>",
        },
    )


HTML = f"""<!DOCTYPE html><html lang="de-DE"><head><title>Pump manual</title><script>var x = 1;</script></head><body>
<nav><a href="/">Home</a></nav><header><a href="/">Logo</a></header>
<main><h1>Pump manual</h1><p>{FACT}<br>Second line.</p>
<ul><li>First <b>item</b></li><li>Second item</li></ul><table><tr><th>Part</th><th>Torque</th></tr>
<tr><td>Seal</td><td>12 Nm</td></tr></table><pre>a  b\n  c</pre><p hidden>secret</p></main>
<footer>Imprint</footer></body></html>"""
MARKDOWN = f"""---
title: Pump manual
lang: en
---

# Pump manual

{FACT} More
of it.

- first item
- second item
  continued

| Part | Torque |
|------|--------|
| Seal | 12 Nm  |

```sh
# no heading
```

Under
-----
Text.
"""


def _mail(path: Path) -> None:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "ann@example.org", "bob@example.org", "Pump manual"
    made["Date"] = "Mon, 02 Mar 2026 10:00:00 +0000"
    made.set_content(FACT)
    made.add_attachment(b"Part,Torque\nSeal,12 Nm\n", maintype="text", subtype="csv", filename="torques.csv")
    made.add_attachment(b"\x7fELF", maintype="application", subtype="octet-stream", filename="tool.exe")
    path.write_bytes(made.as_bytes())


def picture(text: str) -> Image.Image:
    """Black text on white, large enough for OCR."""
    made = Image.new("L", (900, 200), 255)
    ImageDraw.Draw(made).text((40, 60), text, fill=0, font=ImageFont.load_default(48))
    return made


def _text(content: str) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content.encode()) and None


SAMPLES: dict[str, Callable[[Path], None]] = {
    "manual.pdf": _pdf,
    "manual.docx": _docx,
    "manual.pptx": _pptx,
    "manual.xlsx": _xlsx,
    "manual.odt": _odt,
    "manual.epub": _epub,
    "manual.html": _text(HTML),
    "manual.xml": _text(f"<manual><title>Pump</title><step>{FACT}</step></manual>"),
    "manual.md": _text(MARKDOWN),
    "manual.txt": _text(f"PUMP MANUAL\n\n{FACT}\r\n- first item\n- second item\n\n4.2 Torque values\n\nMore.\n"),
    "manual.rtf": _text(r"{\rtf1\ansi {\b Pump manual}\par " + FACT + r"\par}"),
    "manual.csv": _text(f'Part;Note;Torque\nSeal;"{FACT}";12\nNut;;8,5\n'),
    "manual.json": _text(
        json.dumps({"items": [{"part": "seal", "note": FACT, "torque": {"unit": "Nm", "value": 1.10}}]})
    ),
    "manual.jsonl": _text(json.dumps({"note": FACT}) + "\n{broken\n"),
    "manual.eml": _mail,
    "manual.png": lambda path: picture(FACT).save(path),
}


def make(folder: Path, name: str) -> Path:
    """The sample called `name`, in `folder`."""
    path = folder / name
    SAMPLES[name](path)
    return path
