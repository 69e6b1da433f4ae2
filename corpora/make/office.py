"""Turn python-docx and openpyxl objects into bytes that are the same on every run.

The archive is written again with its members in the order of their names, uncompressed and with one fixed time,
because the libraries stamp the clock into it and zlib's output differs between builds.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime
from typing import Any

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.shared import Pt

from corpora.make.markup import blocks

_MEMBER_TIME = (2024, 3, 1, 0, 0, 0)
_TABLE_STYLE = "Light Grid Accent 1"
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")


def docx_bytes(title: str, source: str, tables: dict[str, list[list[str]]], *, author: str, date: datetime) -> bytes:
    """A Word document from marked-up text; `:table name` puts the table of that name in."""
    document = Document()
    _drop_unused_styles(document)
    document.styles["Normal"].font.name = "Calibri"
    document.styles["Normal"].font.size = Pt(11)
    document.add_heading(title, level=0)
    for block in blocks(source):
        if block.kind in ("h1", "h2"):
            document.add_heading(block.text, level=1 if block.kind == "h1" else 2)
        elif block.kind == "table":
            _table(document, tables[block.text])
        elif block.kind == "box":
            paragraph = document.add_paragraph()
            paragraph.add_run(f"{block.label}: ").bold = True
            paragraph.add_run(block.text)
        else:
            # Steps carry their number as text: numbers made by Word's list style are not in the paragraph itself.
            text = f"{block.label}. {block.text}" if block.kind == "step" else block.text
            document.add_paragraph(text, style="List Bullet" if block.kind == "bullet" else "Normal")
    properties = document.core_properties
    properties.title, properties.author, properties.last_modified_by = title, author, author
    properties.comments = ""
    properties.created = properties.modified = date
    properties.revision = 1
    return _archive(document)


def _drop_unused_styles(document: Any) -> None:
    """The library's template carries over 80 table styles twice and a picture, most of its size; one style is used."""
    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name not in (_TABLE_STYLE, "Normal Table"):
            style.delete()
    for owner in (document.part, document.part.package):
        for key, relation in list(owner.rels.items()):
            if relation.reltype.endswith(("/stylesWithEffects", "/thumbnail")):
                del owner.rels[key]


def _table(document: Any, cells: list[list[str]]) -> None:
    table = document.add_table(rows=0, cols=len(cells[0]), style=_TABLE_STYLE)
    for row in cells:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.add_paragraph()


def xlsx_bytes(workbook: Any, *, title: str, author: str, date: datetime) -> bytes:
    """A workbook with fixed properties."""
    properties = workbook.properties
    properties.title, properties.creator, properties.lastModifiedBy = title, author, author
    properties.created = properties.modified = date
    return _archive(workbook, modified=date)


def _archive(document: Any, modified: datetime | None = None) -> bytes:
    raw, out = io.BytesIO(), io.BytesIO()
    document.save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            content = source.read(name)
            if name == "docProps/core.xml" and modified:  # openpyxl sets the time of saving
                content = _MODIFIED.sub(rb"\g<1>" + modified.strftime("%Y-%m-%dT%H:%M:%SZ").encode() + rb"\2", content)
            member = zipfile.ZipInfo(name, _MEMBER_TIME)
            member.external_attr = 0o644 << 16
            member.create_system = 3  # the same on every system
            target.writestr(member, content)
    return out.getvalue()
