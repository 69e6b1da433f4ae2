"""A whole document out of the catalog: its record with all pages, and what was got out of each page."""

from __future__ import annotations

from collections import Counter

from ragedge.contracts import Document
from ragedge.errors import NotFound
from ragedge.index.catalog import Catalog, loads
from ragedge.index.reading import page_of
from ragedge.index.records import PageSummary
from ragedge.index.schema import checked, from_sql
from ragedge.index.writing import DOCUMENT_COLUMNS, PAGE_COLUMNS


def whole_document(catalog: Catalog, document_id: str) -> Document:
    """A document as its reader gave it.

    Raises:
        NotFound: when there is no such document.
    """
    found = catalog.rows(f"SELECT {DOCUMENT_COLUMNS}, digest FROM documents WHERE id = ?", (document_id,))
    if not found:
        raise NotFound(f'no document "{document_id}" in this index')
    values = checked(found[0], f'the document "{document_id}"')
    pages = catalog.rows(
        f"SELECT {PAGE_COLUMNS}, digest FROM pages WHERE document_id = ? ORDER BY number", (document_id,)
    )
    return Document(
        id=values[0],
        path=from_sql(values[1]),
        title=from_sql(values[2]),
        media_type=from_sql(values[3]),
        size_bytes=values[4],
        language=None if values[5] is None else from_sql(values[5]),
        metadata=loads(values[6]),
        pages=tuple(page_of(row) for row in pages),
    )


def page_summaries(catalog: Catalog, document_id: str) -> list[PageSummary]:
    """What was got out of each page of a document, by number.

    Raises:
        NotFound: when there is no such document.
    """
    touching: Counter[int] = Counter()
    for (spans,) in catalog.rows("SELECT spans FROM chunks WHERE document_id = ?", (document_id,)):
        touching.update({span[0] for span in loads(spans)})
    first: dict[str, int] = {}
    summaries = []
    for page in whole_document(catalog, document_id).pages:
        text = page.text.strip()
        same = first.setdefault(text, page.number) if text else page.number
        summaries.append(
            PageSummary(
                page.number,
                page.label,
                page.origin,
                len(text),
                touching[page.number],
                None if same == page.number else same,
            )
        )
    return summaries
