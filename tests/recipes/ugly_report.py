"""Reads every file of the `ugly` evaluation case in the sandbox and compares the outcomes with its inventory.

`python -m tests.recipes.ugly_report [--pdfs]` prints what differs and a summary; `--pdfs` also reads the PDFs of
sec10q, irm and bulk and prints pages per second. Exit status 1 where an outcome is neither as listed nor among the
argued exceptions.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ragedge.contracts import ReadOptions
from ragedge.errors import UnreadableDocument, UnsupportedFile
from ragedge.ingest.sandbox import Limits, Sandbox

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
OUTCOMES = {"no_text": "empty", "encrypted": "password", "unsupported": "unsupported", "broken": "broken"}
# file -> (outcome that is right as well, why)
EXCEPTIONS: dict[str, tuple[str, str]] = {
    "pdfjs/issue3405r.pdf": ("empty", "its text layer is control characters alone; there is text only with OCR"),
}
PDF_CASES = ("sec10q", "irm", "bulk")


@dataclass(frozen=True)
class Case:
    """One row of the inventory."""

    file: str
    accepted: frozenset[str]

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return DATA / "ugly" / "corpus" / self.file


def cases() -> list[Case]:
    """The inventory's rows, with the argued exceptions."""
    with (DATA / "ugly" / "INVENTORY.tsv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = []
    for row in rows:
        accepted = {row["expected"], *filter(None, row["also_ok"].split(","))}
        if row["file"] in EXCEPTIONS:
            accepted.add(EXCEPTIONS[row["file"]][0])
        found.append(Case(row["file"], frozenset(accepted)))
    return found


def outcome(sandbox: Sandbox, path: Path) -> tuple[str, str]:
    """What became of a file, in the words of the inventory, and the detail."""
    try:
        parsed = sandbox.read(path)
    except UnsupportedFile as error:
        return "unsupported", error.message
    except UnreadableDocument as error:
        return OUTCOMES.get(error.reason, error.reason), error.message
    return "text", f"{len(parsed.pages)} pages, {sum(len(page.text) for page in parsed.pages):,} characters"


def differing(sandbox: Sandbox, chosen: list[Case]) -> Iterator[str]:
    """One line per file whose outcome is not accepted."""
    for case in chosen:
        got, detail = outcome(sandbox, case.path)
        if got not in case.accepted:
            yield f"{case.file}: {got}, expected {' or '.join(sorted(case.accepted))} ({detail})"


def _report_ugly(sandbox: Sandbox) -> int:
    counts: Counter[str] = Counter()
    wrong = 0
    slowest: list[tuple[float, str]] = []
    start = time.perf_counter()
    for case in cases():
        began = time.perf_counter()
        got, detail = outcome(sandbox, case.path)
        slowest.append((time.perf_counter() - began, case.file))
        counts[got] += 1
        if got not in case.accepted:
            wrong += 1
            print(f"DIFFERS {case.file}: {got}, expected {' or '.join(sorted(case.accepted))} ({detail})")
    print(
        f"{sum(counts.values())} files in {time.perf_counter() - start:.1f} s: "
        f"{dict(counts.most_common())}; {wrong} differ"
    )
    print("slowest:", ", ".join(f"{file} {seconds:.1f} s" for seconds, file in sorted(slowest, reverse=True)[:5]))
    return wrong


def _report_pdfs(sandbox: Sandbox) -> int:
    failed = 0
    for case in PDF_CASES:
        files = sorted((DATA / case / "corpus").rglob("*.pdf"))
        pages = empty = 0
        start = time.perf_counter()
        for path in files:
            try:
                parsed = sandbox.read(path)
            except UnreadableDocument as error:
                failed += 1
                print(f"FAILED {case}: {error.message}")
                continue
            pages += len(parsed.pages)
            empty += sum(not page.text.strip() for page in parsed.pages)
        seconds = time.perf_counter() - start
        print(
            f"{case}: {len(files)} PDFs, {pages} pages ({empty} empty) "
            f"in {seconds:.1f} s, {pages / seconds:.1f} pages/s"
        )
    return failed


def main() -> int:
    """Run and print; the exit status."""
    if not (DATA / "ugly" / "INVENTORY.tsv").is_file():
        print("../shared/data/ugly not found (evaluation data is optional, see its README)")
        return 0
    with Sandbox(ReadOptions(), Limits()) as sandbox:
        wrong = _report_ugly(sandbox)
        wrong += _report_pdfs(sandbox) if "--pdfs" in sys.argv[1:] else 0
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
