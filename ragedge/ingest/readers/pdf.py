"""PDF -> pages, by pypdf: the text exactly as pypdf gives it, only cleaned, so that quotes match.

Files encrypted with an empty user password are opened, others with the passwords given. Pages without a text layer go
through OCR where that is possible and are reported where it is not. pypdf's limits are raised where real filings
exceed them (arrays) and lowered where they exceed a small box (75 MB per stream). It raises many types on damaged
files; here a damaged page costs that page only.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from pypdf import Configuration, PageObject, PasswordType, PdfReader, overwrite_configuration
from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError, PyPdfError, WrongPasswordError

from ragedge.contracts import Page, PageProblem, ReadOptions, Reason
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.lines import plain_blocks
from ragedge.ingest.readers.ocr import Recognition
from ragedge.ingest.readers.parts import Part, Progress, clean_about, clean_text
from ragedge.ingest.readers.pdf_headings import Headings, outline_titles

LIMITS: dict[str, Any] = {
    # some filings of companies exceed the default of 100,000 elements
    "array_maximum_element_count": 2_000_000,
    "dictionary_maximum_element_count": 1_000_000,
    # bytes per stream: page text never needs more than a few MB, and several streams live at once
    "maximum_declared_stream_length": 64_000_000,
    "array_based_stream_maximum_output_length": 32_000_000,
    "lzw_maximum_output_length": 32_000_000,
    "run_length_maximum_output_length": 32_000_000,
    "zlib_maximum_output_length": 48_000_000,
    "brotli_maximum_output_length": 32_000_000,
    "stream_decoding_work_maximum_length": 100_000_000,
    "jbig2dec_binary": None,  # no helper programs from within the parser
}
_PAINTS = re.compile(rb"(?:^|[\s\])>])(?:Do|Tj|TJ|'|\"|sh|BI|f\*?|F|B\*?|b\*?|s|S)(?=\s|$)")
_INFO_KEYS = {"/Author": "author", "/Subject": "subject", "/Keywords": "keywords", "/CreationDate": "created"}


def read_pdf(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Every page of a PDF in order, empty ones too, so that page numbers stay positions."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)  # a page of warnings per damaged font otherwise
    overwrite_configuration(Configuration(), **LIMITS)
    reader = _open(stream, options)
    pages, count = reader.pages, _count(reader)
    yield _about(reader)
    labels = _labels(reader, count)
    headings = Headings(outline_titles(reader))
    yield Progress()
    with Recognition(stream, options) as recognition:
        for number in range(1, count + 1):
            yield from _read_page(pages, number, labels.get(number), headings, recognition)


def _open(stream: BinaryIO, options: ReadOptions) -> PdfReader:
    try:
        reader = PdfReader(stream, strict=False)
        if reader.is_encrypted and not _unlock(reader, options):
            hint = "give its password: --password" if not options.passwords else "none of the given passwords opens it"
            raise UnreadableDocument("encrypted", "is encrypted with a password", hint)
    except DependencyError as error:
        raise UnreadableDocument("encrypted", "is encrypted in a way that is not known") from error
    except (FileNotDecryptedError, WrongPasswordError) as error:
        raise UnreadableDocument(
            "encrypted", "is encrypted with a password", "give its password: --password"
        ) from error
    except LimitReachedError as error:
        raise UnreadableDocument("too_large", "holds structures beyond what is safe to read") from error
    except (UnreadableDocument, MemoryError):
        raise
    except Exception as error:
        hint = "save it anew, or repair it: qpdf FILE repaired.pdf"
        raise UnreadableDocument("broken", "is a damaged PDF, or none at all", hint) from error
    return reader


def _unlock(reader: PdfReader, options: ReadOptions) -> bool:
    return any(reader.decrypt(word) != PasswordType.NOT_DECRYPTED for word in ("", *options.passwords))


def _count(reader: PdfReader) -> int:
    try:
        return len(reader.pages)
    except LimitReachedError as error:
        raise UnreadableDocument("too_large", "has a page tree beyond what is safe to read") from error
    except MemoryError:
        raise
    except Exception as error:
        raise UnreadableDocument(
            "broken", "is a PDF whose page tree is damaged", "repair it: qpdf FILE out.pdf"
        ) from error


def _read_page(
    pages: Any, number: int, label: str | None, headings: Headings, recognition: Recognition
) -> Iterator[Part]:
    try:
        page = pages[number - 1]
        text = clean_text(page.extract_text())
    except MemoryError:
        raise
    except Exception as error:
        yield Page(number, label, "")
        yield PageProblem(number, _reason(error), f"this page is damaged ({type(error).__name__})")
        return
    if any(c.isalnum() for c in text):
        yield Page(number, label, text, "text", tuple(plain_blocks(text, headings.on_page(number, text))))
        return
    found, problem = ("", None) if _is_blank(page) else recognition.page(number)
    if found:
        blocks = tuple(plain_blocks(found, headings.on_page(number, found)))
        yield Page(number, label, found, "ocr", blocks)
    else:
        yield Page(number, label, text, "text", tuple(plain_blocks(text, lambda at, lines: 0)))
    if problem:
        yield PageProblem(number, "no_text", problem)


def _reason(error: Exception) -> Reason:
    return "too_large" if isinstance(error, LimitReachedError) else "broken"


def _is_blank(page: PageObject) -> bool:
    """Whether nothing at all is painted on the page, so that OCR has nothing to find."""
    try:
        contents = page.get_contents()
        if "/Annots" in page:
            return False
        return contents is None or not _PAINTS.search(contents.get_data())
    except MemoryError:
        raise
    except Exception:
        return False


def _labels(reader: PdfReader, count: int) -> Mapping[int, str]:
    """Printed page numbers by position; empty where the file names none."""
    try:
        if "/PageLabels" not in reader.root_object:
            return {}
        labels = [clean_text(label).strip()[:40] for label in reader.page_labels[:count]]
    except MemoryError:
        raise
    except Exception:
        return {}  # labels are an extra: a damaged tree must not cost the text
    return {position: label for position, label in enumerate(labels, start=1) if label}


def _about(reader: PdfReader) -> Part:
    title, language = "", None
    found: dict[str, str] = {}
    try:
        info: Any = reader.metadata or {}
        title = str(info.get("/Title") or "")
        found = {name: str(info[key]) for key, name in _INFO_KEYS.items() if info.get(key)}
        language = str(reader.root_object.get("/Lang") or "")
    except MemoryError:
        raise
    except (PyPdfError, Exception):
        pass  # the same: nobody misses the metadata of a damaged file
    return clean_about(title, language, found)
