"""Records -> lines on a terminal: answers with their sources, reports, progress.

What comes out of documents and models is printed without control characters, so that no text can move the cursor or
hide itself. Colours only where a person looks at a terminal that wants them. Knows no index and no model.
"""

from __future__ import annotations

import os
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from ragedge.contracts import Answer, Citation, Objection, Passages
from ragedge.errors import RagedgeError

if TYPE_CHECKING:
    from ragedge.ingest.progress import Progress, SyncReport

_Item = TypeVar("_Item")

QUOTE_CHARS = 240
"""Longest quote shown under an answer; the page holds the rest."""

ROWS_SHOWN = 20
"""Rows of a report before "and n more": a screenful."""


OBJECTIONS: dict[Objection, str] = {
    "number_missing": "no source has this number or unit",
    "code_missing": "no source has this code",
    "date_changed": "the source names another month or day",
    "name_missing": "the source names no such name there",
    "negation_flipped": "the source says the opposite: a 'not' is too many or missing",
    "opposite_word": "the source has the opposite word",
    "order_changed": "names or numbers have changed places",
    "word_exchanged": "the source has another word there",
    "words_not_found": "no source says this",
    "source_gone": "its source was removed meanwhile",
}
"""Why a sentence is not supported, in words."""

_PRINTED = re.compile(
    r"[ivxlcdm]{1,7}|[^\W\d_]{0,2}[.-]?\d{1,4}", re.IGNORECASE
)  # "iv", "12", "A-3"; else a sheet's name


def plain(text: str) -> str:
    """One line of text without control characters."""
    kept = (c if c.isprintable() else " " for c in text if unicodedata.category(c) not in ("Cf", "Cs"))
    return " ".join("".join(kept).split())


def plain_piece(text: str) -> str:
    """A bit of streamed text: line ends and spaces stay, control characters do not."""
    return "".join(c for c in text if c == "\n" or (c.isprintable() and unicodedata.category(c) not in ("Cf", "Cs")))


def _style(code: str, stream: TextIO) -> Callable[[str], str]:
    wants = stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return (lambda text: f"\033[{code}m{text}\033[0m") if wants else (lambda text: text)


def page_name(citation: Citation) -> str:
    """ "page 12", with what is printed on it where that differs."""
    label, number = plain(citation.page_label or ""), citation.span.page
    if label in ("", str(number)):
        return f"page {number}"
    return f"page {number} (printed {label})" if _PRINTED.fullmatch(label) else f"page {number} ({label})"


def show_passages(found: Passages, out: TextIO) -> None:
    """One line, as soon as it is known: where the answer is likely to stand."""
    faint = _style("2", out)
    places = []
    for hit in found.retrieval.hits[:3]:
        pages = sorted({span.page for span in hit.chunk.spans})
        shown = f"{pages[0]}" if len(pages) == 1 else f"{pages[0]}-{pages[-1]}"
        places.append(f"{plain(hit.chunk.document_path)} p. {shown}")
    took = f"{found.timings.total_ms:.0f} ms" if found.timings.total_ms is not None else "?"
    print(faint(f"found in {took}: {'; '.join(places) or 'nothing'}"), file=out, flush=True)


def show_answer(answer: Answer, out: TextIO, *, text: bool = True) -> None:
    """The answer with numbered sources; `text` False where it was already streamed."""
    bold, faint, warn = _style("1", out), _style("2", out), _style("33", out)
    if text:
        for line in answer.text.splitlines():
            print(bold(plain(line)), file=out)
    if answer.short:
        print(f"  Answer: {bold(plain(answer.short))}", file=out)
    for span in answer.unsupported:
        why = OBJECTIONS[span.objection or "words_not_found"]
        print(warn(f"Not supported by the documents ({why}): {plain(answer.text[span.start : span.end])}"), file=out)
    seen: set[tuple[int, str]] = set()
    for citation in answer.citations:
        if (citation.number, citation.quote) in seen:
            continue
        seen.add((citation.number, citation.quote))
        quote = plain(citation.quote)
        quote = quote if len(quote) <= QUOTE_CHARS else quote[:QUOTE_CHARS].rstrip() + "…"
        print(f"  [{citation.number}] {plain(citation.document_path)}, {page_name(citation)}", file=out)
        print(faint(f'      "{quote}"'), file=out)
    if answer.outcome in ("abstained", "unsure") and answer.hits:
        print("  Closest passages:", file=out)
        for hit in answer.hits[:3]:
            head = plain(" > ".join(hit.chunk.headings[-2:]) or hit.title)
            page = hit.chunk.spans[0].page
            print(f"  - {plain(hit.chunk.document_path)}, page {page}: {head}", file=out)
    took = f"{answer.timings.total_ms:.0f} ms" if answer.timings.total_ms is not None else "?"
    speed = answer.stats.tokens_per_second if answer.stats else None
    rate = f", {speed:.1f} tokens/s" if speed else ""
    rate += ", passages joined" if answer.stats and answer.stats.prompt_eval_joined_count else ""
    joules = answer.timings.energy_joules
    energy = ", energy not measurable" if joules is None else f", {joules:.1f} J"
    kept = " out of the store of answers" if answer.timings.stored_ms is not None else ""
    said = f"{answer.outcome} by {plain(answer.engine)}{kept} in {took}{rate}{energy}"
    print(faint(f"  {said}; {plain(answer.reason)}"), file=out)


def show_report(report: SyncReport, out: TextIO) -> None:
    """What a run over a folder did, with every file that gave no text and why."""
    parts = [
        f"{count:,} {name}"
        for name, count in (
            ("added", len(report.added)),
            ("changed", len(report.changed)),
            ("renamed", len(report.renamed)),
            ("removed", len(report.removed)),
            ("duplicate", len(report.duplicates)),
            ("unchanged", report.unchanged),
            ("not readable", len(report.rejected)),
        )
        if count
    ]
    work = f"{report.pages:,} pages, {report.chunks:,} passages, " if report.chunks else ""
    print(f"Files: {', '.join(parts) or 'none found'} ({work}{duration(report.seconds)})", file=out)
    if report.rejected:
        print("Not readable, each left out with its reason:", file=out)
        _rows([(plain(row.path), row.reason or "", plain(row.detail)) for row in report.rejected], out)
    if report.partial:
        print("Read in part:", file=out)
        _rows([(plain(r.path), _pages(r.problems), plain(r.problems[0].detail)) for r in report.partial], out)
    if report.was_stopped:
        print("Stopped; everything reported as done is kept. The same command goes on from here.", file=out)


def _pages(problems: Sequence[Any]) -> str:
    numbers = [str(problem.page) for problem in problems if problem.page is not None]
    return f"page {', '.join(numbers[:8])}{'…' if len(numbers) > 8 else ''}" if numbers else ""


def _rows(rows: Sequence[tuple[str, str, str]], out: TextIO) -> None:
    width = min(max(len(row[0]) for row in rows), 48)
    for path, reason, detail in rows[:ROWS_SHOWN]:
        print(f"  {path:<{width}}  {reason:<13} {detail}", file=out)
    if len(rows) > ROWS_SHOWN:
        print(f"  and {len(rows) - ROWS_SHOWN:,} more: ragedge index info --files", file=out)


def show_error(error: RagedgeError, out: TextIO) -> None:
    """What happened and what to do, never a traceback."""
    print(f"ragedge: {plain(error.message)}", file=out)
    if error.hint:
        print(f"  {plain(error.hint)}", file=out)


def duration(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 7200 else f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: int) -> str:
    """Bytes in the unit a person would use."""
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"


class ProgressBar:
    """Progress of a run on stderr: a bar with rate and time left on a terminal, a line now and then elsewhere."""

    QUIET_SECONDS = 10.0
    """Between lines where no person watches, such as a log file."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._told = float("-inf")

    def __call__(self, progress: Progress) -> None:
        if progress.stage == "scan" or not progress.bytes_total:
            return
        if not sys.stderr.isatty():
            self._line(progress)
            return
        if self._bar is None:
            from tqdm import tqdm  # 0.05 s, wanted only where a bar is drawn

            self._bar = tqdm(total=progress.bytes_total, unit="B", unit_scale=True, dynamic_ncols=True, leave=False)
        rate = progress.chunks_done / progress.seconds if progress.seconds > 0 else 0.0
        self._bar.set_postfix_str(
            f"{progress.files_done}/{progress.files_total} files, {progress.chunks_done:,} passages, {rate:.0f}/s",
            refresh=False,
        )
        self._bar.n = min(progress.bytes_done, progress.bytes_total)
        self._bar.refresh()

    def _line(self, progress: Progress) -> None:
        if progress.seconds - self._told < self.QUIET_SECONDS and progress.files_done < progress.files_total:
            return
        self._told = progress.seconds
        share = progress.bytes_done / progress.bytes_total
        left = duration(progress.seconds / share * (1 - share)) if share > 0 else "?"
        print(
            f"{share:4.0%}  {progress.files_done}/{progress.files_total} files, {progress.chunks_done:,} passages, "
            f"{progress.chunks_done / max(progress.seconds, 1e-9):.0f}/s, {left} left",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def counted(items: Sequence[_Item], what: str, unit: str) -> Iterator[_Item]:
    """The items one by one, with a bar on a terminal and a line every ten seconds elsewhere, on stderr."""
    if sys.stderr.isatty():
        from tqdm import tqdm  # 0.05 s, wanted only where a bar is drawn

        yield from tqdm(items, desc=what, unit=unit, dynamic_ncols=True, leave=False)
        return
    told = started = time.monotonic()
    for number, item in enumerate(items):
        now = time.monotonic()
        if number and now - told >= ProgressBar.QUIET_SECONDS:
            left = duration((now - started) / number * (len(items) - number))
            print(f"{what}: {number}/{len(items)} {unit}s, {left} left", file=sys.stderr, flush=True)
            told = now
        yield item
