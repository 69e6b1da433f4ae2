"""What the curator's desk works on besides the documents: journal, reviewed answers, golden questions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ragedge.golden_runs import GoldenRuns
from ragedge.pinned_file import PinnedFile


@dataclass(frozen=True, slots=True)
class Curated:
    """The parts behind the desk's tabs. `journal` is the path of the journal, None where none is kept."""

    journal: Path | None
    pinned: PinnedFile
    golden: GoldenRuns

    def close(self) -> None:
        """End what runs in the background."""
        self.golden.close()
